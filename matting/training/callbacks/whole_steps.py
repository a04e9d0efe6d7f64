"""Let signals that end a run wait for the end of a step, so that the checkpoint then saved is one of whole steps."""

import signal
import threading
from types import FrameType
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGUSR2") if hasattr(signal, name)]
"""Ctrl-C, and what submitit sends before a job of SLURM is taken away. Lightning itself lets SIGTERM wait."""


class WholeSteps(Callback):
    """Let Ctrl-C and the warning of SLURM wait for the end of the step; a second one ends the run at once.

    In the middle of a step Lightning would save statistics of the normalisation, and counts, of a step that the resumed
    run repeats. Its entry follows those that do something at the end of a step.
    """

    def __init__(self) -> None:
        self._handlers: dict[int, Any] = {}
        self._waiting: int | None = None

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Begin to wait."""
        if threading.current_thread() is threading.main_thread():  # no other may set handlers
            self._handlers = {number: signal.getsignal(number) for number in SIGNALS}
            for number, handler in self._handlers.items():
                if callable(handler):
                    signal.signal(number, self._wait)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Handle a signal that came meanwhile."""
        self._end()
        if self._waiting is not None:
            number, self._waiting = self._waiting, None
            signal.raise_signal(number)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Stop waiting."""
        self._end()

    def _wait(self, number: int, frame: FrameType | None) -> None:
        if self._waiting is not None:
            self._end()
            signal.raise_signal(number)
        self._waiting = number

    def _end(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}
