"""Scoring of methods on images, with one image in memory at a time."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from matting.data.test_sets.examples import Example, Pair
from matting.errors import MattingError
from matting.evaluation.diagnosis import diagnose
from matting.evaluation.journal import Journal
from matting.evaluation.prediction import Method, predict
from matting.metrics.definition import Protocol, Region
from matting.metrics.functional import all_metrics

METRICS = ("sad", "mse", "mad", "grad", "conn")
REGIONS: tuple[Region, ...] = ("whole", "unknown")


class Row(NamedTuple):
    """The scores of one method on one image in one region.

    Attributes:
        method: Name of the method.
        pair: The image.
        region: ``whole`` or ``unknown``.
        scores: The metrics of `METRICS` by name.
    """

    method: str
    pair: Pair
    region: str
    scores: Mapping[str, float]


class Diagnosis(NamedTuple):
    """Where the error of one method on one image is: the result of `matting.evaluation.diagnosis.diagnose`."""

    method: str
    pair: Pair
    values: Mapping[str, float]


class Failure(NamedTuple):
    """An image that could not be scored, and why."""

    pair: Pair
    reason: str


@dataclass(frozen=True)
class Evaluation:
    """The result of `evaluate`.

    Attributes:
        rows: One per method, image and region, in the order of the images. All methods have the same images.
        diagnoses: One per method and image; none for images with an ignore mask.
        failures: Images left out for all methods, because reading or predicting them failed.
        seconds: Time spent in each method, over all images, without loading and scoring.
        protocol: Metric definition, such as ``adobe``.
    """

    rows: Sequence[Row]
    diagnoses: Sequence[Diagnosis]
    failures: Sequence[Failure]
    seconds: Mapping[str, float]
    protocol: Protocol

    @property
    def methods(self) -> list[str]:
        """Names of the methods, in the order they were given."""
        return list(self.seconds)

    def scores(self, method: str, group: str, region: str, metric: str) -> list[float]:
        """Return one score per image of a group: the sample for a mean, an interval or a test."""
        return [scores[metric] for scores in self._samples.get((method, group, region), ())]

    @cached_property
    def _samples(self) -> Mapping[tuple[str, str, str], Sequence[Mapping[str, float]]]:
        # Indexed once, because a report asks for hundreds of cells, each with few of the rows.
        samples: dict[tuple[str, str, str], list[Mapping[str, float]]] = {}
        for row in self.rows:
            for group in row.pair.groups:
                samples.setdefault((row.method, group, row.region), []).append(row.scores)
        return samples

    @cached_property
    def pairs(self) -> list[Pair]:
        """The scored images, in the order they were given."""
        return list(dict.fromkeys(row.pair for row in self.rows))

    @cached_property
    def sets(self) -> list[str]:
        """Names of the test sets, sorted."""
        return sorted({row.pair.dataset for row in self.rows})

    @cached_property
    def groups(self) -> list[str]:
        """Names of the test sets, each followed by its labels: ``synthetic``, ``synthetic.glasses``, …"""
        return sorted({group for _, group, _ in self._samples})


def evaluate(
    methods: Mapping[str, Method],
    pairs: Iterable[Pair],
    *,
    protocol: Protocol = "adobe",
    journal: Journal | None = None,
) -> Evaluation:
    """Score methods side by side on a stream of images.

    An image is loaded once, passed to every method, scored and dropped, so memory does not grow with the number of
    images. An image that cannot be read, or on which one method fails, is left out for all methods, so that means stay
    comparable.

    Args:
        methods: Methods by name, the one under test first; see `matting.evaluation.methods`.
        pairs: The test images; any iterable, such as one wrapped in a progress bar.
        protocol: Metric definition; see `matting.metrics.functional`.
        journal: File in which scores are saved as they are computed, and from which earlier ones are read; optional.

    Returns:
        Scores and failures.

    Raises:
        ValueError: No method is given.
    """
    if not methods:
        raise ValueError("expected at least one method to evaluate, found none")
    rows: list[Row] = []
    diagnoses: list[Diagnosis] = []
    failures: list[Failure] = []
    seconds = dict.fromkeys(methods, 0.0)
    for pair in pairs:
        try:
            scored = _recall_or_score(methods, pair, protocol, journal)
        except (MattingError, OSError) as error:
            failures.append(Failure(pair, str(error)))
            continue
        for name, (elapsed, scores, diagnosis) in scored.items():
            seconds[name] += elapsed
            diagnoses += [Diagnosis(name, pair, diagnosis)] if diagnosis else []
            rows += [Row(name, pair, region, {m: scores[f"{m}/{region}"] for m in METRICS}) for region in REGIONS]
    return Evaluation(rows, diagnoses, failures, seconds, protocol)


_Scores: TypeAlias = tuple[float, dict[str, float], dict[str, float]]
"""Seconds, scores by ``<metric>/<region>`` and the diagnosis of one method on one image."""


def _recall_or_score(
    methods: Mapping[str, Method], pair: Pair, protocol: Protocol, journal: Journal | None
) -> dict[str, _Scores]:
    kept: dict[str, _Scores] | None = journal.recall(pair) if journal is not None else None
    if kept is not None:
        return kept
    example = pair.load()
    scored = {name: _score(name, method, example, protocol) for name, method in methods.items()}
    if journal is not None:
        journal.record(pair, scored)
    return scored


def _score(name: str, method: Method, example: Example, protocol: Protocol) -> _Scores:
    start = time.perf_counter()
    prediction = predict(method, example)
    elapsed = time.perf_counter() - start
    alpha = prediction.alpha
    if alpha.shape != example.alpha.shape:
        found, wanted = ("x".join(map(str, matte.shape[::-1])) for matte in (alpha, example.alpha))
        raise MattingError(f"{example.name}: expected a matte of {wanted} from '{name}', found {found}; resize it")
    scores = all_metrics(
        alpha, example.alpha, example.trimap, regions=REGIONS, protocol=protocol, ignore=example.ignore
    )
    return elapsed, scores, {} if example.ignore is not None else diagnose(example, prediction)
