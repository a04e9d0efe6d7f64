"""The length of a run: the one place that knows how many batches, rows and optimiser steps there are."""

from dataclasses import dataclass
from math import ceil

from matting.errors import MattingError


@dataclass(frozen=True)
class RunLength:
    """How far a run goes.

    Attributes:
        steps: Optimiser steps of the run.
        batches: Batches per epoch of one process.
        batch_rows: Rows per batch, over all processes.
        accumulate: Batches per optimiser step.
    """

    steps: int
    batches: int
    batch_rows: int = 1
    accumulate: int = 1

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps per epoch; Lightning takes a last, smaller one where batches are left over."""
        return ceil(self.batches / self.accumulate)

    @property
    def epochs(self) -> int:
        """Epochs that are begun."""
        return ceil(self.steps / self.steps_per_epoch)

    @property
    def rows(self) -> int:
        """Rows of a whole epoch."""
        return self.batches * self.batch_rows

    def rows_in(self, epoch: int) -> int:
        """Return the rows that the run draws in a zero-based epoch: fewer in the last one if the steps end in it."""
        if epoch != self.epochs - 1:
            return self.rows
        steps = self.steps - epoch * self.steps_per_epoch
        return min(self.batches, steps * self.accumulate) * self.batch_rows


def run_length(
    rows: int,
    batch_rows: int,
    max_epochs: int | None,
    max_steps: int = -1,
    limit: float | None = None,
    accumulate: int = 1,
) -> RunLength:
    """Compute the length of a run from its options.

    Args:
        rows: Rows per epoch that are asked for; what exceeds whole batches, or the limit, is not planned.
        batch_rows: Rows per batch, over all processes.
        max_epochs: Maximum number of epochs, or None or -1 if only steps are limited.
        max_steps: Maximum number of optimiser steps, or -1 if only epochs are limited.
        limit: Lightning's ``limit_train_batches``: batches per epoch as an int, or a share of them as a float; None is
            all.
        accumulate: Batches per optimiser step.

    Returns:
        The length; the limit that is reached first ends the run.

    Raises:
        MattingError: If neither epochs nor steps are limited, an epoch has no batch, or a step has none.

    Example:
        >>> length = run_length(rows=80, batch_rows=8, max_epochs=5, max_steps=25)
        >>> length.epochs, length.steps, [length.rows_in(epoch) for epoch in range(3)]
        (3, 25, [80, 80, 40])
    """
    if accumulate < 1:
        raise MattingError(f"trainer.accumulate_grad_batches: expected at least 1, found {accumulate}; give 1")
    whole = rows // batch_rows
    if whole < 1:
        raise MattingError(
            "data.epoch_rows: expected at least one batch per epoch, found less; raise data.epoch_rows above "
            "data.batch_size times the number of processes"
        )
    batches = whole if limit is None else min(whole, limit) if isinstance(limit, int) else int(whole * limit)
    if batches < 1:
        raise MattingError(f"trainer.limit_train_batches: expected at least one batch, found {limit} of {whole}")
    steps_per_epoch = RunLength(1, batches, batch_rows, accumulate).steps_per_epoch
    limits = [max_steps] if max_steps >= 0 else []
    limits += [max_epochs * steps_per_epoch] if max_epochs is not None and max_epochs >= 0 else []
    if not limits:
        raise MattingError("trainer: expected max_epochs or max_steps, found neither; the schedule needs an end")
    return RunLength(max(1, min(limits)), batches, batch_rows, accumulate)
