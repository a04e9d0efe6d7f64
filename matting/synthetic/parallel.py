"""Render many files in parallel into a folder that appears when it is complete."""

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from rich.console import Console
from rich.progress import track

from matting.processes import fresh_processes

Record = dict[str, Any]
Job = Callable[[], Record]


def build_once(root: Path, build: Callable[[Path], None]) -> Path:
    """Call ``build`` with a temporary folder unless ``root`` exists, then rename the folder to ``root``.

    An interrupted build leaves nothing that looks finished, and of several callers one builds while the others wait.
    """
    if root.is_dir():
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{root}.lock"):
        # Asked again: another process may have built it while this one waited.
        if not root.is_dir():
            partial = root.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)  # left by a killed build: under the lock nobody else uses it
            build(partial)
            partial.rename(root)
    return root


def run_jobs(jobs: Sequence[Job], workers: int | None, title: str | None) -> list[Record]:
    """Run the jobs and return their results, in order.

    Args:
        jobs: Picklable calls without arguments.
        workers: Processes; None uses every core, 1 stays in this process.
        title: Title of the progress bar; None for no bar.
    """

    console = Console(stderr=True)
    if title is not None and not console.is_terminal:
        console.print(f"{title}: {len(jobs)} files", soft_wrap=True)  # instead of a bar, which would break in a file

    def watched(results: Iterator[Record]) -> list[Record]:
        disable = title is None or not console.is_terminal
        return list(track(results, title or "", len(jobs), console=console, disable=disable, transient=True))

    if workers == 1:
        return watched(job() for job in jobs)
    with fresh_processes(workers) as pool:
        with _without_main():
            results = pool.map(_call, jobs, chunksize=2)  # starts the workers
        return watched(results)


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep new processes from importing the caller's script again.

    The jobs need nothing of it, it may load torch, and a script without ``if __name__ == "__main__"`` would start
    itself over and over.
    """
    main = sys.modules["__main__"].__dict__
    kept: dict[str, Any] = {name: main.pop(name) for name in ("__file__", "__spec__") if name in main}
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(kept)


def _call(job: Job) -> Record:
    return job()
