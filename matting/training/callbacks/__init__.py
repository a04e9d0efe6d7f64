"""Callbacks: what happens beside training, in the order of time."""

from matting.training.callbacks.averaging import AveragedWeights
from matting.training.callbacks.plan_log import PlanLog

__all__ = ["AveragedWeights", "PlanLog"]
