"""A run on two hosts: it is that of two processes on one, and loses nothing when workers, hosts or cables fail."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from matting.training.resume import FRESH_STORE
from tests.training.hosts import PORT, Host, two_hosts, why_not
from tests.training.runs import SHORT, assert_same_training, checkpoint, logged

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not())]

RUN = ("data.batch_size=2", "trainer=ddp", "trainer.max_epochs=8", "trainer.log_every_n_steps=1")
SAVE_EACH_STEP = ("callbacks.checkpoint.every_n_epochs=null", "callbacks.checkpoint.every_n_train_steps=1")
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Alone on its host a process would take all processors for itself, and sums depend on the number of threads."""
STEPS = 48
LIMIT = 600
"""Seconds for what takes 20 on an idle machine."""


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    with two_hosts() as both:
        yield both


def launch(host: Host, log: Path, *arguments: str, restarts: int = 0) -> subprocess.Popen[str]:
    """Start the documented line on a host."""
    torchrun = ["--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d", f"--rdzv-endpoint=host-a:{PORT}"]
    command = [sys.executable, "-m", "torch.distributed.run", *torchrun, f"--max-restarts={restarts}", "train.py"]
    return host.start(log, [*command, *arguments], **{FRESH_STORE: "1"}, **ONE_THREAD)


def wait_for_steps(folder: Path, steps: int, *processes: subprocess.Popen[str]) -> int:
    """Wait until a run has made some more steps, and return how many it has."""
    deadline, before = time.monotonic() + LIMIT, steps_of(folder)
    while steps_of(folder) < before + steps:
        assert time.monotonic() < deadline and all(process.poll() is None for process in processes)
        time.sleep(0.05)
    return steps_of(folder)


def steps_of(folder: Path) -> int:
    return int(checkpoint(folder)["global_step"]) if (folder / "checkpoints" / "last.ckpt").exists() else 0


def worker(host: Host) -> int:
    """The process of a host that trains."""
    (number,) = (
        process
        for process in host.processes()
        if (words := Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")) and words[2] == b"train.py"
    )
    return number


def errors(log: Path) -> list[str]:
    """The lines in which workers of a host explained their end."""
    return re.findall(r"^error: .*", log.read_text(), re.MULTILINE)


def next_error(log: Path, before: int) -> str:
    """Wait for another such line."""
    deadline = time.monotonic() + LIMIT
    while len(errors(log)) == before:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return errors(log)[before]


def test_a_run_on_two_hosts_loses_nothing(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """A worker is killed, then a host, then the cable is pulled; the result is that of two processes on one host."""
    one, other = hosts
    straight, folder = tmp_path / "straight", tmp_path / "run"
    options = [*SHORT, *RUN, *SAVE_EACH_STEP, "callbacks.lost.minutes=0.25"]
    alone = [sys.executable, "train.py", *options, "trainer.devices=2", f"hydra.run.dir={straight}"]
    done = subprocess.run(alone, capture_output=True, text=True, timeout=LIMIT, env=os.environ | ONE_THREAD)
    assert done.returncode == 0, done.stderr[-2000:]

    options += ["trainer.num_nodes=2", "trainer.devices=1", f"hydra.run.dir={folder}"]
    logs = [tmp_path / f"{host.name}.log" for host in hosts]
    run = [launch(host, log, *options, restarts=1) for host, log in zip(hosts, logs, strict=True)]
    killed_at = wait_for_steps(folder, 2, *run)
    os.kill(worker(other), signal.SIGKILL)
    wait_for_steps(folder, 3, *run)
    # Also on the first host, where torchrun counts no restart: its own worker has not failed.
    (resumed_at,) = re.findall(r"resumed after step (\d+)", logs[0].read_text())
    assert int(resumed_at) >= killed_at

    # The first host uses its restart to wait for the other one, which comes back.
    explained, waiting = len(errors(logs[0])), Path(f"/proc/{worker(one)}")
    other.kill()
    line = next_error(logs[0], explained)
    assert "lost rank 1 on host-b" in line and line.endswith(f"with resume={folder} on all machines")
    while waiting.exists():  # a worker that ends by itself is counted, one that torchrun ends for a new host is not
        time.sleep(0.1)
    run[1] = launch(other, logs[1], *options, restarts=1)
    wait_for_steps(folder, 3, *run)

    one.link("down")
    assert run[0].wait(LIMIT) != 0
    assert not one.processes()
    line = next_error(logs[0], explained + 1)
    # A timeout, not a closed connection: in gloo's words "Timed out waiting" or "Application timeout".
    assert "lost rank 1 on host-b" in line and re.search("time(d |)out", line, re.IGNORECASE)
    other.kill()
    one.link("up")

    run = [launch(host, log, f"resume={folder}") for host, log in zip(hosts, logs, strict=True)]
    assert [process.wait(LIMIT) for process in run] == [0, 0], logs[0].read_text()[-2000:]
    assert_same_training(straight, folder)
    assert checkpoint(folder)["global_step"] == STEPS
    # A step is logged after its checkpoint is written: each of the three ends may have come between the two.
    lines, expected = logged(folder), logged(straight)
    assert len(expected) == STEPS and len(lines) >= STEPS - 3
    assert lines == {step: expected[step] for step in lines}
    assert (folder / "results.json").is_file()
