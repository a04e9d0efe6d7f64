"""Work in several processes, which end with the process that started them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import joblib
import pytest

from matting.cluster import WINDOW
from matting.processes import in_processes, in_threads


def in_two(numbers: list[int]) -> list[int]:
    return list(in_processes(abs, [-number for number in numbers], 2))


def test_results_keep_the_order_of_the_work() -> None:
    assert in_two([3, 1, 2]) == [3, 1, 2]


def test_a_job_of_joblibs_may_start_processes() -> None:
    """A sweep with `hydra=joblib` does so when its first job renders the corpus."""
    assert joblib.Parallel(n_jobs=2)(joblib.delayed(in_two)([k, k + 1]) for k in range(2)) == [[0, 1], [1, 2]]


class Heavy:
    """A job that counts how often it is sent to another process."""

    sent = 0

    def __call__(self, number: int) -> int:
        return -number

    def __getstate__(self) -> dict[str, int]:
        Heavy.sent += 1
        return {}


def test_a_job_is_sent_once_to_each_process() -> None:
    assert list(in_processes(Heavy(), list(range(20)), 2)) == [-number for number in range(20)]
    assert 1 <= Heavy.sent <= 2


class Counted(list[int]):
    """Work that counts how many of its pieces were taken."""

    taken = 0

    def __iter__(self) -> Iterator[int]:
        for number in super().__iter__():
            self.taken += 1
            yield number


@pytest.mark.parametrize("apply", [in_processes, in_threads])
def test_only_some_pieces_are_handed_out_at_a_time(apply: Callable[..., Iterator[int]]) -> None:
    work = Counted(range(WINDOW + 20))
    results = apply(abs, work, 2)
    assert next(results) == 0 and work.taken == WINDOW
    assert list(results) == list(range(1, WINDOW + 20))


IMPORTS = f"import subprocess, sys; from functools import partial; from {__name__} import note_and_sleep; "
STARTS = {
    "pool": "from matting.processes import in_processes; list(in_processes(note_and_sleep, range(2), 2))",
    "rendering": "from matting.synthetic.parallel import run_jobs; "
    "run_jobs([partial(note_and_sleep, k) for k in range(4)], 2, None)",
    "rank": f"subprocess.run([sys.executable, '-c', 'from {__name__} import note_and_sleep as f; f(1, as_rank=True)'])",
}


def note_and_sleep(number: int, as_rank: bool = False) -> None:
    """Leave the number of this process in the current directory and take far longer than any test."""
    if as_rank:
        from matting.processes import end_with_parent

        end_with_parent()
    Path(f"{os.getpid()}.started").touch()
    time.sleep(600)


def lives(pid: int) -> bool:
    """Return whether a process runs; a zombie, which has ended, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("start", STARTS)
def test_workers_end_when_their_parent_is_killed(start: str, how: signal.Signals, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    parent = subprocess.Popen([sys.executable, "-c", IMPORTS + STARTS[start]], cwd=tmp_path, env=environment)
    expected = 1 if start == "rank" else 2
    try:
        assert wait_until(lambda: len(list(tmp_path.glob("*.started"))) == expected, 120)
        workers = [int(file.stem) for file in tmp_path.glob("*.started")]
        assert all(map(lives, workers))
        parent.send_signal(how)
        parent.wait(60)
        assert wait_until(lambda: not any(map(lives, workers)), 30)
    finally:
        parent.kill()
        for file in tmp_path.glob("*.started"):
            if lives(int(file.stem)):
                os.kill(int(file.stem), signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ctrl_c_ends_workers_in_the_middle_of_a_call_without_a_word(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    code = IMPORTS + STARTS["pool"]
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert wait_until(lambda: len(list(tmp_path.glob("*.started"))) == 2, 120)
        os.killpg(parent.pid, signal.SIGINT)  # as a terminal does
        _, err = parent.communicate(timeout=60)
        assert err.count("Traceback") == 1 and err.endswith("KeyboardInterrupt\n"), err
        assert not any(lives(int(file.stem)) for file in tmp_path.glob("*.started"))
    finally:
        parent.kill()
        for file in tmp_path.glob("*.started"):
            if lives(int(file.stem)):
                os.kill(int(file.stem), signal.SIGKILL)
