"""Tests of mattes: images streamed through methods, scored, and summarised with uncertainty."""

from matting.evaluation.background_invariance import SPREAD, background_spreads
from matting.evaluation.corruptions import CORRUPTIONS, Corruption, corrupt
from matting.evaluation.journal import Journal
from matting.evaluation.methods import (
    all_foreground,
    always,
    mean_matte,
    network,
    on_photograph,
    stored_predictions,
    unmatched,
)
from matting.evaluation.prediction import Method, Prediction
from matting.evaluation.robustness import corrupted_pairs, degradations
from matting.evaluation.scoring import METRICS, REGIONS, Evaluation, Failure, Row, evaluate
from matting.evaluation.setting import Description, Setting
from matting.evaluation.statistics import (
    Estimate,
    bootstrap_mean,
    difference_over_seeds,
    mean_over_seeds,
    paired_difference,
)
from matting.evaluation.summary import cells, summarise

__all__ = [
    "CORRUPTIONS",
    "METRICS",
    "REGIONS",
    "SPREAD",
    "Corruption",
    "Description",
    "Estimate",
    "Evaluation",
    "Failure",
    "Journal",
    "Method",
    "Prediction",
    "Row",
    "Setting",
    "all_foreground",
    "always",
    "background_spreads",
    "bootstrap_mean",
    "cells",
    "corrupt",
    "corrupted_pairs",
    "degradations",
    "difference_over_seeds",
    "evaluate",
    "mean_matte",
    "mean_over_seeds",
    "network",
    "on_photograph",
    "paired_difference",
    "stored_predictions",
    "summarise",
    "unmatched",
]
