"""Recall and false rejects of the gates on planted defects: limits set on some people, figures on others.

    python experiments/curation/measure.py --people 160 --output experiments/curation

writes ``recall.csv``, ``checks.csv`` and ``table.md``, and ``matting/curation/limits.yaml`` with ``--write-limits``.
All pairs are drawn by code: no figure of these is one on real photographs.
"""

import argparse
import csv
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from planted import CLEAN, Planted, draw_planted
from rich.progress import track

from matting.cache import cache_dir
from matting.corpus.defects import DEFECTS
from matting.corpus.version import VERSION
from matting.curation.checks import CHECKS, LIMITS, measure, read_limits
from matting.curation.pair import AnnotatedPair
from matting.evaluation.statistics import wilson
from matting.images import read_alpha, read_rgb, write_atomic
from matting.processes import in_processes

OWN = {
    "small": ("low_resolution",),
    "underexposed": ("underexposed",),
    "overexposed": ("overexposed",),
    "blurred": ("blur",),
    "cloned": ("cloned",),
    "halo": ("halo",),
    "double_jpeg": ("jpeg_ghost",),
    "hard_cut": ("no_soft_edge",),
    "shifted": ("misplaced_edge",),
    "dilated": ("misplaced_edge",),
    "filled_holes": ("unsupported_edge",),
    "shadow_included": ("flat_translucency", "labelled_shadow"),
    "missing_limb": ("unsupported_edge",),
    "swapped": ("unsupported_edge",),
}
"""The checks that are there for a defect. Others have none here: `lost_strands` is for smooth mattes."""

SET = {"low_resolution": 1.0, "lost_strands": 0.12, "wrong_translucency": 0.25}
"""Limits that are not fitted: the article's; one between two real sets; one on labels that drawn pairs do not have."""

FIT, HELD_OUT = (0, 2, 3), 4  # people drawn with 1 were looked at while an earlier version was designed
FOUND = 0.95  # of a defect that a check should find
WORTH = 0.2  # more of a defect found, for which one clean pair of the fitting half may fail

Row = dict[str, str | int | float]


def score(pair: Planted, split: int) -> Row:
    """Measure one pair."""
    findings = measure(AnnotatedPair(read_rgb(pair.photo), read_alpha(pair.alpha)))
    values = {name: finding.score for name, finding in findings.items()}
    return {"split": split, "person": pair.person, "scenario": pair.scenario, "defect": pair.defect} | values


def score_person(person: int, split: int, folder: Path) -> list[Row]:
    """Draw and measure one person with all defects."""
    return [score(pair, split) for pair in draw_planted(folder, split, person)]


def fit_limits(rows: Sequence[Row]) -> dict[str, float]:
    """For each check, a limit above the clean pairs of the fitting half; see `_limit`.

    The highest clean score is passed over, as an outlier, where that finds `WORTH` more of a defect: false rejects are
    spent where they buy most, and nowhere else.
    """
    limits = {}
    for check in CHECKS:
        clean = np.sort(_scores(rows, CLEAN, check.name))
        own = [_scores(rows, defect, check.name) for defect, checks in OWN.items() if check.name in checks]
        strict, bold = _limit(clean, own), _limit(clean[:-1], own)
        gain = max(((scores > bold).mean() - (scores > strict).mean() for scores in own), default=0.0)
        limits[check.name] = bold if gain > WORTH else strict
    return limits | SET


def _limit(clean: NDArray[np.float64], own: Sequence[NDArray[np.float64]]) -> float:
    """A limit that no clean pair exceeds.

    It lies three quarters of the way from the highest clean score to the score that `FOUND` of a defect exceed, for the
    defects for which the second is larger: most pairs of a real set are clean. Where there is none, the check must not
    cost clean pairs: the limit is the highest clean score and as far again as this lies above their 95th percentile.

    Args:
        clean: Scores of clean pairs, ascending.
        own: Scores of each defect the check is there for.
    """
    reached = [score for scores in own if (score := float(np.quantile(scores, 1 - FOUND))) > clean[-1]]
    if reached:
        return float(clean[-1] + 0.75 * (min(reached) - clean[-1]))
    return float(2 * clean[-1] - np.quantile(clean, 0.95))


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


def _scores(rows: Iterable[Row], defect: str, name: str) -> NDArray[np.float64]:
    return np.array([row[name] for row in rows if row["defect"] == defect], float)


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    lines = [",".join(rows[0])]
    lines += [",".join(f"{v:.6g}" if isinstance(v, float) else str(v) for v in row.values()) for row in rows]
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


def _measure_all(split: int, people: int, workers: int, folder: Path) -> list[Row]:
    rows: list[Row] = []
    job = partial(score_person, split=split, folder=folder)
    for found in track(in_processes(job, range(people), workers), f"people {split}", people):
        rows += found
    _write_csv(folder / f"scores_{split}.csv", rows)
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
    parser.add_argument("--people", type=int, default=160, help="people drawn with each seed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    parser.add_argument("--reuse", action="store_true", help="take the scores of the last measurement")
    parser.add_argument("--write-limits", action="store_true", help="replace the limits that the project ships")
    options = parser.parse_args()
    folder = cache_dir() / f"planted-{VERSION}"
    scores = {
        split: _read_scores(folder / f"scores_{split}.csv")
        if options.reuse
        else _measure_all(split, options.people, options.workers, folder)
        for split in (*FIT, HELD_OUT)
    }
    fit, held_out = [row for split in FIT for row in scores[split]], scores[HELD_OUT]
    if options.write_limits:
        rounded = {name: float(f"{limit:.4g}") for name, limit in fit_limits(fit).items()}
        people = len({(row["split"], row["person"]) for row in fit})
        head = f"# Written by experiments/curation/measure.py: {people} people of demo corpus {VERSION}.\n"
        write_atomic(LIMITS, (head + "".join(f"{n}: {v}\n" for n, v in rounded.items())).encode())
    limits = read_limits(LIMITS)
    recall, precision = recall_rows(held_out, limits), precision_rows(held_out, limits)
    options.output.mkdir(parents=True, exist_ok=True)
    _write_csv(options.output / "recall.csv", recall)
    _write_csv(options.output / "checks.csv", precision)
    head = f"> **demo corpus {VERSION}, drawn by code: not real photographs**\n\n"
    page = f"{head}{_markdown(recall, precision)}\n{false_rows(held_out, limits)}"
    write_atomic(options.output / "table.md", page.encode())
    print((options.output / "table.md").read_text())


if __name__ == "__main__":
    main()
