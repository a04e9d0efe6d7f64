"""Work on many files with several processes."""

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

import cv2

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")

_job: Callable[[Any], Any] | None = None  # of this process


def in_processes(job: Callable[[_Work], _Result], work: Sequence[_Work], workers: int | None) -> Iterator[_Result]:
    """Do a job on each piece of work.

    Args:
        job: A picklable function; each process is given it once, whatever it carries.
        work: Picklable arguments of the job.
        workers: Processes; None takes every core, 1 stays in this process.

    Yields:
        The results, in the order of the work. Whoever stops early, or an error, cancels what has not begun.
    """
    workers = workers or os.cpu_count() or 1
    if workers == 1 or len(work) < 2:
        yield from map(job, work)
        return
    with fresh_processes(workers, job) as pool:
        try:
            yield from pool.map(_do, work)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def fresh_processes(workers: int | None, job: Callable[[Any], Any] | None = None) -> ProcessPoolExecutor:
    """A pool of new interpreters, each of which uses one thread and holds the job, if there is one, for `_do`.

    Forking a process that runs threads (torch, OpenCV) can hang; a fresh interpreter cannot.
    """
    if multiprocessing.get_start_method() not in multiprocessing.get_all_start_methods():
        multiprocessing.set_start_method("spawn", force=True)  # a job of joblib's hands on 'loky', unknown to new ones
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers or os.cpu_count(), context, _begin, (job,))


def _begin(job: Callable[[Any], Any] | None) -> None:
    global _job
    _job = job
    cv2.setNumThreads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # for what is not loaded yet
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def _do(piece: _Work) -> Any:
    assert _job is not None
    return _job(piece)
