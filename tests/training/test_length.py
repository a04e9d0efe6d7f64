"""What a run records is what it consumed, and its learning rate ends where the run ends."""

import csv
import re
from pathlib import Path
from typing import Any, ClassVar

import pytest
from lightning.pytorch import Callback

from matting.config import load_config
from matting.training.schedule import planned_length
from tests.training.runs import checkpoint, logged, run


class Count(Callback):
    """Count the rows that training really saw, by epoch, and keep the learning rate of each step."""

    rows: ClassVar[dict[int, int]] = {}
    rates: ClassVar[list[float]] = []

    def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, batch_idx: int) -> None:
        self.rows[trainer.current_epoch] = self.rows.get(trainer.current_epoch, 0) + len(batch.image)
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])


COUNT = f"+callbacks.count={{_target_: {__name__}.Count}}"


def records(folder: Path) -> list[dict[str, str]]:
    with (folder / "plan.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (("+trainer.limit_train_batches=0.5",), [12, 12, 12]),
        (("+trainer.limit_train_batches=2", "trainer.accumulate_grad_batches=2"), [8, 8, 8]),
        (("trainer.max_steps=14",), [24, 24, 8]),
        (("trainer.accumulate_grad_batches=4", "trainer.max_steps=5"), [24, 24, 16]),
    ],
)
def test_records_count_what_was_consumed(tmp_path: Path, options: tuple[str, ...], rows: list[int]) -> None:
    Count.rows.clear(), Count.rates.clear()
    run(tmp_path, "+curriculum=3stage", "trainer.max_epochs=3", COUNT, *options)
    lines = records(tmp_path)
    assert list(Count.rows.values()) == rows
    assert [int(line["rows"]) for line in lines] == rows
    assert [line["stage"] for line in lines] == ["foundation", "diversity", "robustness"]
    streams = [name for name in lines[0] if name.count("/") == 1 and name != "plan/pairs"]
    assert [sum(int(line[name]) for name in streams) for line in lines] == rows
    report = (tmp_path / "report.md").read_text()
    assert f"{sum(rows)} views in 3 epochs" in report
    drawn = re.findall(r"drawn in stage '(\w+)': epochs 1: (.*)", report)
    counts = [re.findall(r"(\w+) (\d+)", words) for _, words in drawn]
    assert [sum(int(n) for name, n in stage if name != "pairs") for stage in counts] == rows
    # The schedule is at its lowest in the last step, and at its end, 1 % of the peak, after it.
    assert Count.rates[-1] == min(Count.rates[1:])
    saved = checkpoint(tmp_path)
    assert saved["lr_schedulers"][0]["last_epoch"] == saved["global_step"] == len(set(logged(tmp_path)))
    assert saved["lr_schedulers"][0]["_last_lr"][0] == pytest.approx(0.01 * 1e-3)


def test_a_run_that_is_stopped_early_records_what_it_drew(tmp_path: Path) -> None:
    stop = f"+callbacks.stop={{_target_: {__name__}.Stop, step: 9}}"
    run(tmp_path, "trainer.max_epochs=3", stop)
    assert [int(line["rows"]) for line in records(tmp_path)] == [24, 12]
    assert max(logged(tmp_path)) == 8


class Stop(Callback):
    """Stop as early stopping or a time limit does."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: Any, *args: Any) -> None:
        trainer.should_stop = trainer.should_stop or trainer.global_step == self.step


def test_processes_of_all_machines_count() -> None:
    one, two = (
        planned_length(load_config(["trainer=ddp", "trainer.devices=8", f"trainer.num_nodes={n}"])) for n in (1, 2)
    )
    assert (two.batch_rows, two.batches) == (2 * one.batch_rows, one.batches // 2)
