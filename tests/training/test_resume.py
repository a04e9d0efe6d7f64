"""A run that was stopped and resumed ends with the same weights, to the bit, as a run that never stopped."""

import csv
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.utilities.exceptions import SIGTERMException

from matting.batch import TrainingBatch
from matting.training.datamodule import MattingDataModule
from tests.training.runs import SHORT, assert_same_training, checkpoint, keep_overrides, logged, resume, run

RUN = ("+curriculum=3stage", "trainer.max_epochs=3", "callbacks.checkpoint.every_n_epochs=null")
SAVE_EACH_STEP = "callbacks.checkpoint.every_n_train_steps=1"
STEPS = 18
QUOTE, BACKSLASH = "'", "\\"


class Die(Callback):
    """Raise after a number of steps, in a given hook: the most sudden end that does not end the test process too."""

    def __init__(self, step: int, hook: str) -> None:
        self.step = step
        setattr(self, hook, self.die)

    def die(self, trainer: object, *args: object) -> None:
        if trainer.global_step == self.step:  # type: ignore[attr-defined]
            raise KilledError


class KilledError(Exception):
    pass


class Inside(Callback):
    """Send a signal in the middle of a batch, given by its number in the run; without a signal, run out of memory."""

    def __init__(self, batch: int, name: str = "") -> None:
        self.batch, self.name = batch, name

    def on_before_backward(self, trainer: object, *args: object) -> None:
        if trainer.train_dataloader.batches.consumed == self.batch + 1:  # type: ignore[attr-defined]
            if not self.name:
                raise MemoryError
            signal.raise_signal(signal.Signals[self.name])


def die_at(step: int, hook: str = "on_train_batch_start") -> str:
    return f"+callbacks.die={{_target_: {__name__}.Die, step: {step}, hook: {hook}}}"


def inside(batch: int, name: str = "") -> str:
    return f"+callbacks.inside={{_target_: {__name__}.Inside, batch: {batch}, name: '{name}'}}"


def assert_continues(folder: Path, options: tuple[str, ...], step: int, whole: Path) -> None:
    """A run was saved after a step, and resumed it becomes one that never stopped."""
    assert checkpoint(folder)["global_step"] == step
    keep_overrides(folder, *options)
    resume(folder)
    assert_same_training(whole, folder)


def stop(*args: object) -> None:
    """A handler of signals that ends the run."""
    raise KilledError


@pytest.fixture
def stopping() -> Iterator[None]:
    """Signals end the run by `stop`."""
    numbers = (signal.SIGINT, signal.SIGUSR2)
    before = [signal.signal(number, stop) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def accumulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("accumulated")
    run(folder, *RUN, SAVE_EACH_STEP, "trainer.accumulate_grad_batches=2")
    return folder


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    run(folder, *RUN, SAVE_EACH_STEP)
    return folder


@pytest.mark.parametrize(
    "step", [pytest.param(3, id="mid-epoch"), pytest.param(8, id="inside stage 2"), pytest.param(12, id="stage border")]
)
def test_a_crashed_run_is_resumed_to_the_bit(uninterrupted: Path, tmp_path: Path, step: int) -> None:
    crashed, resumed = tmp_path / "crashed", tmp_path / "resumed"
    with pytest.raises(KilledError):
        run(crashed, *RUN, SAVE_EACH_STEP, "callbacks.checkpoint.save_on_exception=false", die_at(step))
    run(resumed, *RUN, SAVE_EACH_STEP, f"resume.checkpoint={crashed}/checkpoints/last.ckpt")
    assert_same_training(uninterrupted, resumed)
    expected = {k: value for k, value in logged(uninterrupted).items() if k >= step}
    assert len(expected) == STEPS - step
    assert logged(resumed) == expected


@pytest.mark.usefixtures("stopping")
def test_a_signal_waits_for_the_end_of_the_step(uninterrupted: Path, tmp_path: Path) -> None:
    """What is saved in the middle of a step does not continue to the bit."""
    by_epoch = RUN[:2]
    with pytest.raises(KilledError):
        run(tmp_path, *by_epoch, inside(7, "SIGUSR2"))
    assert signal.getsignal(signal.SIGUSR2) == stop
    assert_continues(tmp_path, by_epoch, 8, uninterrupted)


@pytest.mark.usefixtures("stopping")
def test_a_signal_waits_while_a_batch_is_prepared(
    uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch has been taken from the loader, and the step has not begun."""
    by_epoch, prepare = RUN[:2], MattingDataModule.on_after_batch_transfer

    def prepare_and_signal(data: MattingDataModule, batch: Any, dataloader_idx: int) -> Any:
        if data.trainer.training and data.trainer.global_step == 8:
            signal.raise_signal(signal.SIGINT)
        return prepare(data, batch, dataloader_idx)

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(MattingDataModule, "on_after_batch_transfer", prepare_and_signal)
        run(tmp_path, *by_epoch)
    assert_continues(tmp_path, by_epoch, 9, uninterrupted)


def test_an_error_in_a_step_keeps_the_last_checkpoint(uninterrupted: Path, tmp_path: Path) -> None:
    by_epoch = RUN[:2]
    with pytest.raises(MemoryError):
        run(tmp_path, *by_epoch, inside(8))
    assert_continues(tmp_path, by_epoch, 6, uninterrupted)


def test_an_error_before_the_first_step_of_a_resumed_run_keeps_the_last_checkpoint(
    uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the optimiser's moments are restored, which is after the number of steps, and when an epoch begins."""
    by_epoch, last = RUN[:2], f"resume.checkpoint={tmp_path}/checkpoints/last.ckpt"
    with pytest.raises(KilledError):
        run(tmp_path, *by_epoch, die_at(8))
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(torch.optim.Optimizer, "load_state_dict", stop)
        run(tmp_path, *by_epoch, last)
    with pytest.raises(KilledError):
        run(tmp_path, *by_epoch, last, die_at(6, "on_train_epoch_start"))
    assert_continues(tmp_path, by_epoch, 6, uninterrupted)


def test_an_error_when_an_epoch_begins_keeps_the_last_checkpoint(uninterrupted: Path, tmp_path: Path) -> None:
    rarely = (*RUN, "callbacks.checkpoint.every_n_train_steps=9")
    with pytest.raises(KilledError):
        run(tmp_path, *rarely, die_at(12, "on_train_epoch_start"))
    assert_continues(tmp_path, rarely, 9, uninterrupted)


@pytest.mark.usefixtures("stopping")
@pytest.mark.parametrize("name", ["SIGUSR2", "SIGTERM"])
def test_accumulated_batches_are_one_step(accumulated: Path, tmp_path: Path, name: str) -> None:
    """Here the first of two: its gradients would not be saved."""
    by_epoch = (*RUN[:2], "trainer.accumulate_grad_batches=2")
    with pytest.raises(SIGTERMException if name == "SIGTERM" else KilledError):
        run(tmp_path, *by_epoch, inside(8, name))
    assert_continues(tmp_path, by_epoch, 5, accumulated)


def test_no_checkpoint_is_saved_between_accumulated_batches(accumulated: Path, tmp_path: Path) -> None:
    timed = ("callbacks=timed", "callbacks.timed.train_time_interval.minutes=0", *RUN[:2])
    timed = (*timed, "trainer.accumulate_grad_batches=2")
    with pytest.raises(MemoryError):
        run(tmp_path, *timed, inside(9))
    assert_continues(tmp_path, timed, 4, accumulated)


def test_resuming_from_the_end_of_an_epoch(uninterrupted: Path, tmp_path: Path) -> None:
    """The checkpoint at the end of an epoch is written at another point of the loop than that of a step."""
    crashed, resumed = tmp_path / "crashed", tmp_path / "resumed"
    by_epoch = (*RUN[:2], "callbacks.checkpoint.save_on_exception=false")
    with pytest.raises(KilledError):
        run(crashed, *by_epoch, die_at(8))
    run(resumed, *by_epoch, f"resume.checkpoint={crashed}/checkpoints/last.ckpt")
    assert_same_training(uninterrupted, resumed)


@pytest.mark.parametrize("step", [8, pytest.param(6, id="between the last batch and the end of an epoch")])
def test_the_plan_file_of_a_resumed_run_is_complete(uninterrupted: Path, tmp_path: Path, step: int) -> None:
    crashed, resumed = tmp_path / "crashed", tmp_path / "resumed"
    with pytest.raises(KilledError):
        run(crashed, *RUN, SAVE_EACH_STEP, "callbacks.checkpoint.save_on_exception=false", die_at(step))
    run(resumed, *RUN, SAVE_EACH_STEP, f"resume.checkpoint={crashed}/checkpoints/last.ckpt")
    assert (resumed / "plan.csv").read_text() == (uninterrupted / "plan.csv").read_text()


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param(("validation 6", "train_batch 8", "validation 12", "train_batch 14"), id="borders and middles"),
        pytest.param(("validation 6", "validation 12"), id="borders"),
        pytest.param(("train_batch 6", "train_batch 7", "train_batch 12", "train_batch 13"), id="around borders"),
    ],
)
def test_a_run_that_dies_again_and_again_is_resumed_to_the_bit(
    uninterrupted: Path, tmp_path: Path, ends: tuple[str, ...]
) -> None:
    checkpoint_of: list[str] = []
    for kind, step in (end.split() for end in ends):
        die = die_at(int(step), f"on_{kind}_start")  # a validation: between the step's checkpoint and the epoch's
        with pytest.raises(KilledError):
            run(tmp_path, *RUN, SAVE_EACH_STEP, "callbacks.checkpoint.save_on_exception=false", die, *checkpoint_of)
        assert checkpoint(tmp_path)["global_step"] == int(step)
        checkpoint_of = [f"resume.checkpoint={tmp_path}/checkpoints/last.ckpt"]
    run(tmp_path, *RUN, SAVE_EACH_STEP, *checkpoint_of)
    assert checkpoint(tmp_path)["global_step"] == STEPS
    assert_same_training(uninterrupted, tmp_path)


def test_the_report_lists_what_each_stage_drew(uninterrupted: Path) -> None:
    with (uninterrupted / "plan.csv").open() as file:
        epochs = list(csv.DictReader(file))
    report = (uninterrupted / "report.md").read_text()
    for stage in {epoch["stage"] for epoch in epochs}:
        line = re.search(rf"drawn in stage '{stage}': epochs (\d+): (.*)", report)
        assert line, stage
        drawn = dict(entry.rsplit(" ", 1) for entry in line[2].split(", "))
        mine = [epoch for epoch in epochs if epoch["stage"] == stage]
        assert int(line[1]) == len(mine)
        for name in ("portraits", "augmented", "pairs"):
            assert int(drawn.get(name, 0)) == sum(int(epoch[f"plan/{name}"]) for epoch in mine)


def start(folder: Path, *overrides: str) -> subprocess.Popen[bytes]:
    """Start the real command in a process of its own."""
    command = [sys.executable, "train.py", *SHORT, *RUN, SAVE_EACH_STEP, "trainer.log_every_n_steps=1"]
    command += [f"hydra.run.dir='{str(folder).replace(QUOTE, BACKSLASH + QUOTE)}'", *overrides]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def wait_for_step(folder: Path, step: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the checkpoint shows that a step is done; metrics are written only at the end of an epoch."""
    file = folder / "checkpoints" / "last.ckpt"
    seen, deadline = -1.0, time.monotonic() + 240
    saves = 0
    while saves < step and process.poll() is None and time.monotonic() < deadline:
        stamp = file.stat().st_mtime if file.exists() else -1.0
        saves, seen = saves + (stamp != seen and stamp > 0), stamp
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_is_resumed_to_the_bit(
    uninterrupted: Path, tmp_path: Path, workers: int, how: signal.Signals
) -> None:
    killed, resumed = tmp_path / "killed", tmp_path / "resumed"
    process = start(killed, f"data.workers={workers}")
    wait_for_step(killed, 7, process)
    assert process.poll() is None, "the run ended before it could be killed"
    if how == signal.SIGKILL:
        os.killpg(process.pid, how)
    else:
        process.send_signal(how)
    assert process.wait(timeout=120) != 0
    # Resumed with another number of workers, which must not matter.
    other = start(resumed, f"data.workers={2 - workers}", f"resume.checkpoint={killed}/checkpoints/last.ckpt")
    assert other.wait(timeout=400) == 0
    assert_same_training(uninterrupted, resumed)
    assert not re.search("tmp", " ".join(p.name for p in (killed / "checkpoints").iterdir()))


class Sizes(Callback):
    """Record the side of the network's images at every step."""

    seen: ClassVar[list[int]] = []

    def on_train_batch_start(self, trainer: object, module: object, batch: TrainingBatch, *args: object) -> None:
        self.seen.append(batch.image.shape[-1])


@pytest.mark.parametrize("workers", [0, 1])
def test_images_grow_by_stages_also_in_a_resumed_run(tmp_path: Path, workers: int) -> None:
    """Workers read ahead, even into the next stage, yet each batch has the size of its own stage."""
    growing = (*RUN, "curriculum.sizes=[32,64,96]", "data.size=96", "data.crop_size=108", f"data.workers={workers}")
    growing += (f"+callbacks.sizes={{_target_: {__name__}.Sizes}}",)
    expected = [32] * 6 + [64] * 6 + [96] * 6
    Sizes.seen.clear()
    run(tmp_path / "whole", *growing, SAVE_EACH_STEP)
    assert Sizes.seen == expected
    with pytest.raises(KilledError):
        run(tmp_path / "crashed", *growing, SAVE_EACH_STEP, "callbacks.checkpoint.save_on_exception=false", die_at(5))
    Sizes.seen.clear()
    run(tmp_path / "resumed", *growing, SAVE_EACH_STEP, f"resume.checkpoint={tmp_path}/crashed/checkpoints/last.ckpt")
    assert Sizes.seen == expected[5:]
    assert_same_training(tmp_path / "whole", tmp_path / "resumed")


def test_a_run_is_saved_every_few_minutes_and_at_the_end(uninterrupted: Path, tmp_path: Path) -> None:
    """Here every step: an interval of 0 has always passed."""
    timed = ("callbacks=timed", "callbacks.timed.train_time_interval.minutes=0", *RUN[:2])
    crashed = tmp_path / "crashed"
    with pytest.raises(KilledError):
        run(crashed, *timed, "callbacks.checkpoint.save_on_exception=false", die_at(8))
    assert_continues(crashed, timed, 8, uninterrupted)
    assert [file.name for file in (crashed / "checkpoints").iterdir()] == ["last.ckpt"]


@pytest.mark.slow
def test_a_killed_run_is_continued_in_its_folder_but_not_with_other_options(
    uninterrupted: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "it's killed = 50 %"
    process = start(folder, "data.workers=1")
    wait_for_step(folder, 7, process)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(timeout=120) != 0
    killed_at = checkpoint(folder)["global_step"]
    before = {path: path.read_bytes() for path in (folder / ".hydra").iterdir()}
    refused = command(f"resume={folder}", "data.epoch_rows=48")
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    line = refused.stderr.strip().splitlines()[-1]
    assert line.startswith("error: resume: expected the run's own options") and "data.epoch_rows 24 -> 48" in line
    assert before == {path: path.read_bytes() for path in (folder / ".hydra").iterdir() if path.is_file()}
    done = command(f"resume={folder}")
    assert done.returncode == 0, done.stderr[-2000:]
    assert_same_training(uninterrupted, folder)
    lines, expected = logged(folder), logged(uninterrupted)
    # A step is logged after its checkpoint is written: the kill may come between the two.
    assert expected.keys() - lines.keys() <= {killed_at - 1}
    assert lines == {step: expected[step] for step in lines}
    assert (folder / "plan.csv").read_text() == (uninterrupted / "plan.csv").read_text()
    again = command(f"resume={folder}/checkpoints/last.ckpt")
    assert again.returncode == 0 and "the run is finished after 3 epochs and 18 steps" in again.stdout


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "train.py", *arguments], capture_output=True, text=True, timeout=400)
