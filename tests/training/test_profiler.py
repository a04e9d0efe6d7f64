"""Where the time of a training step goes."""

import csv
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from matting.training.profiler import OTHER, StepProfiler
from tests.training.runs import run

PARTS = ["loader", "transfer", "augmentation", "forward and loss", "backward", "optimiser", OTHER]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def step(profiler: StepProfiler, clock: Clock) -> None:
    """One step as Lightning nests it; each part takes another power of two of seconds."""

    def spend(name: str, seconds: float) -> None:
        with profiler.profile(name):
            clock.now += seconds

    with profiler.profile("run_training_epoch"):
        spend("[_TrainingEpochLoop].train_dataloader_next", 1)
        with profiler.profile("[Strategy]SingleDeviceStrategy.batch_to_device"):
            clock.now += 2
            spend("[LightningDataModule]MattingDataModule.on_after_batch_transfer", 4)
        with ExitStack() as stack:
            for name in ("run_training_batch", "[LightningModule]M.optimizer_step", "[Strategy]S.optimizer_step"):
                stack.enter_context(profiler.profile(name))
            spend("[Strategy]S.training_step", 8)
            spend("[Strategy]S.backward", 16)
            clock.now += 32
        spend("[Callback]C.on_train_batch_end", 63)
        spend("[LightningModule]M.on_train_batch_end", 1)
        spend("[Callback]C.on_validation_start", 128)
        spend("[Strategy]SingleDeviceStrategy.batch_to_device", 128)
        spend("[LightningModule]M.validation_step", 128)
        spend("[Callback]C.on_validation_end", 128)


@pytest.mark.parametrize("skip", [0, 2])
def test_each_part_counts_its_own_time_alone(skip: int) -> None:
    clock = Clock()
    profiler = StepProfiler(skip=skip, clock=clock)
    for _ in range(skip + 3):
        step(profiler, clock)
    assert list(profiler.seconds) == PARTS
    assert [spent / 3 for spent in profiler.seconds.values()] == [1, 2, 4, 8, 16, 32, 64]
    assert profiler.rows()[0] == ["loader", "1000.0", f"{100 / 127:.1f}"]
    assert profiler.rows()[-1] == ["step", "127000.0", "100.0"]


def test_an_exception_inside_a_part_does_not_break_the_count() -> None:
    profiler = StepProfiler(skip=0, clock=count().__next__)
    with pytest.raises(KeyError), profiler.profile("run_training_batch"), profiler.profile("[Strategy]S.backward"):
        raise KeyError
    profiler.stop("never started")
    assert profiler.seconds["backward"] == 1 and not profiler._stack


def test_a_profiled_run_writes_the_table(tmp_path: Path) -> None:
    run(tmp_path, "trainer.max_epochs=2", "trainer.profile=true")
    with (tmp_path / "profile.csv").open() as file:
        rows = {row["part"]: float(row["ms per step"]) for row in csv.DictReader(file)}
    assert list(rows) == [*PARTS, "step"]
    assert all(rows[part] > 0 for part in PARTS if part != "transfer")
    assert sum(rows[part] for part in PARTS) == pytest.approx(rows["step"], abs=0.5)
    assert "Where the time of a step goes" in (tmp_path / "report.md").read_text()


def test_other_runs_have_no_table(tmp_path: Path) -> None:
    run(tmp_path, "trainer.max_steps=1")
    assert not (tmp_path / "profile.csv").exists()
    assert "Where the time of a step goes" not in (tmp_path / "report.md").read_text()
