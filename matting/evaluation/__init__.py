"""Evaluation of mattes: stream images through methods, score them and summarise the scores with uncertainty."""

from matting.evaluation.background_invariance import BACKGROUND_DEVIATION, background_deviations
from matting.evaluation.corruptions import CORRUPTIONS, Corruption, corrupt
from matting.evaluation.journal import Journal
from matting.evaluation.methods import (
    all_foreground,
    always,
    image_method,
    mean_matte,
    network,
    stored_predictions,
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
    "BACKGROUND_DEVIATION",
    "CORRUPTIONS",
    "METRICS",
    "REGIONS",
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
    "background_deviations",
    "bootstrap_mean",
    "cells",
    "corrupt",
    "corrupted_pairs",
    "degradations",
    "difference_over_seeds",
    "evaluate",
    "image_method",
    "mean_matte",
    "mean_over_seeds",
    "network",
    "paired_difference",
    "stored_predictions",
    "summarise",
]
