"""Measure commands on ten times as many pairs at each step: ``python experiments/scale/growth.py``.

A repeated call resumes: it measures what growth.csv lacks.
"""

import argparse
import math
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from commands import MATTING, Results, Row, load, machine, run, write_table
from pairs import SIDE, write_pairs

FOLDER = Path(__file__).parent
LINEAR = 1.1
"""Largest slope of a linear growth: log of time against log of pairs."""


def tasks(root: Path, output: Path) -> Iterator[tuple[str, tuple[str, ...], list[object]]]:
    """Yield the title of each task, the program, and its arguments."""
    pairs, curation, shards = ["pairs", root], output / "curation", output / "shards"
    mattes = ["--images", root / "image", "--alphas", root / "alpha", "--predictions", root / "predicted"]
    rules = (f"{FOLDER / 'without_critic.py'}",)
    yield "data verify", MATTING, ["data", "verify", *pairs]
    yield "curate run", rules, ["curate", "run", *pairs, "-o", curation]
    yield "curate run, repeated", rules, ["curate", "run", *pairs, "-o", curation]
    yield "data pack", MATTING, ["data", "pack", *pairs, "-o", shards, "--shard-size", 1]
    yield "data verify of the shards", MATTING, ["data", "verify", "hf_dataset", shards]
    yield "evaluate", MATTING, ["evaluate", *mattes, "-o", output / "evaluation"]


def measure(folder: Path, count: int, results: Results) -> None:
    """Measure all tasks on so many pairs."""
    root, output = folder / f"{count}", folder / f"{count}-results"
    for task, program, arguments in tasks(root, output):
        if results.find(task, count):
            continue
        if not root.is_dir():
            write_pairs(root, count)
        if "-o" in arguments and "repeated" not in task:  # what an interrupted measurement left would be kept
            shutil.rmtree(str(arguments[arguments.index("-o") + 1]), ignore_errors=True)
        before = load()
        spent = run(arguments, program)
        # Among so many rendered people some look alike, which 'data verify' reports as a leak between splits.
        if spent.code and not task.startswith("data verify"):
            raise SystemExit(f"{task} of {count} pairs ended with {spent.code}:\n{spent.out}\n{spent.err}")
        numbers = {name: getattr(spent, name) for name in ("wall", "processor", "main", "worker", "written")}
        results.add(task=task, pairs=count, **numbers, load=before, machine=machine())


def line(row: Row, earlier: Row | None) -> list[str]:
    """Return a line of the table; growth is over the step from an earlier measurement."""
    numbers = {name: float(row[name]) for name in ("pairs", "wall", "processor", "main", "worker", "written")}
    grown = ["", "", ""]
    if earlier:
        more = numbers["pairs"] - float(earlier["pairs"])
        slope = math.log(numbers["processor"] / float(earlier["processor"]), numbers["pairs"] / float(earlier["pairs"]))
        memory = 1e3 * (numbers["main"] - float(earlier["main"])) / more
        each = 1e3 * (numbers["processor"] - float(earlier["processor"])) / more
        grown = [f"{each:.2f}", f"{slope:.2f}", f"{memory:.1f}"]
    cells = [f"{numbers['pairs']:,.0f}", f"{numbers['wall']:.1f}", f"{numbers['processor']:.1f}", *grown[:2]]
    worker = f"{numbers['worker']:.0f}" if numbers["worker"] else ""
    return [row["task"], *cells, f"{numbers['main']:.0f}", grown[2], worker, f"{numbers['written']:.1f}"]


def main() -> None:
    """Measure what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=100_000, help="pairs; 100 are the least")
    parser.add_argument("--folder", type=Path, help="where pairs and results are kept; a temporary one by default")
    parser.add_argument("--again", action="store_true", help="measure everything again")
    options = parser.parse_args()
    if options.again:
        (FOLDER / "growth.csv").unlink(missing_ok=True)
    results = Results(FOLDER / "growth.csv", ("task", "pairs"))
    sizes = [10**power for power in range(2, 1 + round(math.log10(options.largest)))]
    with tempfile.TemporaryDirectory(dir=".") as temporary:
        folder = options.folder or Path(temporary)
        for count in sizes:
            measure(folder, count, results)
    found: dict[str, list[Row]] = {}
    for row in results.rows:
        found.setdefault(row["task"], []).append(row)
    rows = [line(row, before) for task in found.values() for before, row in zip([None, *task], task, strict=False)]
    steep = [f"{row[0]} ({row[5]})" for row in rows if row[5] and float(row[5]) > LINEAR]
    machines = sorted({f"{row['machine']}, load before a task up to {peak(results.rows)}" for row in results.rows})
    lines = [
        f"Synthetic pairs of {SIDE} x {SIDE} pixels. {'; '.join(machines)}.",
        f"Steeper than linear (slope above {LINEAR}): {', '.join(steep) or 'none'}.",
    ]
    times = ("seconds", "of processors", "ms per further pair", "slope")
    memory = ("MB, main", "kB per further pair", "MB, a worker", "MB written")
    write_table(FOLDER / "growth.md", lines, ["task", "pairs", *times, *memory], rows)


def peak(rows: list[Row]) -> str:
    """Return the largest load before a task."""
    return f"{max(float(row['load']) for row in rows):.1f}"


if __name__ == "__main__":
    main()
