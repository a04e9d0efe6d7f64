"""The LightningModule: network, criterion, optimiser and validation metrics."""

from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from matting.batch import TrainingBatch
from matting.losses import Criterion
from matting.metrics import MAD, MSE, SAD
from matting.metrics.definition import Region
from matting.models import AttentionUNet, MattingOutput
from matting.training.optimizer import OptimizerSettings
from matting.trimap import CODES

REGIONS: tuple[Region, ...] = ("whole", "unknown")
CHECKED = ("whole", "sad")
"""The only metric that checks that alphas are finite and in [0, 1]: all get the same ones."""


class MattingModule(LightningModule):
    """Train an `AttentionUNet`.

    Args:
        model: The network.
        criterion: Loss terms and weights.
        optimizer: Optimiser settings.
        total_steps: Optimiser steps of the run, for the learning-rate schedule. Lightning can compute it too, but
            would start the loader's workers before a checkpoint is restored.
        validation_set: Name of the validation set in metric keys.
        hyper_parameters: Plain values to store in checkpoints along with the network's settings;
            `matting.models.load_checkpoint` needs ``size`` and ``corpus``.
    """

    def __init__(
        self,
        model: AttentionUNet,
        criterion: Criterion,
        optimizer: OptimizerSettings,
        total_steps: int,
        validation_set: str,
        hyper_parameters: dict[str, Any],
    ) -> None:
        super().__init__()
        self.save_hyperparameters(hyper_parameters | {"model": model.settings})
        self.model, self.criterion = model, criterion
        self.optimizer_settings, self.total_steps = optimizer, total_steps
        self.validation_metrics = nn.ModuleDict(
            {
                f"val/{validation_set}/{region}/{name}": metric(region, validate_args=(region, name) == CHECKED)
                for region in REGIONS
                for name, metric in (("sad", SAD), ("mse", MSE), ("mad", MAD))
            }
        )

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Continue inside the epoch in which a run ended: Lightning takes it for complete and would begin the next."""
        position = checkpoint["MattingDataModule"]["position"]
        epochs = checkpoint["loops"]["fit_loop"]["epoch_progress"]
        if position["rows"] and epochs["total"]["processed"] == epochs["total"]["started"]:
            for counts in epochs.values():
                counts["processed"] -= 1

    def on_train_start(self) -> None:
        """Follow the settings of this run where a checkpoint has restored others, and count the epoch that begins."""
        loop = self.trainer.fit_loop
        if loop.restarted_mid_epoch and loop.epoch_progress.total.completed == loop.epoch_progress.total.ready:
            # After the checkpoint of an epoch's last step Lightning begins the next epoch without counting it, and a
            # run that is resumed once more would repeat one.
            loop.epoch_progress.increment_ready()
            loop.epoch_progress.increment_started()
        for config in self.trainer.lr_scheduler_configs:
            self.optimizer_settings.reapply(config.scheduler)  # type: ignore[arg-type]

    def on_train_batch_start(self, batch: TrainingBatch, batch_idx: int) -> None:
        """Keep the encoder in evaluation mode while it is frozen, so that its normalisation statistics stay fixed."""
        self.model.encoder.train(self.global_step >= self.optimizer_settings.frozen_steps(self.total_steps))

    def training_step(self, batch: TrainingBatch, batch_idx: int) -> Tensor:
        """Compute the loss and log each term under its own name."""
        values = self.criterion(self._predict(batch), batch)
        # Detached: a logged value that keeps its graph would keep the memory of the step.
        self.log_dict({f"train/{name}": value.detach() for name, value in values.items()}, batch_size=len(batch.image))
        self.log("loss", values["loss"].detach(), prog_bar=True, logger=False, batch_size=len(batch.image))
        loss: Tensor = values["loss"]
        return loss

    def _predict(self, batch: TrainingBatch) -> list[MattingOutput]:
        """Predict the images and their mixed views, if any, in one forward pass, as AugMix does."""
        images = torch.cat([batch.image[:, None], batch.views], dim=1)
        output = self.model(images.flatten(0, 1))
        views = (part.unflatten(0, images.shape[:2]).unbind(1) for part in output)
        return [MattingOutput(*parts) for parts in zip(*views, strict=True)]

    def validation_step(self, batch: TrainingBatch, batch_idx: int) -> None:
        """Update the validation metrics, without the pixels that are not annotated."""
        preds = self.model(batch.image).alpha
        # The metrics take the codes of files, a batch has labels.
        trimap = torch.from_numpy(CODES).to(preds.device)[batch.trimap]
        for name, metric in self.validation_metrics.items():
            metric.update(preds, batch.alpha, trimap, ignore=batch.valid == 0)  # type: ignore[operator]
            self.log(name, metric, prog_bar=name.endswith("whole/mad"))  # type: ignore[arg-type]

    def configure_optimizers(self) -> Any:
        """Build the optimiser and its learning-rate schedule."""
        return self.optimizer_settings.build(self.model, self.total_steps)
