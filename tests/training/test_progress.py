"""What a run says while it goes and at its end, in a terminal and in a redirected log."""

import json
import logging
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from matting.images import read_rgb
from matting.training.callbacks import RunProgress
from matting.training.curves import learning_curves
from tests.augment.test_no_sync import Forbid
from tests.training.runs import SHORT, run

SHOWN = "+callbacks.shown={_target_: matting.training.callbacks.RunProgress}"
LINE = (
    r"epoch (\d)/{epochs}: step (\d+)/{steps}, [\d.]+ images/s, loss ([\d.]+), "
    r"(?:validation MAD ([\d.]+) SAD ([\d.]+), )?(\d:\d\d:\d\d left|took \d:\d\d:\d\d)"
)
ENDING = (
    r"test on synthetic: model MAD (\S+) SAD \S+; "
    r"best trivial baseline: (mean matte|all foreground) MAD (\S+) SAD \S+\n"
    r"report: (.*)/report\.html\n"
    r"next: matting cutout PHOTO\.jpg --checkpoint (.*); longer: python train\.py resume=\5 trainer\.max_epochs=N"
)


def matches(pattern: str, lines: list[str]) -> list[re.Match[str]]:
    return [found for line in lines if (found := re.fullmatch(pattern, line))]


@pytest.mark.parametrize(
    ("length", "epochs", "steps"),
    [(["trainer.max_epochs=2"], 2, [6, 12]), (["trainer.max_epochs=-1", "trainer.max_steps=8"], 2, [6, 8])],
)
def test_each_epoch_is_one_line_and_the_end_is_three(length, epochs, steps, tmp_path, caplog) -> None:
    caplog.set_level(logging.INFO)
    run(tmp_path, SHOWN, *length)
    lines = caplog.messages
    found = matches(LINE.format(epochs=epochs, steps=steps[-1]), lines)
    assert [(int(line[1]), int(line[2])) for line in found] == list(enumerate(steps, 1))
    assert [line[6].endswith("left") for line in found] == [True, False]
    validated = [line for line in found if line[4]]
    assert len(validated) == sum(step % 6 == 0 for step in steps), "Lightning validates after whole epochs"
    assert all(0 < float(line[4]) <= 1 for line in validated)
    end = re.fullmatch(ENDING, "\n".join(lines[-3:]))
    assert end, lines[-3:]
    methods = json.loads((tmp_path / "results.json").read_text())["by_method"]
    mads = {name: scores["test/synthetic/whole/mad"]["mean"] for name, scores in methods.items()}
    own, trivial = mads.pop("model"), min(mads, key=lambda name: mads[name])
    assert (end[1], end[2], end[3]) == (f"{own:.4f}", trivial, f"{mads[trivial]:.4f}")
    assert (end[4], end[5]) == (str(tmp_path), str(tmp_path))


def test_the_loss_of_the_line_is_the_mean_of_the_epoch(tmp_path, caplog) -> None:
    caplog.set_level(logging.INFO)
    run(tmp_path, SHOWN, "trainer.max_epochs=1", "trainer.accumulate_grad_batches=2", "trainer.log_every_n_steps=1")
    (line,) = matches(LINE.format(epochs=1, steps=3), caplog.messages)
    text = (tmp_path / "metrics.csv").read_text().splitlines()
    column = text[0].split(",").index("train/loss")
    losses = [float(row.split(",")[column]) for row in text[1:] if row.split(",")[column]]
    assert min(losses) * 0.8 < float(line[3]) < max(losses) * 1.2


def test_the_run_folder_shows_curves_and_a_strip_per_epoch(tmp_path) -> None:
    run(tmp_path, "trainer.max_epochs=2", "callbacks.averaging.decay=0", "optimizer.lr=3e-2")
    strips = sorted((tmp_path / "validation").iterdir())
    assert [strip.name for strip in strips] == ["epoch_0001.jpg", "epoch_0002.jpg"]
    first, second = map(read_rgb, strips)
    assert first.shape == second.shape and first.shape[1] == 1500
    photos, predictions = (abs(first.astype(int) - second)[:, s] for s in (slice(0, 600), slice(600, 900)))
    assert photos.max() < 10 < predictions.max(), "the same images, other predictions"
    assert "(curves.png)" in (tmp_path / "report.md").read_text()
    assert "<h2>Training</h2><img class=plot" in (tmp_path / "report.html").read_text()
    assert read_rgb(tmp_path / "curves.png").shape[1] > 1000


def test_curves_show_what_was_logged(tmp_path) -> None:
    log = tmp_path / "metrics.csv"
    assert learning_curves(log) is None
    log.write_text("step,lr\n0,0.1\n")
    assert learning_curves(log) is None
    log.write_text("step,train/loss,val/x/whole/mad\n" + "".join(f"{k},{1 / (k + 1)},\n" for k in range(100)))
    loss_alone = learning_curves(log)
    log.write_text(log.read_text() + "99,,0.2\n")
    with_mad = learning_curves(log)
    assert loss_alone is not None and with_mad is not None and with_mad.shape[1] == 2 * loss_alone.shape[1]
    assert len(np.unique(loss_alone.reshape(-1, 3), axis=0)) > 10


def test_without_a_bar_no_step_waits_for_the_device() -> None:
    progress = RunProgress()
    trainer = SimpleNamespace(accumulate_grad_batches=1, world_size=1)
    progress.on_train_epoch_start(trainer, None)  # type: ignore[arg-type]
    outputs, batch = {"loss": torch.ones(())}, SimpleNamespace(image=torch.zeros(4, 3, 8, 8))
    with Forbid():
        for k in range(3):
            progress.on_train_batch_end(trainer, None, outputs, batch, k)  # type: ignore[arg-type]
    assert progress._images == 12


RUN = [sys.executable, "train.py", *SHORT, "trainer.max_steps=8", "trainer.log_every_n_steps=2"]


@pytest.mark.slow
def test_a_redirected_log_has_lines_and_no_bars(tmp_path: Path) -> None:
    folder = tmp_path / "it's 50% = ñ #1"
    done = subprocess.run([*RUN, f"hydra.run.dir={folder}"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    text = done.stdout + done.stderr
    assert "\x1b" not in text and "\r" not in text and "━" not in text
    lines = [line.partition("] ")[2] for line in done.stdout.splitlines()]
    assert len(matches(LINE.format(epochs=2, steps=8), lines)) == 2
    assert lines[-2] == f"report: {folder}/report.html"
    checkpoint = lines[-1].partition("--checkpoint ")[2].partition("; longer")[0]
    assert subprocess.run(["bash", "-c", f"ls {checkpoint}"], capture_output=True, check=True).stdout
    assert (folder / "train.log").read_text().splitlines() == done.stdout.splitlines()


@pytest.mark.slow
def test_a_terminal_shows_one_bar_for_the_whole_run(tmp_path: Path) -> None:
    reader, terminal = pty.openpty()
    environment = os.environ | {"COLUMNS": "120", "TERM": "xterm"}
    process = subprocess.Popen(
        [*RUN, f"hydra.run.dir={tmp_path}"], stdout=terminal, stderr=terminal, stdin=terminal, env=environment
    )
    os.close(terminal)
    seen = bytearray()
    try:
        while chunk := os.read(reader, 65536):
            seen += chunk
    except OSError:  # the other end is closed
        pass
    os.close(reader)
    assert process.wait(60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode()).replace("\r", "\n")
    assert re.findall(r"(\d+)/8 steps", text)[-1] == "8" and "/6 steps" not in text
    assert re.search(r"epoch 2/2 .* images/s \d:\d\d:\d\d left", text)
    logged = [line for line in text.splitlines() if re.search(r"epoch \d/2: ", line)]
    assert len(logged) == 2 and all(re.match(r"\[\d\d:\d\d:\d\d\] epoch", line) for line in logged), "unbroken"
