"""Process many files in parallel."""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

import cv2

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")

_job: Callable[[Any], Any] | None = None  # set by `_begin` in each worker process


def in_processes(job: Callable[[_Work], _Result], work: Sequence[_Work], workers: int | None) -> Iterator[_Result]:
    """Apply a function to each piece of work, in several processes.

    Args:
        job: A picklable function; it is sent to each process once, however large it is.
        work: Picklable arguments, one per call.
        workers: Number of processes; None for one per core, 1 to stay in this process.

    Yields:
        The results, in the order of the work. An error, or closing the iterator early, cancels the calls that have not
        started.
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
    """Return a pool of new interpreters, each with one thread and its own copy of the job for `_do`.

    Forking a process that runs threads (torch, OpenCV) can hang; a fresh interpreter cannot. The interpreters end
    with this process, however it ends.
    """
    if multiprocessing.get_start_method() not in multiprocessing.get_all_start_methods():
        multiprocessing.set_start_method("spawn", force=True)  # joblib sets 'loky', which new ones do not know
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers or os.cpu_count(), context, _begin, (job,))


def _begin(job: Callable[[Any], Any] | None) -> None:
    global _job
    end_with_parent()
    _job = job
    cv2.setNumThreads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # for libraries that are not loaded yet
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def is_child() -> bool:
    """Return whether another process of a run or a sweep started this one: a job of joblib, or a further rank."""
    return multiprocessing.current_process().name != "MainProcess" or os.environ.get("LOCAL_RANK", "0") != "0"


def end_with_parent() -> None:
    """Make this process exit as soon as its parent has ended, even by a signal that cannot be caught.

    A worker of a pool would otherwise wait for work for ever: it holds both ends of the pool's queue itself.
    """
    threading.Thread(target=_exit_after, args=(multiprocessing.parent_process(), os.getppid()), daemon=True).start()


def _exit_after(parent: Any, number: int) -> None:
    if parent is not None:
        parent.join()  # waits for the closing of a pipe whose other end the parent holds, on every system
    else:  # not started by multiprocessing, but for example by Lightning, as a further process of a distributed run
        while os.getppid() == number:
            time.sleep(1)
    os._exit(1)  # `sys.exit` would only end this thread


def _do(piece: _Work) -> Any:
    assert _job is not None
    return _job(piece)
