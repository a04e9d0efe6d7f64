"""Compare Dask clusters of one and two workers with the plain commands: ``python experiments/scale/workers.py``.

A repeated call resumes: it measures what workers.csv lacks.
"""

import argparse
import hashlib
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from commands import MATTING, Results, Row, Spent, load, machine, run, write_table
from pairs import write_pairs

FOLDER = Path(__file__).parent
SIDE = 768
FEW, SOME, MANY = 60, 300, 1000
"""Images of tasks by what one takes, so that a task takes half a minute in one process."""
MODEL = ("--checkpoint", "portrait", "--backend", "torch")
ESTIMATE = """
import sys
from matting.data.formats import pairs
from matting.data.formats.foregrounds import with_estimated_foregrounds
from matting.processes import on_dask
option, value = sys.argv[2:] or ("", "")
with on_dask(value if option == "--dask" else None):
    with_estimated_foregrounds(pairs(sys.argv[1]), int(value) if option == "--workers" else None)
"""


class Task(NamedTuple):
    """A task to compare.

    Attributes:
        title: What it does.
        program: Arguments of Python.
        arguments: Arguments of the command; OUT stands for its folder of results.
        results: Patterns of the files to compare; none for what it prints.
        pool: Whether it uses a pool of processes by default, and takes ``--workers``.
    """

    title: str
    program: tuple[str, ...]
    arguments: tuple[str, ...]
    results: tuple[str, ...]
    pool: bool = True


def tasks(root: Path) -> list[Task]:
    """Return the tasks."""
    few, some, many = (f"{root / str(count)}" for count in (FEW, SOME, MANY))
    return [
        Task(f"data verify, {MANY} pairs", MATTING, ("data", "verify", "pairs", many), ()),
        Task(f"curate run, {FEW} pairs", MATTING, ("curate", "run", "pairs", few, "-o", "OUT"), ("*.csv", "*.jsonl")),
        Task(
            f"evaluate, {FEW} images",
            MATTING,
            ("evaluate", "--images", f"{few}/image", "--alphas", f"{few}/alpha", *MODEL[:2], "-o", "OUT"),
            ("per_image.csv",),
            pool=False,
        ),
        Task(f"cutout, {FEW} images", MATTING, ("cutout", f"{few}/image", *MODEL, "-o", "OUT"), ("*",), pool=False),
        Task(f"foregrounds, {SOME} pairs", ("-c", ESTIMATE), (some,), ("*",)),
        Task(f"rendering, {FEW} people", ("-m", "matting.synthetic"), ("--people", f"{FEW}", "-o", "OUT"), ("*",)),
    ]


WAYS = ("one process", "plain", "local:1", "local:2")
START = "start of a cluster"


def measure(task: Task, way: str, folder: Path) -> tuple[Spent, str]:
    """Run a task in one way; return what it took and a digest of its results."""
    output = folder / "results" / f"{task.title} {way}".replace(" ", "-").replace(":", "-").replace(",", "")
    arguments = [str(output) if part == "OUT" else part for part in task.arguments]
    if way.startswith("local"):
        arguments += ["--dask", way]
    elif way == "one process" and task.pool:
        arguments += ["--workers", "1"]
    threads = "1" if way == "one process" else str(os.cpu_count())
    output.parent.mkdir(exist_ok=True)
    # A cache of its own: foregrounds that are in a cache are not estimated again.
    cache = output if task.title.startswith("foregrounds") else folder / "cache"
    settings = {"OMP_NUM_THREADS": threads, "MATTING_CACHE": str(cache)}
    spent = run(arguments, task.program, settings)
    if spent.code:
        raise SystemExit(f"{task.title}, {way}, ended with {spent.code}:\n{spent.out}\n{spent.err}")
    found = hashlib.sha256(b"" if task.results else spent.out.encode())
    for path in sorted({path for pattern in task.results for path in output.rglob(pattern) if path.is_file()}):
        found.update(f"{path.relative_to(output)}\n".encode() + path.read_bytes())
    return spent, found.hexdigest()[:16]


def line(title: str, rows: dict[str, Row]) -> list[str]:
    """Return a line of the table."""
    wall = {way: float(row["wall"]) for way, row in rows.items()}
    other = [way for way in WAYS if rows[way]["digest"] != rows[WAYS[0]]["digest"]]
    ratios = [wall[way] / wall["local:2"] for way in WAYS[:3]]
    seconds = [f"{wall[way]:.1f}" for way in WAYS]
    return [title, *seconds, *(f"{ratio:.2f}" for ratio in ratios), f"all but {', '.join(other)}" if other else "yes"]


def main() -> None:
    """Measure what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--again", action="store_true", help="measure everything again")
    options = parser.parse_args()
    if options.again:
        (FOLDER / "workers.csv").unlink(missing_ok=True)
    results = Results(FOLDER / "workers.csv", ("task", "way"))
    with tempfile.TemporaryDirectory(dir=".") as temporary:
        folder = Path(temporary).resolve()
        for count in (FEW, SOME, MANY):
            write_pairs(folder / f"{count}", count, SIDE)
        for task in tasks(folder):
            # All ways of a task next to each other: what else the machine does changes with time.
            missing = [way for way in WAYS if results.find(task.title, way) is None]
            for way in WAYS if missing else ():
                before = load()
                spent, digest = measure(task, way, folder)
                results.rows = [row for row in results.rows if (row["task"], row["way"]) != (task.title, way)]
                results.add(task=task.title, way=way, wall=spent.wall, digest=digest, load=before, machine=machine())
        if results.find(START, "local:2") is None:
            before = load()
            spent = run([], ("-c", "from matting.processes import on_dask\nwith on_dask('local:2'): pass"))
            results.add(task=START, way="local:2", wall=spent.wall, digest="", load=before, machine=machine())
    by_task: dict[str, dict[str, Row]] = {}
    for row in results.rows:
        by_task.setdefault(row["task"], {})[row["way"]] = row
    start = by_task.pop(START)["local:2"]
    loads = max(float(row["load"]) for row in results.rows)
    machines = "; ".join(sorted({row["machine"] for row in results.rows}))
    lines = [
        f"Images of {SIDE} x {SIDE} pixels, enlarged synthetic ones. {machines}, load before a task up to {loads:.1f}.",
        f"Seconds are of whole commands; starting a cluster of two workers alone takes {float(start['wall']):.1f}.",
    ]
    head = ["task", *WAYS, "one process / local:2", "plain / local:2", "local:1 / local:2", "equal bytes"]
    write_table(FOLDER / "workers.md", lines, head, [line(title, rows) for title, rows in by_task.items()])


if __name__ == "__main__":
    main()
