"""Repeat the first epoch, to check that the network can overfit it."""

from dataclasses import fields

from lightning.pytorch import Callback, LightningModule, Trainer

from matting.plan.plan import EpochPlan
from matting.plan.schedule import Schedule
from matting.training.datamodule import MattingDataModule


class RepeatFirstEpoch(Callback):
    """Make every epoch repeat the first one; with one batch per epoch, the run sees only that batch.

    A network, loss or learning rate that cannot overfit one batch will not learn from many.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Replace the run's schedule before the first plan is made."""
        data = trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(data, MattingDataModule):
            raise TypeError(f"RepeatFirstEpoch: expected a MattingDataModule, found {type(data).__name__}")
        data.schedule = _Repeated(**{field.name: getattr(data.schedule, field.name) for field in fields(Schedule)})


class _Repeated(Schedule):
    def plan(self, epoch: int) -> EpochPlan:
        return super().plan(0)

    def stage_name(self, epoch: int) -> str:
        return super().stage_name(0)
