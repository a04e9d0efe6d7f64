"""Exponential moving average of the weights, used for validation and saved in checkpoints."""

from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from matting.training.callbacks.whole_steps import keep_last_checkpoint


class AveragedWeights(WeightAveraging):
    """Lightning's weight averaging as an EMA with warm-up, without host synchronisation and safe to interrupt.

    The decay at step t is ``min(decay, (1 + t) / (10 + t))``, so that the average of a short run does not remember its
    initial weights.

    Args:
        decay: Decay per optimiser step after the warm-up.
    """

    def __init__(self, decay: float = 0.999) -> None:
        super().__init__(multi_avg_fn=self._average)
        self.decay = decay
        self._current_decay = 0.0
        self._swapped: bool | None = False  # whether the averaged weights are in place; None while they are exchanged

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Create the averaged copy on the device of the run: Lightning has not moved the weights yet."""
        self._device = trainer.strategy.root_device
        super().setup(trainer, pl_module, stage)
        if self._average_model is not None:  # torch reads this counter at each step, which on a GPU would synchronise
            self._average_model.n_averaged = self._average_model.n_averaged.cpu()

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """Update after every optimiser step."""
        # Lightning asks after epochs as well, with only their number.
        if step_idx is None:
            return False
        self._current_decay = min(self.decay, (1 + step_idx) / (10 + step_idx))
        return True

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Undo the swap of weights if the exception came between it and the swap back.

        A checkpoint written now would otherwise contain averaged and current weights in each other's place. Lightning's
        stage does not tell: a validation begins before the one swap and ends after the other.
        """
        if self._swapped is None:  # some weights are exchanged, others not
            keep_last_checkpoint(trainer)
        elif self._swapped:
            self._swap_models(pl_module)

    def _swap_models(self, pl_module: LightningModule) -> None:
        swapped, self._swapped = self._swapped, None
        super()._swap_models(pl_module)
        self._swapped = not swapped

    def _average(self, averaged: Any, current: Any, number: Tensor | int) -> None:
        # Torch's function has a fixed decay, so one is made for each step.
        get_ema_multi_avg_fn(self._current_decay)(averaged, current, number)  # type: ignore[no-untyped-call]
