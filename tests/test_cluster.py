"""Work on a Dask cluster: order, errors, dead workers, and a cluster that is not as it should be."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dask
import distributed
import pytest

from matting import cluster, processes
from matting.errors import MattingError
from matting.processes import in_processes, in_threads, on_dask

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a cluster of two workers."""
    with cluster.connected("local:2") as client:
        yield client.scheduler.address


@pytest.fixture
def two(address: str) -> Iterator[None]:
    """Work goes to the cluster of two workers."""
    with on_dask(address):
        yield


class Heavy:
    """A job that counts how often it is packed, and notes where it is unpacked."""

    packed = 0

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, number: int) -> int:
        time.sleep(0.01 * (number % 3))  # so that results are ready in another order
        return -number

    def __getstate__(self) -> dict[str, Path]:
        Heavy.packed += 1
        return {"folder": self.folder}

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.__dict__ |= state
        with (self.folder / str(os.getpid())).open("a") as file:
            file.write("unpacked\n")


@pytest.mark.parametrize(("apply", "pieces"), [(in_processes, cluster.WINDOW + 6), (in_threads, 6)])
def test_results_keep_the_order_and_a_job_is_unpacked_once_in_each_worker(apply, pieces, two, tmp_path):
    Heavy.packed = 0
    assert list(apply(Heavy(tmp_path), list(range(pieces)), 1)) == [-number for number in range(pieces)]
    assert Heavy.packed == 1
    notes = {int(file.name): file.read_text().split() for file in tmp_path.iterdir()}
    assert os.getpid() not in notes and 1 <= len(notes) <= 2
    assert all(lines == ["unpacked"] for lines in notes.values())


def where_and_how(path: str) -> tuple[str, list[str | None], int]:
    return Path(path).read_text(), [os.environ.get(name) for name in THREADS], os.getpid()


def test_paths_are_relative_to_the_folder_of_the_command(two, tmp_path, monkeypatch):
    (tmp_path / "note.txt").write_text("found")
    monkeypatch.chdir(tmp_path)
    assert [found[:2] for found in in_processes(where_and_how, ["note.txt"] * 3, None)] == [("found", ["1", "1"])] * 3


def refuse_two(number: int) -> int:
    if number == 2:
        raise MattingError("2.jpg: expected an image")
    return number


def test_an_error_is_raised_in_its_turn_as_it_is(two):
    results = in_processes(refuse_two, range(8), None)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(MattingError, match=r"^2\.jpg: expected an image$"):
        next(results)


def test_closing_early_cancels_what_has_not_begun(two, tmp_path):
    results = in_processes(touch_slowly, [tmp_path / f"{k}" for k in range(100)], None)
    next(results)
    results.close()
    begun, earlier = len(list(tmp_path.iterdir())), -1
    while begun != earlier:  # what a worker has already been told to do is done
        time.sleep(1)
        begun, earlier = len(list(tmp_path.iterdir())), begun
    assert begun < cluster.WINDOW / 2


def touch_slowly(path: Path) -> None:
    path.touch()
    time.sleep(0.2)


def die_once(path: Path) -> str:
    """Note the process, and end it the first time as the kernel does when memory is short."""
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path.name


@pytest.mark.slow
def test_the_work_of_a_killed_worker_is_repeated(two, tmp_path):
    assert list(in_processes(die_once, [tmp_path / f"{k}" for k in range(2)], None)) == ["0", "1"]


def always_die_of_three(number: int) -> int:
    time.sleep(0.05)
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.slow
def test_a_poisoned_piece_is_reported_once_and_its_neighbours_are_done():
    reported = []

    def lost(number: int, reason: str) -> int:
        reported.append((number, reason))
        return -1

    # One worker: Dask suspects the neighbours as well, which wait there when it dies.
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), on_dask("local:1"):
        assert list(in_processes(always_die_of_three, range(6), None, lost)) == [0, 1, 2, -1, 4, 5]
        assert [number for number, _ in reported] == [3] and "each process that tried it died" in reported[0][1]
        with pytest.raises(MattingError, match=r"^3: each process that tried it died"):
            list(in_processes(always_die_of_three, [3], None))


@pytest.mark.slow
def test_a_lost_scheduler_is_one_line(tmp_path, capfd):
    file = tmp_path / "scheduler.json"
    options = {"scheduler": ("--port", "0", "--no-dashboard"), "worker": ("--nthreads", "1", "--no-dashboard")}
    begin = [sys.executable, "-m", "distributed.cli."]
    parts = [
        subprocess.Popen(
            [*begin[:2], f"{begin[2]}dask_{part}", "--scheduler-file", file, *given], stderr=subprocess.DEVNULL
        )
        for part, given in options.items()
    ]
    try:
        while not file.exists():
            time.sleep(0.1)
        with on_dask(json.loads(file.read_text())["address"]):
            results = in_processes(touch_slowly, [tmp_path / f"{k}" for k in range(100)], None)
            next(results)
            parts[0].kill()
            with pytest.raises(OSError, match=r"scheduler is gone or was restarted; start it again") as caught:
                list(results)
    finally:
        for part in parts:
            part.kill()
    assert "\n" not in str(caught.value) and capfd.readouterr().err == ""


def test_without_a_cluster_work_stays_here(tmp_path):
    with on_dask(None):
        assert list(in_processes(os.path.basename, ["a/b"], 1)) == ["b"]
    assert processes._client is None


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1:9", "local:0"])
def test_an_address_without_a_scheduler_is_one_line(address, monkeypatch):
    monkeypatch.setattr(cluster, "TIMEOUT", "1s")
    with (
        pytest.raises(MattingError, match=rf"^--dask {address}: expected 'local' or the address") as caught,
        on_dask(address),
    ):
        pass
    assert "\n" not in str(caught.value) and processes._client is None


def test_a_cluster_that_would_give_other_results_is_refused(monkeypatch):
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as other:
        address = other.scheduler_address
        with pytest.raises(MattingError, match="expected workers of one thread, found one of 2"), on_dask(address):
            pass
        monkeypatch.setattr(cluster, "PACKAGE", "numpy")
        monkeypatch.setattr("distributed.versions.get_package_info", lambda names: {"numpy": threading.get_ident()})
        with pytest.raises(MattingError, match=r"expected numpy .* on the scheduler and its workers"), on_dask(address):
            pass
