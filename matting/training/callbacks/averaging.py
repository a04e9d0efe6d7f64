"""Exponential moving average of the weights, used for validation and saved for use."""

from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


class AveragedWeights(WeightAveraging):
    """Lightning's weight averaging as an EMA with warm-up, without waiting for the device and safe to interrupt.

    The decay at step t is ``min(decay, (1 + t) / (10 + t))``, so that short runs do not drag their initial weights
    along.

    Args:
        decay: Decay per optimiser step once warm.
    """

    def __init__(self, decay: float = 0.999) -> None:
        super().__init__(multi_avg_fn=self._average)
        self.decay = decay
        self._current_decay = 0.0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Make the averaged copy where the weights will be: at this time Lightning has not moved them yet."""
        self._device = trainer.strategy.root_device
        super().setup(trainer, pl_module, stage)
        if self._average_model is not None:  # torch asks this counter whether it is 0: on a GPU each step would wait
            self._average_model.n_averaged = self._average_model.n_averaged.cpu()

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """Update after every optimiser step."""
        if step_idx is None:
            return False
        self._current_decay = min(self.decay, (1 + step_idx) / (10 + step_idx))
        return True

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Undo the swap of weights if validation was under way.

        A checkpoint written now would otherwise hold averaged and current weights in each other's place.
        """
        if trainer.validating and self._average_model is not None:
            self._swap_models(pl_module)

    def _average(self, averaged: Any, current: Any, number: Tensor | int) -> None:
        get_ema_multi_avg_fn(self._current_decay)(averaged, current, number)  # type: ignore[no-untyped-call]
