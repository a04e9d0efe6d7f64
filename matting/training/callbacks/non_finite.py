"""Stop a run whose loss is no longer finite, and record which batch caused it."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from matting.data.loader import PlanLoader
from matting.errors import MattingError
from matting.files import write_csv
from matting.plan.plan import Draw
from matting.training.callbacks.whole_steps import keep_last_checkpoint


class NonFiniteGuard(Callback):
    """Stop at the first loss that is infinite or NaN.

    Reading the loss at each step would make the host wait for the device, so losses are checked several at a time; the
    batch is still identified. Its draws are written to a file from which `read_draws` restores them, and the last good
    checkpoint is not overwritten.

    Args:
        path: CSV file to write; further processes of a run append their rank to its name.
        every: Batches between two checks.
    """

    def __init__(self, path: Path | str, every: int = 50) -> None:
        self.path, self.every = Path(path), every
        self._pending: list[tuple[int, Tensor]] = []

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Keep the loss; check all losses kept after every ``every`` batches."""
        self._pending.append((_loader(trainer).batches.consumed - 1, outputs["loss"].detach()))
        if len(self._pending) >= self.every:
            self._check(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check before metrics are computed on a diverged network."""
        self._check(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the last losses of the epoch."""
        self._check(trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Check before any checkpoint is written, whether after an epoch, some steps or some minutes."""
        self._check(trainer)

    def _check(self, trainer: Trainer) -> None:
        if not self._pending:
            return
        # One tensor for all losses, so that the host waits for the device once.
        finite = torch.stack([loss for _, loss in self._pending]).isfinite()
        numbers, self._pending = [number for number, _ in self._pending], []
        if bool(finite.all()):
            return
        batches = replace(_loader(trainer).batches, consumed=numbers[int((~finite).nonzero()[0])])
        epoch, batch = divmod(batches.consumed, len(batches))
        # Each rank has seen other rows, so each has a file.
        path = self.path if trainer.is_global_zero else self.path.with_stem(f"{self.path.stem}_{trainer.global_rank}")
        write_draws(path, next(iter(batches)))
        # The error below is an exception too: saving on it would replace the last good checkpoint.
        keep_last_checkpoint(trainer)
        raise MattingError(
            f"epoch {epoch}, batch {batch}: the loss is not finite; the batch's draws are in {path}, the last "
            "checkpoint is from before. Lower optimizer.lr or trainer.gradient_clip_val, or train in float32"
        )


def write_draws(path: Path, draws: list[Draw]) -> None:
    """Write draws as CSV, one per line."""
    write_csv(path, Draw._fields, draws)


def read_draws(path: Path) -> list[Draw]:
    """Read draws that `write_draws` wrote.

    ``collate([dataset[draw] for draw in read_draws(path)])`` with the run's `DrawDataset` is the batch itself.

    Raises:
        FileNotFoundError: If the file does not exist.
        MattingError: If the columns are not those of a draw.
    """
    with path.open(newline="") as file:
        header, *lines = csv.reader(file)
    if tuple(header) != Draw._fields:
        raise MattingError(f"{path}: expected the columns {', '.join(Draw._fields)}, found {', '.join(header)}")
    types = Draw.__annotations__
    return [Draw(*(types[name](value) for name, value in zip(header, line, strict=True))) for line in lines]


def _loader(trainer: Trainer) -> PlanLoader:
    if not isinstance(loader := trainer.train_dataloader, PlanLoader):
        raise TypeError(f"NonFiniteGuard: expected a PlanLoader, found {type(loader).__name__}")
    return loader
