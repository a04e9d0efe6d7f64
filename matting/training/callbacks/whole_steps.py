"""Keep checkpoints of half a step from being saved, when a run is stopped or fails in the middle of one."""

import signal
import threading
from functools import partial
from types import FrameType
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from matting.data.loader import PlanLoader

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR2") if hasattr(signal, name)]
"""Ctrl-C, the end of a machine, and what submitit sends before a job of SLURM is taken away."""


class WholeSteps(Callback):
    """Let signals wait for the end of the step; after an error keep the last checkpoint unless a step had ended.

    A step begins when its first batch is taken from the loader and ends when the optimiser has stepped. In between the
    position in the plan, the gradients and the statistics of the normalisation are ahead of the weights: a run resumed
    from there would leave out a batch. Before an epoch's first step the epoch may be counted although nothing of it was
    drawn, or the run be restored in part: with the number of its steps, but without the optimiser's moments. A second
    signal ends the run at once. The entry follows those that do something at the end of a step.
    """

    def __init__(self) -> None:
        self._handlers: dict[int, Any] = {}
        self._waiting: int | None = None
        self._stepped = False  # whether a step of this epoch has ended
        self._trained = 0  # batches taken from the loader until the end of the last step

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to handle signals."""
        self._trained = _taken(trainer)
        if threading.current_thread() is threading.main_thread():  # no other may set handlers
            self._handlers = {number: signal.getsignal(number) for number in SIGNALS}
            for number, handler in self._handlers.items():
                if callable(handler):
                    signal.signal(number, partial(self._wait, trainer))

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to wait for the epoch's first step."""
        self._stepped = False

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Pass on a signal that came during the step."""
        if not ends_step(trainer, batch_idx):
            return
        self._stepped, self._trained = True, _taken(trainer)
        if self._waiting is not None:
            self._pass_on(self._waiting)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave signals to others again."""
        self._restore()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Keep the last checkpoint unless a step had ended; Lightning calls checkpoint callbacks after all others."""
        self._restore()
        if not self._stepped or _taken(trainer) != self._trained:
            keep_last_checkpoint(trainer)

    def _wait(self, trainer: Trainer, number: int, frame: FrameType | None) -> None:
        if self._waiting is None and _taken(trainer) != self._trained:
            self._waiting = number
        else:
            self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        self._waiting = None
        self._restore()
        signal.raise_signal(number)

    def _restore(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}


class TimedCheckpoint(ModelCheckpoint):
    """Save every few minutes, at the end of a step: before it, gradients that are not saved may have accumulated."""

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if it is time and a step has ended."""
        if ends_step(trainer, batch_idx):
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)


def keep_last_checkpoint(trainer: Trainer) -> None:
    """Let the exception that ends the run replace no checkpoint."""
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint):
            callback.save_on_exception = False


def ends_step(trainer: Trainer, batch_idx: int) -> bool:
    """Return whether the optimiser steps after this batch."""
    return (batch_idx + 1) % trainer.accumulate_grad_batches == 0 or trainer.is_last_batch


def _taken(trainer: Trainer) -> int:
    """Return the number of batches taken from the loader in this run, interrupted ones included."""
    loader = trainer.train_dataloader
    return loader.batches.consumed if isinstance(loader, PlanLoader) else 0
