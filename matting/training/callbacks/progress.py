"""The progress of a whole run: a bar in a terminal, and one line per epoch in the log."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from math import ceil
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from torch import Tensor

from matting.processes import is_child

log = logging.getLogger(__name__)


class RunProgress(ProgressBar):
    """Report how far the run is, how fast it goes, and when it will end.

    A bar for all steps of the run is shown on stderr if that is a terminal. After every epoch, one line goes to the
    log: step, images per second (without validation), mean loss of the epoch, validation scores, and the time left.

    The loss of a step is read for the bar only where the loggers read it too, so no other step waits for the device.

    Args:
        seconds: Where epochs are shorter, those without validation are not logged.
    """

    def __init__(self, seconds: float = 10.0) -> None:
        super().__init__()
        self.seconds = seconds
        self._enabled = True
        self._bar: Progress | None = None
        self._shown: Any = None
        self._begun = self._logged = 0.0
        self._first_step = 0
        self._loss: Tensor | None = None
        self._batches = self._images = 0
        self._epoch_begun = self._validating = 0.0
        self._validated = False

    def disable(self) -> None:
        """Report nothing; Lightning calls it in all processes but the first."""
        self._enabled = False

    def enable(self) -> None:
        """Report again."""
        self._enabled = True

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock, and the bar if there is a terminal."""
        self._begun, self._first_step = time.perf_counter(), trainer.global_step
        self._count_anew()  # also here: a run resumed within an epoch does not start that epoch again
        # Far enough back for the first epoch to be logged, however short.
        self._logged = -self.seconds
        console = Console(stderr=True)
        if self._enabled and console.is_terminal and not is_child():  # parallel jobs would draw over each other
            self._shown = _bar(console, _total_steps(pl_module), trainer.global_step)
            self._bar = self._shown.__enter__()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to count the epoch."""
        self._count_anew()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the batch and move the bar."""
        # Added up on the device: reading each loss would make every step wait.
        loss = outputs["loss"].detach() * trainer.accumulate_grad_batches  # Lightning's loss is divided by it
        self._loss = loss if self._loss is None else self._loss + loss
        self._batches, self._images = self._batches + 1, self._images + len(batch.image) * trainer.world_size
        if self._bar is None:
            return
        epoch = f"epoch {trainer.current_epoch + 1}/{_epochs(trainer, pl_module)}"
        fields: dict[str, Any] = {"left": self._left(trainer, pl_module), "speed": f"{self._speed():.1f} images/s"}
        if trainer.global_step % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            fields["loss"] = f"loss {float(loss):.4f}"
        self._bar.update(self._bar.task_ids[0], completed=trainer.global_step, description=epoch, **fields)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the clock of training."""
        self._validation_begun = time.perf_counter()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], description="validating")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock of training again."""
        if not trainer.sanity_checking:
            self._validating += time.perf_counter() - self._validation_begun
            self._validated = True

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the line of the epoch."""
        now, last = time.perf_counter(), trainer.global_step >= _total_steps(pl_module)
        if not self._enabled or self._loss is None:
            return
        if self._validated or last or now - self._logged >= self.seconds:
            self._logged = now
            log.info(self._line(trainer, pl_module, last))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remove the bar."""
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Remove the bar, so that the error is readable."""
        self._close()

    def _count_anew(self) -> None:
        self._epoch_begun, self._validating, self._validated = time.perf_counter(), 0.0, False
        self._loss = None
        self._batches = self._images = 0

    def _line(self, trainer: Trainer, module: LightningModule, last: bool) -> str:
        assert self._loss is not None
        parts = [
            f"epoch {trainer.current_epoch + 1}/{_epochs(trainer, module)}: "
            f"step {trainer.global_step}/{_total_steps(module)}",
            f"{self._speed():.1f} images/s",
            f"loss {float(self._loss) / self._batches:.4f}",
        ]
        scores = {
            name.rpartition("/")[2]: float(value) for name, value in trainer.callback_metrics.items() if _is_whole(name)
        }
        if self._validated and scores:
            parts.append(f"validation MAD {scores['mad']:.4f} SAD {scores['sad']:.4g}")
        spent = timedelta(seconds=round(time.perf_counter() - self._begun))
        return ", ".join([*parts, f"took {spent}" if last else f"{self._left(trainer, module)} left"])

    def _speed(self) -> float:
        """Images per second of the epoch so far, over all processes."""
        return self._images / max(time.perf_counter() - self._epoch_begun - self._validating, 1e-9)

    def _left(self, trainer: Trainer, module: LightningModule) -> timedelta:
        """Time left at the mean speed since the start, validation included."""
        # Counted from where this process began: a resumed run has steps whose time is not in the clock.
        done, left = trainer.global_step - self._first_step, max(0, _total_steps(module) - trainer.global_step)
        return timedelta(seconds=round((time.perf_counter() - self._begun) / max(done, 1) * left))

    def _close(self) -> None:
        if self._bar is not None:
            self._shown.__exit__(None, None, None)
            self._bar = self._shown = None


@contextmanager
def _bar(console: Console, total: int, done: int) -> Iterator[Progress]:
    """Show a bar below what is printed and logged meanwhile."""
    words = [
        TextColumn(f"{{task.{name}}}") for name in ("description", "fields[loss]", "fields[speed]", "fields[left]")
    ]
    columns = (words[0], BarColumn(None), MofNCompleteColumn(), TextColumn("steps"), *words[1:], TextColumn("left"))
    # Not isinstance: a FileHandler is a StreamHandler too.
    logs = [one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler and one.stream.isatty()]
    streams = [handler.stream for handler in logs]
    redirect = sys.stdout.isatty()  # what is printed to a file stays there
    with Progress(
        *columns, console=console, refresh_per_second=2, redirect_stdout=redirect, expand=True, transient=True
    ) as progress:
        progress.add_task("starting", total=total, completed=done, loss="", speed="", left="?")
        for handler in logs:  # Hydra's handler has kept the stream that is now redirected
            handler.setStream(sys.stdout)
        try:
            yield progress
        finally:
            for handler, stream in zip(logs, streams, strict=True):
                handler.setStream(stream)


def _total_steps(module: LightningModule) -> int:
    return int(module.total_steps)  # type: ignore[arg-type]


def _epochs(trainer: Trainer, module: LightningModule) -> int:
    steps = ceil(int(trainer.num_training_batches) / trainer.accumulate_grad_batches)
    return ceil(_total_steps(module) / steps)


def _is_whole(name: str) -> bool:
    return name.startswith("val/") and "/whole/" in name
