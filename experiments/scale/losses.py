"""Kill workers, and the scheduler, of a cluster that curates: ``python experiments/scale/losses.py``."""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from commands import Spent, load, machine, run, write_table
from pairs import write_pairs

FOLDER = Path(__file__).parent
LIMITS = "low_resolution: .inf\n"
"""The critic enlarges small images, so they cost what others do; gate 1 alone would reject them all."""


class Killer:
    """Kills the oldest worker of a command every few seconds, as a machine that is short of memory does."""

    def __init__(self, every: float) -> None:
        self.every, self.last, self.killed = every, time.monotonic(), 0

    def __call__(self, command: psutil.Process) -> None:
        """Kill one if it is time."""
        if time.monotonic() - self.last < self.every:
            return
        workers = [one for one in command.children() if "spawn_main" in " ".join(one.cmdline())]
        if workers:
            min(workers, key=psutil.Process.create_time).send_signal(signal.SIGKILL)
            self.last, self.killed = time.monotonic(), self.killed + 1


def curate(root: Path, output: Path, dask: str, meanwhile: Callable[[psutil.Process], None]) -> Spent:
    """Curate a folder of pairs on a cluster."""
    limits = root.with_suffix(".yaml")
    limits.write_text(LIMITS)
    command = ["curate", "run", "pairs", root, "-o", output, "--limits", limits, "--dask", dask]
    return run(command, settings={"OMP_NUM_THREADS": "1"}, meanwhile=meanwhile)


def verdicts(output: Path) -> list[str]:
    """Return the lines of the verdicts, which have all scores; none if there is no such file."""
    file = output / "verdicts.csv"
    return file.read_text().splitlines() if file.is_file() else []


def scored(output: Path) -> int:
    """Return the number of pairs in the ledger."""
    file = output / "scores.jsonl"
    return file.read_text().count("\n") if file.is_file() else 0


def lose_scheduler(root: Path, output: Path, after: int) -> tuple[Spent, int]:
    """Curate on a cluster of other processes, and kill its scheduler after so many pairs.

    Returns:
        What the command took, and the number of pairs in its ledger.
    """
    file = output.with_suffix(".json")
    python = (sys.executable, "-m")
    scheduler = ("distributed.cli.dask_scheduler", "--port", "0")
    worker = ("distributed.cli.dask_worker", "--nworkers", "2", "--nthreads", "1")
    common = ("--no-dashboard", "--scheduler-file", str(file))
    parts = [subprocess.Popen([*python, *part, *common], stderr=subprocess.DEVNULL) for part in (scheduler, worker)]
    try:
        while not file.exists():
            time.sleep(0.1)

        def kill(command: psutil.Process) -> None:
            if scored(output) >= after:
                parts[0].kill()

        spent = curate(root, output, json.loads(file.read_text())["address"], kill)
        return spent, scored(output)
    finally:
        below = [one for part in parts if part.poll() is None for one in psutil.Process(part.pid).children()]
        for process in (*below, *parts):
            with suppress(psutil.NoSuchProcess):
                process.kill()


def main() -> None:
    """Run the curations and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two kills")
    options = parser.parse_args()
    few, before = min(60, options.pairs), load()
    with tempfile.TemporaryDirectory(dir=".") as temporary:
        folder = Path(temporary).resolve()
        all_pairs, some = folder / "pairs", folder / "some"
        write_pairs(all_pairs, options.pairs)
        write_pairs(some, few)
        calm = curate(all_pairs, folder / "calm", "local:2", lambda command: None)
        killer = Killer(options.every)
        hunted = curate(all_pairs, folder / "hunted", "local:2", killer)
        lost, kept = lose_scheduler(some, folder / "lost", few // 2)
        repeated = curate(some, folder / "lost", "local:2", lambda command: None)
        whole = curate(some, folder / "whole", "local:2", lambda command: None)
        runs = (
            ("undisturbed", options.pairs, calm, "calm", "calm", ""),
            (
                f"a worker killed every {options.every:g} s",
                options.pairs,
                hunted,
                "hunted",
                "calm",
                f"{killer.killed} kills",
            ),
            ("undisturbed", few, whole, "whole", "whole", ""),
            ("the scheduler killed", few, lost, "", "", f"{kept} pairs in the ledger"),
            ("the same, repeated", few, repeated, "lost", "whole", f"{few - kept} pairs measured"),
        )
        rows = []
        for title, count, spent, name, expected, note in runs:
            found = verdicts(folder / name) if name else []
            same = "" if not name else "yes" if found == verdicts(folder / expected) else f"no, {len(found)} lines"
            numbers = [str(count), f"{spent.wall:.0f}", f"{spent.processor:.0f}", f"{spent.worker:.0f}"]
            rows.append([title, *numbers, str(spent.code), same, note])
    lines = [
        f"Synthetic pairs, all gates with the critic, two workers. {machine()}, load before {before}.",
        f"Printed when the scheduler was killed: `{lost.err.strip().splitlines()[-1]}`",
    ]
    head = ["run", "pairs", "seconds", "of processors", "MB, a worker", "exit code", "same verdicts", "note"]
    write_table(FOLDER / "losses.md", lines, head, rows)


if __name__ == "__main__":
    main()
