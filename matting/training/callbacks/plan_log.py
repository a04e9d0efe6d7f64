"""Says and records what was really drawn: stage and counts of every epoch."""

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
    """Announces stages, logs realised counts, and keeps them in a CSV file.

    Counts are of the rows that training consumed, over all ranks, at the end of each epoch: ``plan/<stream>``,
    ``plan/<stream>/<difficulty>``, ``plan/set/<role>.<set>``, ``plan/severity/<range>`` and ``plan/pairs`` in the
    loggers, with the stage's number as ``plan/stage``, and one line an epoch in the file.

    Args:
        path: The CSV file; None writes none.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.lines: list[dict[str, Any]] = []

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Announce the stage when it changes."""
        schedule, epoch = _schedule(trainer), trainer.current_epoch
        stage = schedule.stage_name(epoch)
        if trainer.is_global_zero and (epoch == 0 or schedule.stage_name(epoch - 1) != stage):
            log.info(f"epoch {epoch}: stage '{stage}' of curriculum '{schedule.curriculum.name}'")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log what the epoch drew."""
        schedule, datamodule = _schedule(trainer), _datamodule(trainer)
        rows = min(schedule.rows, int(trainer.num_training_batches) * datamodule.batch_size * trainer.world_size)
        summary = summarise(schedule.plan(trainer.current_epoch).take(np.arange(rows)))
        counts = {f"plan/{name}": count for name, count in (summary.stream | summary.difficulty).items()}
        counts |= {f"{SET}{name}": count for name, count in summary.rows_by_set().items()}
        counts |= {f"plan/severity/{name}": count for name, count in summary.severity.items()}
        counts["plan/pairs"] = summary.pairs
        stage, _, _ = schedule.curriculum.stage_at(trainer.current_epoch, schedule.epochs)
        logged = {name: float(count) for name, count in counts.items()} | {"plan/stage": float(stage)}
        pl_module.log_dict(logged, rank_zero_only=True)
        self.lines.append({"epoch": trainer.current_epoch, "stage": summary.stage, "rows": rows, **counts})
        if self.path is not None and trainer.is_global_zero:
            write_records(self.path, self.lines, missing=0)

    def drawn(self) -> dict[str, str]:
        """What each stage really drew, in words: rows of every stream, and pairs."""
        words = {}
        for stage in dict.fromkeys(line["stage"] for line in self.lines):
            lines = [line for line in self.lines if line["stage"] == stage]
            names = dict.fromkeys(name for line in lines for name in line if name.count("/") == 1)
            totals = {name.removeprefix("plan/"): sum(line.get(name, 0) for line in lines) for name in names}
            words[stage] = f"epochs {len(lines)}: " + ", ".join(f"{name} {total}" for name, total in totals.items())
        return words

    def drawn_from(self) -> dict[str, int]:
        """Rows that were drawn from each data set, by its full name."""
        names = dict.fromkeys(name for line in self.lines for name in line if name.startswith(SET))
        return {name.removeprefix(SET): sum(line.get(name, 0) for line in self.lines) for name in names}

    def state_dict(self) -> dict[str, Any]:
        """Lines so far."""
        return {"lines": self.lines}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue the file of the resumed run."""
        self.lines = list(state_dict["lines"])


def _datamodule(trainer: Trainer) -> MattingDataModule:
    if not isinstance(datamodule := trainer.datamodule, MattingDataModule):  # type: ignore[attr-defined]
        raise TypeError(f"PlanLog: expected a MattingDataModule, found {type(datamodule).__name__}")
    return datamodule


def _schedule(trainer: Trainer) -> Schedule:
    return _datamodule(trainer).schedule
