"""Process many files in parallel: in processes or threads of this machine, or on a Dask cluster."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

from matting.cluster import WINDOW, Lost, connected, on_cluster, use_one_thread

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")

_job: Callable[[Any], Any] | None = None  # set by `_begin` in each worker process
_client: Any = None  # the client of a Dask cluster, inside `on_dask`


def in_processes(
    job: Callable[[_Work], _Result],
    work: Sequence[_Work],
    workers: int | None,
    lost: Lost[_Work, _Result] | None = None,
    *,
    needs_main: bool = True,
) -> Iterator[_Result]:
    """Apply a function to each piece of work, in several processes, or on the cluster of `on_dask`.

    Args:
        job: A picklable function; it is sent to each process once, however large it is. On a cluster a piece may be
            repeated after its worker died, so doing it twice must do no harm.
        work: Picklable arguments, one per call.
        workers: Number of processes; None for one per core, 1 to stay in this process. A cluster has its own.
        lost: Called on a cluster for a piece that kills its workers; without it, such a piece is an error.
        needs_main: False keeps new processes from importing the caller's script again, whose names the job then must
            not need. A script without ``if __name__ == "__main__"`` would start itself over and over.

    Yields:
        The results, in the order of the work. An error, Ctrl-C, or closing the iterator early ends the processes.
    """
    if _client is not None:
        yield from on_cluster(_client, job, work, lost)
        return
    workers = workers or os.cpu_count() or 1
    if workers == 1 or len(work) < 2:
        yield from map(job, work)
        return
    with _fresh_processes(workers, job) as pool:
        started: list[Any] = []

        def submit(piece: _Work) -> Future[_Result]:
            if len(started) == workers:
                return pool.submit(_do, piece)
            others = multiprocessing.active_children()
            with uninterrupted(), nullcontext() if needs_main else _without_main():
                future = pool.submit(_do, piece)  # starts a process if none is idle
            started.extend(process for process in multiprocessing.active_children() if process not in others)
            return future

        try:
            yield from _in_turn(submit, work, workers)
        except BaseException:
            # The pool alone would first finish the calls that it has handed out, which may take minutes.
            for process in started:
                process.terminate()
            raise


def in_threads(
    job: Callable[[_Work], _Result],
    work: Sequence[_Work],
    workers: int | None,
    lost: Lost[_Work, _Result] | None = None,
) -> Iterator[_Result]:
    """Apply a function to each piece of work as `in_processes` does, but in threads where there is no cluster.

    They start at once, but share an interpreter: for jobs that only decode images, as OpenCV releases its lock.
    """
    if _client is not None:
        yield from on_cluster(_client, job, work, lost)
        return
    workers = workers or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        try:
            yield from _in_turn(lambda piece: pool.submit(job, piece), work, workers)
        except BaseException:  # also KeyboardInterrupt: cancel what has not begun, else the pool would finish it first
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _in_turn(submit: Callable[[_Work], "Future[_Result]"], work: Sequence[_Work], workers: int) -> Iterator[_Result]:
    """Yield the results in the order of the work, with a bounded number of pieces submitted: each takes 2 kB."""
    futures: deque[Future[_Result]] = deque()
    for piece in work:
        futures.append(submit(piece))
        if len(futures) >= max(WINDOW, 4 * workers):
            yield futures.popleft().result()
    while futures:
        yield futures.popleft().result()


@contextmanager
def on_dask(address: str | None) -> Iterator[None]:
    """Send the work of `in_processes` and `in_threads` inside the block to a Dask cluster.

    Results are the same on any number of workers. The work of a worker that dies is repeated by others; see `Lost` for
    work that kills them. Workers need this version of the package, one thread each, and the files under the same paths.

    Args:
        address: Address of a scheduler, such as ``tcp://host:8786``; ``local`` for one worker per core of this machine,
            ``local:N`` for N; None for no cluster.

    Raises:
        MattingError: The package `distributed` is missing, the address is not that of a scheduler, or a worker has
            another version or several threads.
    """
    global _client
    if address is None:
        yield
        return
    with connected(address) as client:
        outer, _client = _client, client
        try:
            yield
        finally:
            _client = outer


def _fresh_processes(workers: int, job: Callable[[Any], Any]) -> ProcessPoolExecutor:
    """Return a pool of new interpreters, each with one thread and its own copy of the job for `_do`.

    Forking a process that runs threads (torch, OpenCV) can hang; a fresh interpreter cannot. The interpreters end
    with this process, however it ends.
    """
    if multiprocessing.get_start_method() not in multiprocessing.get_all_start_methods():
        multiprocessing.set_start_method("spawn", force=True)  # joblib sets 'loky', which new ones do not know
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin, (job,))


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Keep Ctrl-C from processes that are started meanwhile: each would print a traceback. This process ends them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # Blocked, not ignored: here the signal arrives afterwards. New processes inherit the mask.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(job: Callable[[Any], Any] | None) -> None:
    global _job
    end_with_parent()
    # An exception, so that a file that is being written is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    _job = job
    use_one_thread()


def is_child() -> bool:
    """Return whether another process of a run or a sweep started this one: a job of joblib, or a further rank."""
    return multiprocessing.current_process().name != "MainProcess" or os.environ.get("LOCAL_RANK", "0") != "0"


def is_of_torchrun() -> bool:
    """Return whether torchrun started this process: on each machine, its workers must end with it."""
    return "TORCHELASTIC_RUN_ID" in os.environ


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
    try:
        return _job(piece)
    except SystemExit:  # of the signal: the pool would take it for a result and go on with the next piece
        os._exit(1)


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep new processes from importing the caller's script again."""
    main = sys.modules["__main__"].__dict__
    kept: dict[str, Any] = {name: main.pop(name) for name in ("__file__", "__spec__") if name in main}
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(kept)
