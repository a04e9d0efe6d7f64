"""Robustness of methods to the corruptions of Matting-C: the images to score and the summary of the scores."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.data.test_sets.examples import Example, Pair
from matting.evaluation.corruptions import CORRUPTIONS, SIDE, Corruption, corrupt
from matting.evaluation.scoring import Evaluation
from matting.inference import resize

CLEAN = "clean"
"""Name of the set of images without a corruption, reduced like the others."""

SEVERITIES = range(1, 6)


class Degradation(NamedTuple):
    """The effect of one corruption on one method.

    Attributes:
        means: Mean error at severities 1 to 5; None without a score.
        ratios: Those means divided by the mean error on clean images; None where one is missing or that error is 0.
        relative: Mean of the ratios, 1 for a method that is not affected; None if one is missing.
    """

    means: tuple[float | None, ...]
    ratios: tuple[float | None, ...]
    relative: float | None


def corrupted_pairs(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """Yield every image clean and under every corruption at every severity.

    Args:
        pairs: Test images.

    Yields:
        For each image, pairs of the sets `CLEAN` and `condition`, without labels. Their long side is at most
        `matting.evaluation.corruptions.SIDE`, so that grain and blur are comparable between images of all sizes.
    """
    for pair in pairs:
        # The condition takes the place of the set, so the set moves to the name: two sets may share names.
        plain = replace(pair, name=f"{pair.dataset}/{pair.name}", tags=frozenset(), difficulty=None, subject=None)
        yield replace(plain, dataset=CLEAN, load=partial(_reduced, pair))
        for corruption in CORRUPTIONS:
            for severity in SEVERITIES:
                load = partial(_corrupted, pair, corruption, severity)
                yield replace(plain, dataset=condition(corruption, severity), load=load)


def condition(corruption: Corruption, severity: int) -> str:
    """Return the name of the set of images under one corruption at one severity."""
    return f"{corruption.name} {severity}"


def degradations(
    evaluation: Evaluation, method: str, region: str = "whole", metric: str = "mad"
) -> Mapping[str, Degradation]:
    """Summarise the scores of a method on `corrupted_pairs`.

    Args:
        evaluation: Scores on `corrupted_pairs`.
        method: Name of the method.
        region: ``whole`` or ``unknown``.
        metric: One of `matting.evaluation.scoring.METRICS`.

    Returns:
        The effect of each corruption, by its name.
    """
    scores = partial(evaluation.scores, method, region=region, metric=metric)
    clean = mean_of(scores(CLEAN))
    return {corruption.name: _degradation(corruption, scores, clean) for corruption in CORRUPTIONS}


def _degradation(corruption: Corruption, scores: Callable[[str], Sequence[float]], clean: float | None) -> Degradation:
    means = tuple(mean_of(scores(condition(corruption, severity))) for severity in SEVERITIES)
    ratios = tuple(mean / clean if clean and mean is not None else None for mean in means)
    return Degradation(means, ratios, mean_of(ratios))


def mean_of(values: Sequence[float | None]) -> float | None:
    """Return the mean of the values; None if one is missing or there are none."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None


def _corrupted(pair: Pair, corruption: Corruption, severity: int) -> Example:
    example = _reduced(pair)
    return example._replace(image=corrupt(example.image, corruption, severity, pair.name))


@lru_cache(maxsize=1)  # `corrupted_pairs` yields all conditions of one image in a row
def _reduced(pair: Pair) -> Example:
    """Load an image and reduce it to `SIDE`, without the true colours, which a corrupted image does not have."""
    example = pair.load()
    height, width = example.alpha.shape
    scale = min(1.0, SIDE / max(height, width))
    shape = (max(1, round(height * scale)), max(1, round(width * scale)))
    return Example(
        name=example.name,
        image=resize(example.image, shape),
        alpha=resize(example.alpha, shape),
        trimap=_nearest(example.trimap, shape),
        ignore=None if example.ignore is None else _nearest(example.ignore, shape),
    )


def _nearest(layer: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    # Trimaps and ignore masks are codes: between two of them there is none to interpolate.
    return np.asarray(cv2.resize(layer, shape[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
