"""Run commands of the project one at a time, and measure what each takes; on Linux, with the extra ``dask``."""

import csv
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import psutil

from matting.files import csv_text, write_atomic

MATTING = ("-c", "from matting.cli import main; main()")
"""Arguments of Python that run the command ``matting``."""

Row = dict[str, str]


class Spent(NamedTuple):
    """What a command took.

    Attributes:
        wall: Seconds.
        processor: Seconds of processors, of all its processes.
        main: Peak memory of its first process, in megabytes.
        worker: The largest peak memory of its other processes, in megabytes; 0 without others.
        written: Megabytes that were to be written to a disk.
        code: Exit status.
        out: What it printed to the standard output.
        err: What it printed to the standard error.
    """

    wall: float
    processor: float
    main: float
    worker: float
    written: float
    code: int
    out: str
    err: str


def run(
    arguments: Sequence[object],
    program: Sequence[str] = MATTING,
    settings: Mapping[str, str] | None = None,
    meanwhile: Callable[[psutil.Process], None] = lambda process: None,
) -> Spent:
    """Run a command to its end.

    Args:
        arguments: Arguments of the command.
        program: Arguments of Python.
        settings: Variables of its environment.
        meanwhile: Called ten times a second.
    """
    start, written = perf_counter(), _written()
    process = subprocess.Popen(
        [sys.executable, *program, *map(str, arguments)],
        env=os.environ | dict(settings or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stderr
    texts = dict.fromkeys((process.stdout, process.stderr), "")
    readers = [threading.Thread(target=lambda s=stream: texts.update({s: s.read()})) for stream in texts]
    for reader in readers:
        reader.start()
    watched, peaks = psutil.Process(process.pid), dict[int, float]()
    while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
        with suppress(psutil.NoSuchProcess):
            for one in (watched, *watched.children(recursive=True)):
                peaks[one.pid] = max(peaks.get(one.pid, 0.0), _peak(one.pid))
            meanwhile(watched)
        threading.Event().wait(0.1)
    _, status, usage = ended
    wall = perf_counter() - start
    for reader in readers:
        reader.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    main = peaks.pop(process.pid, 0.0)
    spent = (wall, usage.ru_utime + usage.ru_stime, main, max(peaks.values(), default=0.0), _written() - written)
    return Spent(*spent, process.returncode, *texts.values())


def _peak(pid: int) -> float:
    """Return the peak memory of a process in megabytes; 0 if it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1e3
    return 0.0


def _written() -> float:
    """Return the megabytes of files that this process and those it has waited for made the system write."""
    return int(Path("/proc/self/io").read_text().split("\nwrite_bytes: ")[1].split()[0]) / 1e6


class Results:
    """Measurements in a CSV file, one line each, so that an interrupted script resumes."""

    def __init__(self, path: Path, key: Sequence[str]) -> None:
        self.path, self._key = path, key
        self.rows: list[Row] = list(csv.DictReader(path.open())) if path.is_file() else []

    def find(self, *key: object) -> Row | None:
        """Return the measurement with this key."""
        wanted = list(map(str, key))
        return next((row for row in self.rows if [row[name] for name in self._key] == wanted), None)

    def add(self, **row: object) -> None:
        """Add a measurement to the file."""
        texts = {name: f"{value:.3f}" if isinstance(value, float) else f"{value}" for name, value in row.items()}
        self.rows.append(texts)
        write_atomic(self.path, csv_text(list(self.rows[0]), [list(row.values()) for row in self.rows]).encode())
        print(", ".join(f"{name} {text}" for name, text in texts.items()), flush=True)


def load() -> str:
    """Return the load of the machine over the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def machine() -> str:
    """Describe the machine in a line."""
    from matting.evaluation.provenance import hardware  # imports torch

    found = hardware()
    return f"{found['processor']}, {found['cores']} cores"


def write_table(path: Path, lines: Sequence[str], head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a Markdown table under some lines of text, and print it."""
    table = [head, ["---", *(["---:"] * (len(head) - 1))], *rows]
    text = "\n".join([*lines, "", *(f"| {' | '.join(row)} |" for row in table)])
    print(text)
    path.write_text(f"{text}\n")
