"""Keep predictions for the same few validation images, epoch after epoch."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from numpy.typing import NDArray
from PIL import Image

from matting.batch import TrainingBatch
from matting.data.test_sets import Example
from matting.errors import MattingError
from matting.evaluation.report.gallery import COLUMNS, render_tiles
from matting.files import replacing
from matting.training.loggers import log_images
from matting.trimap import CODES


class Panels(Callback):
    """Write a strip of image, true alpha, predicted alpha, signed error and cutout at every validation.

    The images are the first of the validation set, so that strips, and the slider of a dashboard, show the same ones
    over time. The file is ``epoch_0001.jpg`` after the first epoch; loggers that show images have them as
    ``panels/validation``.

    Args:
        folder: Folder of the strips, created at the first.
        images: Number of images; at most one batch is shown.

    Raises:
        MattingError: If the number is below 1.
    """

    def __init__(self, folder: Path | str, images: int = 4) -> None:
        if images < 1:
            raise MattingError(f"callbacks.panels.images: expected at least 1, found {images}")
        self.folder, self.images = Path(folder), images

    @torch.no_grad()
    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Predict and write before the first batch, when averaged weights are in place in any order of callbacks."""
        # The sanity check runs before the first epoch, on an untrained network.
        if batch_idx or dataloader_idx or not trainer.is_global_zero or trainer.sanity_checking:
            return
        shown = TrainingBatch(*(part[: self.images] for part in batch))
        rows = panel_rows(shown, pl_module.model(shown.image).alpha)  # type: ignore[operator]
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self.folder / f"epoch_{trainer.current_epoch + 1:04}.jpg") as file:
            # The format is named, because the temporary file has another ending.
            Image.fromarray(np.concatenate(rows)).save(file, "JPEG", quality=88)
        log_images(trainer.loggers, "panels/validation", rows, " | ".join(COLUMNS), trainer.global_step)


def panel_rows(batch: TrainingBatch, alphas: torch.Tensor) -> list[NDArray[np.uint8]]:
    """Render the five columns of `matting.evaluation.report.gallery.COLUMNS`, one row per image of a batch.

    Args:
        batch: The images.
        alphas: ``(B, 1, S, S)`` in [0, 1]: the predictions for them.

    Returns:
        ``(h, w, 3)`` uint8 RGB, one per image.
    """
    images, targets = (_levels(layer).transpose(0, 2, 3, 1) for layer in (batch.image, batch.alpha))
    trimaps = CODES[batch.trimap.cpu().numpy()]
    preds = alphas[:, 0].float().cpu().numpy()
    examples = [Example("", *layers) for layers in zip(images, targets[..., 0], trimaps, strict=True)]
    return [
        np.concatenate(render_tiles(example, alpha), axis=1) for example, alpha in zip(examples, preds, strict=True)
    ]


def _levels(layer: torch.Tensor) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = (layer.float().clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    return levels
