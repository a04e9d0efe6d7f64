"""The scores of a study, and the three CSV files that contain them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matting.errors import MattingError
from matting.evaluation import METRICS, REGIONS
from matting.files import read_csv, write_records

FINISHED = "finished"
FLOOR = "mean matte"
"""Last row of every table: the mean training matte, which a network must beat to have learnt anything."""

DEVIATION = "test/deviation_over_backgrounds"
"""Column of the mean standard deviation of alpha over backgrounds, see `matting.evaluation.background_invariance`."""

FACTS = ("overrides", "commit", "corpus", "protocol", "training", "hardware", "hours")
FILES = RUNS, IMAGES, CURVES = "runs.csv", "per_image.csv", "curves.csv"


class Run(NamedTuple):
    """One training run.

    Attributes:
        row: Name of the configuration: the overrides in which the runs of the study differ.
        seed: Seed of the training.
        state: `FINISHED`, or the reason why there are no scores.
        facts: The columns `FACTS`; for an unfinished run the overrides alone.
        metrics: Means over the test set by flat name, such as ``test/synthetic/unknown/sad``.
    """

    row: str
    seed: int
    state: str
    facts: Mapping[str, str]
    metrics: Mapping[str, float]


class Score(NamedTuple):
    """The five metrics of one run on one image in one region; seed -1 for the `FLOOR`."""

    row: str
    seed: int
    set: str
    name: str
    labels: frozenset[str]
    region: str
    values: tuple[float, ...]


class Point(NamedTuple):
    """The validation scores of one run after a number of optimiser steps, by flat name."""

    row: str
    seed: int
    steps: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Study:
    """The data of all tables and figures.

    Attributes:
        runs: All runs, the reference row first.
        scores: Test scores of all finished runs, and of the `FLOOR`.
        curve: Validation scores of all finished runs, in chronological order.
    """

    runs: Sequence[Run]
    scores: Sequence[Score]
    curve: Sequence[Point]

    @cached_property
    def finished(self) -> list[Run]:
        """Finished runs, which have scores."""
        return [run for run in self.runs if run.state == FINISHED]

    @cached_property
    def rows(self) -> list[str]:
        """Names of the rows that have scores; the first is the reference."""
        return list(dict.fromkeys(run.row for run in self.finished))

    def of(self, row: str) -> list[Run]:
        """Return the finished runs of a row."""
        return [run for run in self.finished if run.row == row]

    @cached_property
    def sets(self) -> list[str]:
        """Names of the test sets, in order of the images."""
        return list(dict.fromkeys(score.set for score in self.scores))

    @cached_property
    def regions(self) -> list[str]:
        """Regions in which there are scores: a test set may have no unknown pixels."""
        found = {score.region for score in self.scores}
        return [region for region in REGIONS if region in found]

    def on(self, name: str) -> "Study":
        """Return the study with the scores of one test set alone."""
        return replace(self, scores=[score for score in self.scores if score.set == name])

    @cached_property
    def seeds(self) -> list[int]:
        """All seeds, in order."""
        return sorted({run.seed for run in self.runs})

    def missing(self) -> list[str]:
        """Return one line per run without scores: unfinished runs, and combinations of row and seed without a run."""
        found = [f"{run.row}, seed {run.seed}: {run.state}" for run in self.runs if run.state != FINISHED]
        known = {(run.row, run.seed) for run in self.runs}
        rows = dict.fromkeys(run.row for run in self.runs)
        return found + [
            f"{row}, seed {s}: not among the runs" for row in rows for s in self.seeds if (row, s) not in known
        ]

    def table(self, row: str, region: str, metric: str, labels: frozenset[str] | None = None) -> NDArray[np.float64]:
        """Return one score per run and image of a row.

        Args:
            row: One of `rows`, or the `FLOOR`.
            region: ``whole`` or ``unknown``.
            metric: One of `matting.evaluation.METRICS`.
            labels: Select images with one of these labels, or from a test set with such a name; None selects all.

        Returns:
            ``(runs, images)`` float64; every run has the same images in the same order.
        """
        column = METRICS.index(metric)
        by_seed: dict[int, list[float]] = {}
        for score in self._scores_of.get((row, region), ()):
            if labels is None or (score.labels | {score.set}) & labels:
                by_seed.setdefault(score.seed, []).append(score.values[column])
        return np.array(list(by_seed.values()), np.float64)

    def curves(self, row: str, name: str) -> list[tuple[list[int], list[float]]]:
        """Return steps and validation scores of each run of a row, by the end of a flat name such as ``whole/sad``.

        Validations without that score, such as one without unknown pixels, are left out.
        """
        by_seed: dict[int, tuple[list[int], list[float]]] = {}
        for point in self.curve:
            found = [value for key, value in point.values.items() if key.endswith(name) and isfinite(value)]
            if point.row == row and found:
                steps, values = by_seed.setdefault(point.seed, ([], []))
                steps.append(point.steps)
                values.append(found[0])
        return list(by_seed.values())

    @cached_property
    def _scores_of(self) -> dict[tuple[str, str], list[Score]]:
        # Indexed once, because a page asks for many tables, each of few of the scores.
        found: dict[tuple[str, str], list[Score]] = {}
        for score in self.scores:
            found.setdefault((score.row, score.region), []).append(score)
        return found


def write_study(folder: Path, study: Study) -> None:
    """Write ``runs.csv``, ``per_image.csv`` and ``curves.csv``, each atomically.

    Args:
        folder: Target folder; created if missing.
        study: The scores, which are written with six digits.
    """
    runs = [{"row": r.row, "seed": r.seed, "state": r.state, **r.facts, **_printed(r.metrics)} for r in study.runs]
    scores = [
        {
            "row": score.row,
            "seed": score.seed,
            "set": score.set,
            "name": score.name,
            "labels": " ".join(sorted(score.labels)),
            "region": score.region,
            **_printed(dict(zip(METRICS, score.values, strict=True))),
        }
        for score in study.scores
    ]
    curve = [{"row": p.row, "seed": p.seed, "steps": p.steps, **_printed(p.values)} for p in study.curve]
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in zip(FILES, (runs, scores, curve), strict=True):
        write_records(folder / name, lines)


def read_study(folder: Path) -> Study:
    """Read the files that `write_study` writes.

    Args:
        folder: Folder of the files.

    Returns:
        The study.

    Raises:
        FileNotFoundError: If a file is missing.
        MattingError: If a file does not belong to a study.
    """
    try:
        runs = [
            Run(
                line["row"],
                int(line["seed"]),
                line["state"],
                {name: line[name] for name in FACTS if line.get(name)},
                _numbers(line, "test/"),
            )
            for line in read_csv(folder / RUNS)
        ]
        scores = [
            Score(
                *(line["row"], int(line["seed"]), line["set"], line["name"], frozenset(line["labels"].split())),
                line["region"],
                tuple(float(line[metric]) for metric in METRICS),
            )
            for line in read_csv(folder / IMAGES)
        ]
        curve = [
            Point(line["row"], int(line["seed"]), int(line["steps"]), _numbers(line, "val/"))
            for line in read_csv(folder / CURVES)
        ]
    except (KeyError, ValueError) as error:
        raise MattingError(f"{folder}: expected the CSV files that 'matting report' writes, found {error}") from error
    return Study(runs, scores, curve)


def _printed(values: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:.6g}" for name, value in values.items()}


def _numbers(line: Mapping[str, str], prefix: str) -> dict[str, float]:
    return {name: float(value) for name, value in line.items() if name.startswith(prefix) and value}
