"""Callbacks: weight averaging, logging and checks during training."""

from matting.training.callbacks.averaging import AveragedWeights
from matting.training.callbacks.background_variance import BackgroundVariance, background_variance
from matting.training.callbacks.lost import LostProcesses
from matting.training.callbacks.non_finite import NonFiniteGuard, read_draws
from matting.training.callbacks.panels import Panels
from matting.training.callbacks.plan_log import PlanLog
from matting.training.callbacks.progress import RunProgress
from matting.training.callbacks.repeat import RepeatFirstEpoch
from matting.training.callbacks.whole_steps import TimedCheckpoint, WholeSteps

__all__ = [
    "AveragedWeights",
    "BackgroundVariance",
    "LostProcesses",
    "NonFiniteGuard",
    "Panels",
    "PlanLog",
    "RepeatFirstEpoch",
    "RunProgress",
    "TimedCheckpoint",
    "WholeSteps",
    "background_variance",
    "read_draws",
]
