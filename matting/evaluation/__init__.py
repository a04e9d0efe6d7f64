"""Tests of mattes: pictures streamed through methods, scored, summarised with uncertainty, and reported as files."""

from matting.evaluation.examples import Example, Method, Pair
from matting.evaluation.folders import Listing, implied_trimap, load_example, pairs_from_folders, pairs_from_root
from matting.evaluation.journal import Journal
from matting.evaluation.labels import with_labels
from matting.evaluation.methods import all_foreground, always, mean_matte, on_photograph, stored_predictions, unmatched
from matting.evaluation.report import Setting, write_report
from matting.evaluation.scoring import METRICS, REGIONS, Evaluation, Failure, Row, evaluate
from matting.evaluation.statistics import Estimate, bootstrap_mean, paired_difference
from matting.evaluation.summary import cells, summarise
from matting.evaluation.tables import Table, difference_tables, label_tables, method_tables, to_markdown

__all__ = [
    "METRICS",
    "REGIONS",
    "Estimate",
    "Evaluation",
    "Example",
    "Failure",
    "Journal",
    "Listing",
    "Method",
    "Pair",
    "Row",
    "Setting",
    "Table",
    "all_foreground",
    "always",
    "bootstrap_mean",
    "cells",
    "difference_tables",
    "evaluate",
    "implied_trimap",
    "label_tables",
    "load_example",
    "mean_matte",
    "method_tables",
    "on_photograph",
    "paired_difference",
    "pairs_from_folders",
    "pairs_from_root",
    "stored_predictions",
    "summarise",
    "to_markdown",
    "unmatched",
    "with_labels",
    "write_report",
]
