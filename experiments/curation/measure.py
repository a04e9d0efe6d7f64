"""Recall and false rejects of the gates on planted defects: limits set on one half, figures on the other.

    python experiments/curation/measure.py --people 200 --output experiments/curation

writes ``recall.csv``, ``checks.csv`` and ``table.md``, and ``matting/curation/limits.yaml`` with ``--write-limits``.
All pairs are drawn by code: no figure of these is one on real photographs.
"""

import argparse
import csv
import io
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from planted import CLEAN, Planted, draw_planted
from rich.progress import track

from matting.cache import cache_dir
from matting.corpus.defects import DEFECTS
from matting.curation.checks import CHECKS, LIMITS, measure, read_limits
from matting.curation.pair import AnnotatedPair
from matting.evaluation.statistics import wilson
from matting.images import read_alpha, read_rgb, write_atomic

OWN = {
    "small": ("low_resolution",),
    "underexposed": ("underexposed",),
    "overexposed": ("overexposed",),
    "blurred": ("blur",),
    "cloned": ("cloned",),
    "halo": ("halo",),
    "double_jpeg": ("jpeg_ghost",),
    "hard_cut": ("no_soft_edge", "lost_strands"),
    "shifted": ("misplaced_edge",),
    "dilated": ("misplaced_edge",),
    "filled_holes": ("unsupported_edge",),
    "shadow_included": ("flat_translucency", "labelled_shadow"),
    "missing_limb": ("unsupported_edge",),
    "swapped": ("unsupported_edge",),
}
"""The checks that are there for a defect."""

FIT, HELD_OUT = 0, 1
FALSE_COST = 50.0  # two in a hundred clean pairs failed weigh as much as all of a defect missed
SURE = 0.85

Row = dict[str, str | int | float]


def score(pair: Planted, split: int) -> Row:
    """Measure one pair."""
    findings = measure(AnnotatedPair(read_rgb(pair.photo), read_alpha(pair.alpha)))
    values = {name: finding.score for name, finding in findings.items()}
    return {"split": split, "person": pair.person, "scenario": pair.scenario, "defect": pair.defect} | values


def score_person(person: int, split: int, folder: Path) -> list[Row]:
    """Draw and measure one person with all defects."""
    cv2.setNumThreads(1)
    return [score(pair, split) for pair in draw_planted(folder, split, person)]


def fit_limits(rows: Sequence[Row]) -> dict[str, float]:
    """For each check, the middle of the limits that cost least on the fitting half.

    The cost is the share of its own defects missed plus `FALSE_COST` times the share of clean pairs failed. A check
    that finds less than `SURE` of its defects so, or has none, is not worth clean pairs: its limit is the highest clean
    score and half the way again that this lies above their 95th percentile.
    """
    limits = {}
    for check in CHECKS:
        clean = _scores(rows, [CLEAN], check.name)
        own = _scores(rows, [defect for defect, checks in OWN.items() if check.name in checks], check.name)
        limit = _cheapest(clean, own) if own.size else 0.0
        if not own.size or (own > limit).mean() < SURE:
            limit = clean.max() + (clean.max() - np.quantile(clean, 0.95)) / 2
        limits[check.name] = float(limit)
    return limits | {"low_resolution": 1.0}  # the article's, not fitted


def _cheapest(clean: NDArray[np.float64], own: NDArray[np.float64]) -> float:
    values = np.unique(np.concatenate([clean, own]))
    edges = np.concatenate([values, [values[-1] + 1]])
    costs = np.array([(own <= v).mean() + FALSE_COST * (clean > v).mean() for v in values])
    best = np.flatnonzero(np.isclose(costs, costs.min()))
    return float((edges[best[0]] + edges[best[-1] + 1]) / 2)


def recall_rows(rows: Sequence[Row], limits: dict[str, float]) -> list[Row]:
    """Recall of every defect, by its own checks and by any, and the false rejects of clean pairs."""
    table: list[Row] = []
    for defect in [CLEAN, *DEFECTS]:
        chosen = [row for row in rows if row["defect"] == defect]
        own = sum(any(row[name] > limits[name] for name in OWN.get(defect, ())) for row in chosen)
        any_check = sum(any(row[check.name] > limits[check.name] for check in CHECKS) for row in chosen)
        low, high = wilson(any_check, len(chosen))
        own_low, own_high = wilson(own, len(chosen))
        table.append(
            {"defect": defect, "pairs": len(chosen), "own": own, "own_low": own_low, "own_high": own_high}
            | {"any": any_check, "any_low": low, "any_high": high}
        )
    return table


def precision_rows(rows: Sequence[Row], limits: dict[str, float]) -> list[Row]:
    """For each check: how many pairs fail it, and for how many of these it is one of the defect's own checks."""
    table: list[Row] = []
    for check in CHECKS:
        hits = [row for row in rows if row[check.name] > limits[check.name]]
        right = sum(check.name in OWN.get(str(row["defect"]), ()) for row in hits)
        false = sum(row["defect"] == CLEAN for row in hits)
        low, high = wilson(right, len(hits)) if hits else (0.0, 1.0)
        table.append(
            {"check": check.name, "limit": limits[check.name], "failed": len(hits), "own": right, "own_low": low}
            | {"own_high": high, "clean": false}
        )
    return table


def _scores(rows: Iterable[Row], defects: Sequence[str], name: str) -> NDArray[np.float64]:
    return np.array([row[name] for row in rows if row["defect"] in defects], float)


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    lines = [",".join(rows[0])]
    lines += [",".join(f"{v:.5g}" if isinstance(v, float) else str(v) for v in row.values()) for row in rows]
    write_atomic(path, ("\n".join(lines) + "\n").encode())


def _markdown(recall: Sequence[Row], precision: Sequence[Row]) -> str:
    lines = ["| defect | pairs | found by its own checks | found by any check |", "| --- | --: | --: | --: |"]
    for row in recall:
        own = "" if row["defect"] == CLEAN else _share(row, "own", "pairs")
        lines.append(f"| {row['defect']} | {row['pairs']} | {own} | {_share(row, 'any', 'pairs')} |")
    lines += ["", "| check | limit | pairs that fail | of these its own defect | of these clean |"]
    lines += ["| --- | --: | --: | --: | --: |"]
    for row in precision:
        own = _share(row, "own", "failed") if row["failed"] else "none"
        lines.append(f"| {row['check']} | {row['limit']:.3g} | {row['failed']} | {own} | {row['clean']} |")
    return "\n".join(lines) + "\n"


def false_rows(rows: Sequence[Row], limits: dict[str, float]) -> str:
    """The clean pairs that fail, with their scenario, as Markdown."""
    lines = ["| clean pair | scenario | fails |", "| --- | --- | --- |"]
    for row in rows:
        names = [check.name for check in CHECKS if row[check.name] > limits[check.name]]
        if row["defect"] == CLEAN and names:
            lines.append(f"| {row['person']:.0f} | {row['scenario']} | {', '.join(names)} |")
    return "\n".join(lines) + "\n"


def _share(row: Row, name: str, of: str) -> str:
    return f"{100 * row[name] / row[of]:.1f} % [{100 * row[f'{name}_low']:.1f}, {100 * row[f'{name}_high']:.1f}]"


def _measure_all(people: int, workers: int, folder: Path) -> list[Row]:
    rows: list[Row] = []
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for split in (FIT, HELD_OUT):
            for found in track(
                pool.map(partial(score_person, split=split, folder=folder), range(people)), total=people
            ):
                rows += found
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_atomic(folder / "scores.csv", text.getvalue().encode())
    return rows


def _read_scores(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return [
            {name: value if name in ("scenario", "defect") else float(value) for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


def main() -> None:
    """Draw, measure, fit, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=200, help="people drawn for each half")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    parser.add_argument("--reuse", action="store_true", help="take the scores of the last measurement")
    parser.add_argument("--write-limits", action="store_true", help="replace the limits that the project ships")
    options = parser.parse_args()
    folder = cache_dir() / "planted"
    rows = (
        _read_scores(folder / "scores.csv") if options.reuse else _measure_all(options.people, options.workers, folder)
    )
    fit, held_out = ([row for row in rows if row["split"] == split] for split in (FIT, HELD_OUT))
    if options.write_limits:
        rounded = {name: float(f"{limit:.4g}") for name, limit in fit_limits(fit).items()}
        head = f"# Written by experiments/curation/measure.py: {len({row['person'] for row in fit})} drawn people.\n"
        write_atomic(LIMITS, (head + "".join(f"{n}: {v}\n" for n, v in rounded.items())).encode())
    limits = read_limits(LIMITS)
    recall, precision = recall_rows(held_out, limits), precision_rows(held_out, limits)
    options.output.mkdir(parents=True, exist_ok=True)
    _write_csv(options.output / "recall.csv", recall)
    _write_csv(options.output / "checks.csv", precision)
    write_atomic(
        options.output / "table.md", f"{_markdown(recall, precision)}\n{false_rows(held_out, limits)}".encode()
    )
    print((options.output / "table.md").read_text())


if __name__ == "__main__":
    main()
