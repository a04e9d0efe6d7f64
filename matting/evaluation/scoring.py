"""Scoring of methods on images, with one image in memory at a time."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple, TypeAlias, TypedDict

from matting.data.test_sets.examples import Example, Pair
from matting.errors import MattingError
from matting.evaluation.diagnosis import diagnose
from matting.evaluation.journal import Journal
from matting.evaluation.prediction import Method, predict
from matting.mattes import HARD, matte_doubts, trimap_doubts
from matting.metrics.definition import Protocol, Region
from matting.metrics.functional import all_metrics
from matting.metrics.inputs import region_mask
from matting.processes import in_processes

METRICS = ("sad", "mse", "mad", "grad", "conn")
Progress: TypeAlias = Callable[[Sequence[Pair]], Iterable[Pair]]
"""Yields what it is given and shows progress."""

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
    """An image that could not be scored, and why.

    Attributes:
        pair: The image.
        reason: The error.
        method: The method that failed on it; None if the image itself cannot be read, so that no method has scores.
    """

    pair: Pair
    reason: str
    method: str | None = None

    def __str__(self) -> str:
        """Return the image, the method and the reason in one line."""
        return f"{self.pair.name}{f', {self.method}' if self.method else ''}: {self.reason}"


class Doubt(NamedTuple):
    """A true matte or trimap that is unusual, and why; see `matting.mattes.matte_doubts` and `trimap_doubts`."""

    pair: Pair
    reason: str


@dataclass(frozen=True)
class Evaluation:
    """The result of `evaluate`.

    Attributes:
        rows: One per method, image and region, in the order of the images; none for an image without pixels in the
            region, such as a trimap without unknown pixels.
        diagnoses: One per method and image; none for images with an ignore mask.
        failures: Images left out for one method, or for all because they cannot be read.
        seconds: Time spent in each method, over all images, without loading and scoring.
        protocol: Metric definition, such as ``adobe``.
        doubts: What is unusual about true mattes.
    """

    rows: Sequence[Row]
    diagnoses: Sequence[Diagnosis]
    failures: Sequence[Failure]
    seconds: Mapping[str, float]
    protocol: Protocol
    doubts: Sequence[Doubt] = ()

    @property
    def methods(self) -> list[str]:
        """Names of the methods, in the order they were given."""
        return list(self.seconds)

    def scores(self, method: str, group: str, region: str, metric: str) -> list[float]:
        """Return one score per image of a group: the sample for a mean, an interval or a test."""
        return [scores[metric] for scores in self._samples.get((method, group, region), {}).values()]

    def scored(self, method: str) -> set[Pair]:
        """Return the images on which a method did not fail."""
        return {row.pair for row in self.rows if row.method == method}

    def common_scores(self, methods: Sequence[str], group: str, region: str, metric: str) -> list[list[float]]:
        """Return the scores of several methods on the images of a group on which none of them failed."""
        samples = [self._samples.get((method, group, region), {}) for method in methods]
        shared = [pair for pair in samples[0] if all(pair in sample for sample in samples)]
        return [[sample[pair][metric] for pair in shared] for sample in samples]

    @cached_property
    def _samples(self) -> Mapping[tuple[str, str, str], Mapping[Pair, Mapping[str, float]]]:
        # Indexed once, because a report asks for hundreds of cells, each with few of the rows.
        samples: dict[tuple[str, str, str], dict[Pair, Mapping[str, float]]] = {}
        for row in self.rows:
            for group in row.pair.groups:
                samples.setdefault((row.method, group, row.region), {})[row.pair] = row.scores
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
    progress: Progress = iter,
) -> Evaluation:
    """Score methods side by side.

    An image is loaded once, passed to every method, scored and dropped, so memory does not grow with the number of
    images. An image that cannot be read is left out for all methods. A method that fails on an image loses that image
    alone: tables show the number of images, and methods are compared on the images that both have. A region's mean is
    over the images that have pixels in it.

    Args:
        methods: Methods by name, the one under test first; see `matting.evaluation.methods`. They are called in this
            process, or on the cluster of `matting.processes.on_dask`.
        pairs: The test images.
        protocol: Metric definition; see `matting.metrics.functional`.
        journal: File in which scores are saved as they are computed, and from which earlier ones are read; optional.
        progress: Yields the test images and shows progress.

    Returns:
        Scores and failures.

    Raises:
        StorageError: The disk of the journal is full or read-only.
        ValueError: No method is given.
    """
    if not methods:
        raise ValueError("expected at least one method to evaluate, found none")
    rows: list[Row] = []
    diagnoses: list[Diagnosis] = []
    failures: list[Failure] = []
    doubts: list[Doubt] = []
    # With every method, even one that fails everywhere: the keys are `Evaluation.methods`.
    seconds = dict.fromkeys(methods, 0.0)
    pairs = list(pairs)
    for pair, kept in _recall_or_score(methods, pairs, protocol, journal, failures, progress):
        doubts += [Doubt(pair, reason) for reason in kept["doubts"]]
        for name, (elapsed, scores, diagnosis) in kept["scores"].items():
            seconds[name] += elapsed
            diagnoses += [Diagnosis(name, pair, diagnosis)] if diagnosis else []
            # One metric is enough: in a region without pixels none has a score.
            regions = [region for region in REGIONS if f"{METRICS[0]}/{region}" in scores]
            rows += [Row(name, pair, region, {m: scores[f"{m}/{region}"] for m in METRICS}) for region in regions]
    return Evaluation(rows, diagnoses, failures, seconds, protocol, doubts)


_Scores: TypeAlias = tuple[float, dict[str, float], dict[str, float]]
"""Seconds, scores by ``<metric>/<region>`` and the diagnosis of one method on one image."""


class _Kept(TypedDict):
    """What the journal keeps of an image: the scores of the methods that did not fail, and doubts about its matte."""

    scores: dict[str, _Scores]
    doubts: list[str]


class _Scored(NamedTuple):
    """What came of one image: scores, doubts, and reasons of failures by method, or under None for all methods."""

    scores: dict[str, _Scores]
    doubts: list[str]
    reasons: dict[str | None, str]


def _recall_or_score(
    methods: Mapping[str, Method],
    pairs: Sequence[Pair],
    protocol: Protocol,
    journal: Journal | None,
    failures: list[Failure],
    progress: Progress,
) -> Iterator[tuple[Pair, _Kept]]:
    """Yield the images that can be read with their scores, and collect the failures."""
    earlier: list[_Kept | None] = [None if journal is None else journal.recall(pair) for pair in pairs]
    lacking = [[name for name in methods if not kept or name not in kept["scores"]] for kept in earlier]
    work = [(index, names) for index, names in enumerate(lacking) if names]
    # The images are part of the job, which a cluster is sent once: what loads them may know the whole set.
    found = in_processes(partial(_score_pair, methods, pairs, protocol), work, 1, _lost)
    for index, pair in enumerate(progress(pairs)):
        kept = earlier[index]
        if lacking[index]:
            scored = next(found)
            failures += [Failure(pair, reason, name) for name, reason in scored.reasons.items()]
            if None in scored.reasons:
                continue
            known = kept["scores"] if kept else {}
            both = known | scored.scores
            kept = _Kept(scores={name: both[name] for name in methods if name in both}, doubts=scored.doubts)
            # Nothing is new if the methods that lacked a score have failed again.
            if journal is not None and scored.scores:
                journal.record(pair, kept)
        if kept:
            yield pair, kept


def _score_pair(
    methods: Mapping[str, Method], pairs: Sequence[Pair], protocol: Protocol, work: tuple[int, list[str]]
) -> _Scored:
    index, names = work
    try:
        example = pairs[index].example()
    except (MattingError, OSError) as error:
        return _Scored({}, [], {None: str(error)})
    scores: dict[str, _Scores] = {}
    reasons: dict[str | None, str] = {}
    for name in names:
        try:
            scores[name] = _score(methods[name], example, protocol)
        except (MattingError, OSError) as error:
            reasons[name] = str(error)
    doubts = [*matte_doubts(example.alpha), *trimap_doubts(example.alpha, example.trimap)]
    return _Scored(scores, [text for text in doubts if text != HARD], reasons)


def _lost(work: tuple[int, list[str]], reason: str) -> _Scored:
    return _Scored({}, [], {None: reason})


def _score(method: Method, example: Example, protocol: Protocol) -> _Scores:
    start = time.perf_counter()
    prediction = predict(method, example)
    elapsed = time.perf_counter() - start
    regions = [region for region in REGIONS if _has_pixels(example, region)]
    scores = all_metrics(
        prediction.alpha, example.alpha, example.trimap, regions=regions, protocol=protocol, ignore=example.ignore
    )
    # `diagnose` takes no ignore mask: pixels without annotation would count.
    return elapsed, scores, {} if example.ignore is not None else diagnose(example, prediction)


def _has_pixels(example: Example, region: Region) -> bool:
    mask = region_mask(example.alpha.shape, example.trimap, region, example.ignore)
    return mask is None or bool(mask.any())
