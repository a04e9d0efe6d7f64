"""Where the time of a training step goes: loader, transfer, augmentation, forward, backward, optimiser."""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from lightning.pytorch.profilers import Profiler

# The ends of Lightning's names of actions, by part. The time of an action does not include that of actions in it.
_PARTS = {
    "loader": ("train_dataloader_next",),
    "transfer": ("batch_to_device", "transfer_batch_to_device"),
    "augmentation": ("on_after_batch_transfer",),
    "forward and loss": ("training_step",),
    "backward": ("backward",),
    "optimiser": ("optimizer_step", "configure_gradient_clipping", "optimizer_zero_grad"),
}
OTHER = "callbacks and logging"
"""What is left of the steps."""


class _Action(NamedTuple):
    name: str
    start: float
    inner: list[float]


class StepProfiler(Profiler):
    """Add up the time of each part of the training steps.

    It waits for the device at the borders of parts, which makes steps on a GPU slower than they are without it; the
    first steps, in which libraries choose their algorithms, are not counted.

    Args:
        skip: Number of steps that are not counted.
        clock: Returns seconds.
    """

    def __init__(self, skip: int = 5, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__()
        self.skip, self.clock = skip, clock
        self.steps = 0
        self.seconds = dict.fromkeys((*_PARTS, OTHER), 0.0)
        self._stack: list[_Action] = []
        self._validating = False

    def start(self, action_name: str) -> None:
        """Enter an action, perhaps inside another."""
        end = action_name.rpartition(".")[2]
        # Validation has actions of the same names as training, such as the transfer of a batch.
        if end in ("on_validation_start", "on_validation_end"):
            self._validating = end == "on_validation_start"
        self._stack.append(_Action(action_name, self._now(), []))

    def stop(self, action_name: str) -> None:
        """Leave the action that was entered last, and count its time."""
        if not self._stack or self._stack[-1].name != action_name:  # an exception has left it
            return
        action, now = self._stack.pop(), self._now()
        whole = now - action.start
        if self._stack:
            self._stack[-1].inner.append(whole)
        part = _part_of(action_name)
        if part is not None and not self._validating and self.steps >= self.skip:
            self.seconds[part] += whole - sum(action.inner)
        # The last action of a step: the module's hook follows those of the callbacks.
        self.steps += action_name.startswith("[LightningModule]") and action_name.endswith(".on_train_batch_end")

    def summary(self) -> str:
        """Return one line per part."""
        return "\n".join("  ".join(row) for row in self.rows())

    def rows(self) -> list[list[str]]:
        """Return part, milliseconds per step and share of the step in per cent, as text."""
        counted, total = max(1, self.steps - self.skip), sum(self.seconds.values()) or 1.0
        rows = [
            [part, f"{1000 * spent / counted:.1f}", f"{100 * spent / total:.1f}"]
            for part, spent in self.seconds.items()
        ]
        return [*rows, ["step", f"{1000 * total / counted:.1f}", "100.0"]]

    def describe(self) -> None:
        """Print nothing: the run's report has the table."""

    def _now(self) -> float:
        if torch.cuda.is_available():
            # Kernels run asynchronously: without waiting, their time would appear wherever the host waits next.
            torch.cuda.synchronize()
        return self.clock()


def _part_of(action: str) -> str | None:
    end = action.rpartition(".")[2]
    known = next((part for part, ends in _PARTS.items() if end in ends), None)
    if known is not None:
        return known
    in_step = (
        end.startswith(("on_train_batch", "on_before", "on_after", "lr_scheduler_step")) or end == "run_training_batch"
    )
    return OTHER if in_step else None
