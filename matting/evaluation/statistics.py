"""How far a mean over test images can be trusted."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000

Scores: TypeAlias = Sequence[Sequence[float]] | NDArray[np.float64]
"""``(runs, images)``: a figure per training run and image."""


class Estimate(NamedTuple):
    """A mean over images with its 95 % confidence interval.

    Attributes:
        mean: Unweighted mean over the images.
        low: Lower end of the interval.
        high: Upper end of the interval.
        images: Their number.
    """

    mean: float
    low: float
    high: float
    images: int


def bootstrap_mean(values: Sequence[float] | NDArray[np.float64], seed: int = 0) -> Estimate:
    """Estimate a mean and its 95 % percentile bootstrap interval (Efron & Tibshirani 1993, ch. 13).

    Args:
        values: One finite figure per image.
        seed: Of the resampling: the same figures give the same interval.

    Returns:
        The estimate; a single image gives an interval of no width, which says nothing, so reports print their number.

    Raises:
        ValueError: No values, or values that are not finite.
    """
    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or not sample.size or not np.isfinite(sample).all():
        raise ValueError(f"expected one finite figure per image, found {values!r:.200}")
    low, high = np.quantile(_resampled_means(sample, seed), [0.025, 0.975])
    return Estimate(float(sample.mean()), float(low), float(high), sample.size)


def paired_difference(first: Sequence[float], second: Sequence[float], seed: int = 0) -> Estimate:
    """Estimate the mean of ``first - second`` over the same images.

    Images are resampled together, so what makes an image hard for both methods cancels: the interval is the one to
    judge a difference by, where two overlapping single intervals judge nothing.

    Args:
        first: One figure per image.
        second: The figures of the same images in the same order.
        seed: Of the resampling.

    Returns:
        The difference with its interval; zero outside it is the 5 % test.

    Raises:
        ValueError: The lengths differ, or as for `bootstrap_mean`.
    """
    if len(first) != len(second):
        raise ValueError(f"expected figures of the same images, found {len(first)} and {len(second)} of them")
    return bootstrap_mean(np.asarray(first, np.float64) - np.asarray(second, np.float64), seed)


def difference_over_seeds(first: Scores, second: Scores, seed: int = 0) -> Estimate:
    """Estimate the mean of ``first - second`` where training runs are a sample too.

    Images and runs are resampled with replacement, each level by itself and the runs of either side apart: every
    run has seen the same images, so the two levels are crossed (Bouthillier et al., MLSys 2021, on why both count).
    With few runs the interval is too narrow still, by about ``sqrt((n - 1) / n)`` in its part from the runs.

    Args:
        first: ``(runs, images)``: a figure per training run and image.
        second: ``(runs, images)`` of another method on the same images; one run for a method that is not trained.
        seed: Of the resampling.

    Returns:
        The difference with its interval; that of one run each is `paired_difference`.

    Raises:
        ValueError: Not two tables of finite figures for the same images.
    """
    tables = [np.asarray(scores, np.float64) for scores in (first, second)]
    if any(table.ndim != 2 or not table.size or not np.isfinite(table).all() for table in tables):
        raise ValueError(f"expected finite figures (runs, images), found shapes {[table.shape for table in tables]}")
    if tables[0].shape[1] != tables[1].shape[1]:
        found = " and ".join(str(table.shape[1]) for table in tables)
        raise ValueError(f"expected figures of the same images, found {found} of them")
    images = tables[0].shape[1]
    weights = _counts(images, seed) / images
    means = [np.mean(table) for table in tables]
    # The two sides get draws of their own: seed 1 of a method has nothing in common with seed 1 of another.
    draws = [_means_over_seeds(table, weights, seed + side) for side, table in enumerate(tables, start=1)]
    low, high = np.quantile(draws[0] - draws[1], [0.025, 0.975])
    return Estimate(float(means[0] - means[1]), float(low), float(high), images)


def mean_over_seeds(scores: Scores, seed: int = 0) -> Estimate:
    """Estimate a mean over training runs and images, both resampled as in `difference_over_seeds`.

    Args:
        scores: ``(runs, images)``: a figure per training run and image.
        seed: Of the resampling.

    Returns:
        The estimate; that of one run is `bootstrap_mean`.

    Raises:
        ValueError: As for `difference_over_seeds`.
    """
    return difference_over_seeds(scores, np.zeros_like(np.atleast_2d(np.asarray(scores, np.float64))[:1]), seed)


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, "Probable inference", JASA 1927): sound at 0, at 1, and for few trials.

    Args:
        hits: How often it happened.
        trials: Out of how many, at least one.

    Returns:
        Lower and upper end, in [0, 1].

    Raises:
        ValueError: No trials, or not between 0 and `trials` hits.
    """
    if not 0 <= hits <= trials or not trials:
        raise ValueError(f"expected between 0 and the number of trials, at least one, found {hits} of {trials}")
    z, share = 1.959963984540054, hits / trials
    centre = share + z * z / (2 * trials)
    half = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    low, high = (float((centre + sign * half) / (1 + z * z / trials)) for sign in (-1, 1))
    return max(0.0, low), min(1.0, high)


def _means_over_seeds(table: NDArray[np.float64], weights: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    runs = len(table)
    drawn = np.random.default_rng(seed).multinomial(runs, np.full(runs, 1 / runs), len(weights)) / runs
    means: NDArray[np.float64] = np.einsum("ds,dn,sn->d", drawn, weights, table, optimize=True)
    return means


def _resampled_means(sample: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    blocks = np.array_split(_counts(sample.size, seed), 20)
    return np.concatenate([block.astype(np.float64) @ sample for block in blocks]) / sample.size


@lru_cache(maxsize=16)
def _counts(images: int, seed: int) -> NDArray[np.uint8]:
    """Draw how often each image stands in each resample: the same for all metrics and methods of a group, so kept.

    A byte holds them: a count cannot pass the number of images, and beyond 255 images it is Poisson with mean 1.
    """
    generator, shares = np.random.default_rng(seed), np.full(images, 1 / images)
    blocks = [generator.multinomial(images, shares, RESAMPLES // 20).astype(np.uint8) for _ in range(20)]
    return np.concatenate(blocks)
