"""Render many files in parallel into a folder that appears when it is complete."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock
from rich.console import Console
from rich.progress import track

from matting.processes import in_processes

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

    # The jobs need nothing of the caller's script, which may load torch.
    records = in_processes(_call, jobs, workers, needs_main=False)
    disable = title is None or not console.is_terminal
    return list(track(records, title or "", len(jobs), console=console, disable=disable, transient=True))


def _call(job: Job) -> Record:
    return job()
