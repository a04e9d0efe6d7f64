"""Exponential moving average of the weights, used for validation and saved for use."""

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import EMAWeightAveraging


class AveragedWeights(EMAWeightAveraging):
    """Lightning's averaging, made safe to interrupt.

    Lightning swaps the averaged weights in for validation. A checkpoint written because validation was interrupted
    would hold the two sets in each other's place; here they are swapped back first.
    """

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Undo the swap if validation was under way."""
        if trainer.validating and self._average_model is not None:
            self._swap_models(pl_module)
