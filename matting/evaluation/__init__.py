"""Tests of mattes: pictures streamed through methods, scored, summarised with uncertainty, and reported as files."""

from matting.evaluation.corruptions import CORRUPTIONS, Corruption, corrupt
from matting.evaluation.examples import Example, Method, Pair, Prediction
from matting.evaluation.folders import Listing, implied_trimap, load_example, pairs_from_folders, pairs_from_root
from matting.evaluation.journal import Journal
from matting.evaluation.labels import with_labels
from matting.evaluation.methods import (
    all_foreground,
    always,
    mean_matte,
    network,
    on_photograph,
    stored_predictions,
    unmatched,
)
from matting.evaluation.report import protocol_facts, write_report
from matting.evaluation.robustness import corrupted_pairs, degradations
from matting.evaluation.scoring import METRICS, REGIONS, Evaluation, Failure, Row, evaluate
from matting.evaluation.sections import Findings, Section, sections
from matting.evaluation.setting import Description, Setting
from matting.evaluation.spread import SPREAD, background_spreads
from matting.evaluation.statistics import (
    Estimate,
    bootstrap_mean,
    difference_over_seeds,
    mean_over_seeds,
    paired_difference,
)
from matting.evaluation.summary import cells, summarise
from matting.evaluation.tables import Table, difference_tables, label_tables, method_tables, to_markdown

__all__ = [
    "CORRUPTIONS",
    "METRICS",
    "REGIONS",
    "SPREAD",
    "Corruption",
    "Description",
    "Estimate",
    "Evaluation",
    "Example",
    "Failure",
    "Findings",
    "Journal",
    "Listing",
    "Method",
    "Pair",
    "Prediction",
    "Row",
    "Section",
    "Setting",
    "Table",
    "all_foreground",
    "always",
    "background_spreads",
    "bootstrap_mean",
    "cells",
    "corrupt",
    "corrupted_pairs",
    "degradations",
    "difference_over_seeds",
    "difference_tables",
    "evaluate",
    "implied_trimap",
    "label_tables",
    "load_example",
    "mean_matte",
    "mean_over_seeds",
    "method_tables",
    "network",
    "on_photograph",
    "paired_difference",
    "pairs_from_folders",
    "pairs_from_root",
    "protocol_facts",
    "sections",
    "stored_predictions",
    "summarise",
    "to_markdown",
    "unmatched",
    "with_labels",
    "write_report",
]
