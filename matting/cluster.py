"""Process many files on a Dask cluster; `matting.processes` is the only module that uses this one."""

import os
import pickle
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, chdir, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import cv2

from matting.errors import MattingError
from matting.extras import require

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")

Lost = Callable[[_Work, str], _Result]
"""Returns the result of a piece of work that kills every worker that tries it, given the reason in words."""

PACKAGE = "portrait-matting"
WINDOW = 64
"""Least number of pieces that a cluster or a pool has at a time; if it has many workers, four for each."""

TIMEOUT = "10s"
"""Time to connect to a scheduler."""

FATAL = "each process that tried it died; it may be too large for the memory, or crash a decoder: check or remove it"

GONE = (
    "expected the Dask cluster until the work is done, found that its scheduler is gone or was restarted; start it "
    "again and repeat the command"
)

_LOCAL = re.compile(r"local(?::([1-9]\d*))?")
_turn = threading.Lock()  # a worker may have several threads, and jobs need not be safe in them


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Connect to a Dask cluster, or start a local one for the time of the block.

    Args:
        address: As for `matting.processes.on_dask`.

    Yields:
        The client.

    Raises:
        MattingError: As `matting.processes.on_dask`.
    """
    distributed = require("distributed", f"--dask {address}")
    with ExitStack() as stack:
        # Dask would print a traceback for a scheduler that is lost, and lines for each worker that dies; callers report
        # what matters.
        stack.enter_context(require("distributed.utils", f"--dask {address}").silence_logging_cmgr("CRITICAL"))
        if local := _LOCAL.fullmatch(address):
            settings = {
                # Dask removes a worker that is absent so long after a first death, even if it is just being restarted.
                "distributed.deploy.lost-worker-timeout": "1000 days",
                # Dask makes workers return memory at once, which takes networks more time than their arithmetic.
                "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
            }
            stack.enter_context(require("dask", f"--dask {address}").config.set(settings))
            cluster = distributed.LocalCluster(
                n_workers=int(local[1] or os.cpu_count() or 1),
                threads_per_worker=1,
                dashboard_address=None,
                silence_logs="CRITICAL",  # in the other processes as well
            )
            stack.enter_context(cluster)
        try:
            client = stack.enter_context(distributed.Client(cluster if local else address, timeout=TIMEOUT))
        except (OSError, ValueError) as error:
            raise MattingError(
                f"--dask {address}: expected 'local' or the address of a Dask scheduler such as tcp://host:8786, "
                f"found: {error}; start one with 'dask scheduler'"
            ) from error
        _check_workers(client, address)
        yield client


def _check_workers(client: Any, address: str) -> None:
    found = client.get_versions(packages=[PACKAGE])
    own = found["client"]["packages"][PACKAGE]
    versions = {part["packages"][PACKAGE] for part in (found["scheduler"], *found["workers"].values())}
    if other := versions - {own}:
        raise MattingError(
            f"--dask {address}: expected {PACKAGE} {own} on the scheduler and its workers, found {other.pop()}; "
            "install the same version everywhere"
        )
    if several := [threads for threads in client.nthreads().values() if threads > 1]:
        raise MattingError(
            f"--dask {address}: expected workers of one thread, found one of {several[0]}; start them with "
            "'dask worker --nworkers auto --nthreads 1'"
        )


def on_cluster(
    client: Any, job: Callable[[_Work], _Result], work: Sequence[_Work], lost: Lost[_Work, _Result] | None
) -> Iterator[_Result]:
    """Apply a function to each piece of work on a cluster; see `matting.processes.in_processes`.

    Yields:
        The results, in the order of the work.

    Raises:
        MattingError: A piece kills its workers and `lost` is None.
        OSError: The cluster is gone.
    """
    dask, distributed, scheduler, protocol = (
        require(module, "--dask") for module in ("dask", "distributed", "distributed.scheduler", "distributed.protocol")
    )
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):
        # The result of a task, not scattered data: it is made again if all workers that have it die.
        packed = client.submit(bytes, protocol.pickle.dumps(job), pure=False)
    folder = str(Path.cwd())
    numbers: dict[Any, int] = {}  # of the pieces that the cluster has, by their futures
    done: dict[int, tuple[Any, Exception | None]] = {}  # results that wait for an earlier one, and errors
    suspects: list[int] = []  # pieces whose workers have died as often as Dask allows
    alone: set[int] = set()  # suspects that were tried once more
    # Results are fetched at once: as long as one is on a worker, it is lost with the worker.
    completed = distributed.as_completed(with_results=True, raise_errors=False)
    sent, window = 0, WINDOW

    def send(number: int) -> None:
        future = client.submit(_do, folder, packed, work[number], pure=False)
        numbers[future] = number
        completed.add(future)

    try:
        for number in range(len(work)):
            while number not in done:
                while not suspects and sent < min(len(work), number + window):
                    send(sent)
                    sent += 1
                    if sent % WINDOW == 1:  # not each time, since it asks the scheduler; but a cluster may grow
                        window = max(WINDOW, 4 * _workers(client))
                if not numbers:
                    # Dask also suspects pieces that waited at a worker that died. Alone, a piece is itself the cause.
                    alone.add(suspects[0])
                    send(suspects.pop(0))
                future, result = next(completed)
                index = numbers.pop(future)
                error = result[1] if future.status == "error" else result if future.cancelled() else None
                if isinstance(error, scheduler.KilledWorker) and index not in alone:
                    suspects.append(index)
                else:
                    done[index] = result, error
            result, error = done.pop(number)
            if isinstance(error, scheduler.KilledWorker):
                if lost is None:
                    raise MattingError(f"{work[number]}: {FATAL}")
                result = lost(work[number], FATAL)
            elif isinstance(error, CancelledError):
                raise OSError(GONE)
            elif error is not None:
                raise error
            yield result
    finally:
        if client.status == "running":
            client.cancel(list(numbers))


def _workers(client: Any) -> int:
    try:
        return sum(client.nthreads().values())
    except OSError as error:
        raise OSError(GONE) from error


def _do(folder: str, packed: bytes, piece: Any) -> Any:
    """Call the job in a worker, as if it had been started in the folder of the command, with its relative paths."""
    with _turn:
        if not Path(folder).is_dir():
            raise MattingError(f"expected the folder {folder} on the worker's machine, found none; share its disk")
        with chdir(folder):
            return _unpacked(packed)(piece)


@lru_cache(maxsize=4)  # of the commands that use the worker at the same time
def _unpacked(packed: bytes) -> Callable[[Any], Any]:
    use_one_thread()
    job: Callable[[Any], Any] = pickle.loads(packed)
    use_one_thread()  # again, as the job may have brought torch along
    return job


def use_one_thread() -> None:
    """Make libraries use one thread in this process, which is one of as many as there are cores."""
    cv2.setNumThreads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # for libraries that are not loaded yet
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
