"""Log and record what was actually drawn: stage and counts of every epoch."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer

from matting.files import write_records
from matting.plan.schedule import Schedule, summarise
from matting.training.datamodule import MattingDataModule

log = logging.getLogger(__name__)

SET = "plan/set/"


class PlanLog(Callback):
    """Announce stages, log the rows that were drawn, and write them to a CSV file.

    Counts are of the rows that training consumed in an epoch, over all ranks: ``plan/<stream>``,
    ``plan/<stream>/<difficulty>``, ``plan/set/<role>.<set>``, ``plan/severity/<range>`` and ``plan/pairs`` in the
    loggers, with the stage's number as ``plan/stage``, and one line per epoch in the file.

    Args:
        path: CSV file to write; None for no file.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.lines: list[dict[str, Any]] = []

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Announce the stage when it changes."""
        schedule, epoch = _schedule(trainer), trainer.current_epoch
        stage = schedule.stage_name(epoch)
        if trainer.is_global_zero and (epoch == 0 or schedule.stage_name(epoch - 1) != stage):
            log.info(f"from epoch {epoch + 1}: stage '{stage}' of curriculum '{schedule.curriculum.name}'")

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the epochs that a resumed run had completed, but not recorded, before its checkpoint."""
        epoch, rows = _datamodule(trainer).drawn()
        whole = _schedule(trainer).length.rows
        # The last epoch is complete only if all its rows were drawn; otherwise its own end records it.
        for number in range(epoch + (rows == whole)):
            if all(line["epoch"] != number for line in self.lines):
                self._record(trainer, number, whole)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the rows that the epoch consumed: fewer than planned if the run stops early."""
        epoch, rows = _datamodule(trainer).drawn()
        counts, schedule = self._record(trainer, epoch, rows), _schedule(trainer)
        stage, _, _ = schedule.curriculum.stage_at(epoch, schedule.length.epochs)
        logged = {name: float(count) for name, count in counts.items()} | {"plan/stage": float(stage)}
        pl_module.log_dict(logged, rank_zero_only=True)

    def _record(self, trainer: Trainer, epoch: int, rows: int) -> dict[str, int]:
        """Write the line of an epoch, and return its counts."""
        summary = summarise(_schedule(trainer).plan(epoch).take(np.arange(rows)))
        counts = {f"plan/{name}": count for name, count in (summary.stream | summary.difficulty).items()}
        counts |= {f"{SET}{name}": count for name, count in summary.rows_by_set().items()}
        counts |= {f"plan/severity/{name}": count for name, count in summary.severity.items()}
        counts["plan/pairs"] = summary.pairs
        # An epoch in which the run stopped, and was extended later, has one line.
        self.lines = [line for line in self.lines if line["epoch"] != epoch]
        self.lines.append({"epoch": epoch, "stage": summary.stage, "rows": rows, **counts})
        if self.path is not None and trainer.is_global_zero:
            write_records(self.path, self.lines, missing=0)
        return counts

    def drawn(self) -> dict[str, str]:
        """Describe in words what each stage drew: rows of every stream, and pairs."""
        words = {}
        for stage in dict.fromkeys(line["stage"] for line in self.lines):
            lines = [line for line in self.lines if line["stage"] == stage]
            # Streams and pairs have one slash; difficulties, sets and severities have two.
            names = dict.fromkeys(name for line in lines for name in line if name.count("/") == 1)
            totals = {name.removeprefix("plan/"): sum(line.get(name, 0) for line in lines) for name in names}
            words[stage] = f"epochs {len(lines)}: " + ", ".join(f"{name} {total}" for name, total in totals.items())
        return words

    def drawn_from(self) -> dict[str, int]:
        """Count the rows drawn from each data set, by its full name."""
        names = dict.fromkeys(name for line in self.lines for name in line if name.startswith(SET))
        return {name.removeprefix(SET): sum(line.get(name, 0) for line in self.lines) for name in names}

    def state_dict(self) -> dict[str, Any]:
        """Return the lines so far."""
        return {"lines": self.lines}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the lines of the run that is resumed."""
        self.lines = list(state_dict["lines"])


def _datamodule(trainer: Trainer) -> MattingDataModule:
    if not isinstance(datamodule := trainer.datamodule, MattingDataModule):  # type: ignore[attr-defined]
        raise TypeError(f"PlanLog: expected a MattingDataModule, found {type(datamodule).__name__}")
    return datamodule


def _schedule(trainer: Trainer) -> Schedule:
    return _datamodule(trainer).schedule
