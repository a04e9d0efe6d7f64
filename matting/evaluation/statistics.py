"""Confidence intervals of means over test images and training runs."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000

LARGE = 10_000
"""Images from which the interval of a mean is computed from the sample's skewness instead of by resampling.

There the two differ less than two sets of `RESAMPLES` do, while resampling takes 2 kB and 0.1 ms per image.
"""

_BLOCKS = 20  # of resamples; one is in memory at a time
_Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution

Scores: TypeAlias = Sequence[Sequence[float]] | NDArray[np.float64]
"""``(runs, images)``: one score per training run and image."""


class Estimate(NamedTuple):
    """A mean over images with its 95 % confidence interval.

    Attributes:
        mean: Unweighted mean over the images.
        low: Lower end of the interval.
        high: Upper end of the interval.
        images: Number of images.
    """

    mean: float
    low: float
    high: float
    images: int


def bootstrap_mean(values: Sequence[float] | NDArray[np.float64], seed: int = 0) -> Estimate:
    """Estimate a mean and its 95 % percentile bootstrap interval (Efron & Tibshirani 1993, ch. 13).

    From `LARGE` images the interval is the Cornish-Fisher expansion of the same distribution (Hall, "The Bootstrap and
    Edgeworth Expansion", 1992, ch. 2): that of a mean with the sample's variance and skewness.

    Args:
        values: One finite score per image.
        seed: Seed of the resampling; the same scores and seed give the same interval.

    Returns:
        The estimate. A single image gives an interval of zero width that means nothing, so reports print the number of
        images too.

    Raises:
        ValueError: There are no values, or some are not finite.
    """
    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or not sample.size or not np.isfinite(sample).all():
        raise ValueError(f"expected one finite score per image, found {values!r:.200}")
    if sample.size >= LARGE:
        return Estimate(float(sample.mean()), *_expanded(sample), sample.size)
    low, high = np.quantile(_resampled_means(sample, seed), [0.025, 0.975])
    return Estimate(float(sample.mean()), float(low), float(high), sample.size)


def paired_difference(first: Sequence[float], second: Sequence[float], seed: int = 0) -> Estimate:
    """Estimate the mean of ``first - second`` over the same images.

    Both methods are resampled with the same images, so what makes an image hard for both cancels. Judge a difference by
    this interval: whether the intervals of the two means overlap says little about it.

    Args:
        first: One score per image.
        second: Scores of the same images in the same order.
        seed: Seed of the resampling.

    Returns:
        The difference with its interval; it is significant at the 5 % level if zero is outside.

    Raises:
        ValueError: The lengths differ, there are no scores, or some are not finite.
    """
    if len(first) != len(second):
        raise ValueError(f"expected scores of the same images, found {len(first)} and {len(second)} of them")
    return bootstrap_mean(np.asarray(first, np.float64) - np.asarray(second, np.float64), seed)


def difference_over_seeds(first: Scores, second: Scores, seed: int = 0) -> Estimate:
    """Estimate the mean of ``first - second`` with an interval over both images and training runs.

    Images and runs are resampled with replacement, independently of each other, and the runs of the two sides
    separately: all runs are scored on the same images, so the two levels are crossed (on why both count, see
    Bouthillier et al., MLSys 2021). With few runs the interval is still too narrow, by a factor of about
    ``sqrt((n - 1) / n)`` in the part that comes from the runs.

    Args:
        first: ``(runs, images)`` scores of one method.
        second: ``(runs, images)`` scores of another method on the same images; one run for a method without training.
        seed: Seed of the resampling.

    Returns:
        The difference with its interval; for one run each it equals `paired_difference`.

    Raises:
        ValueError: The inputs are not two tables of finite scores on the same images.
    """
    tables = [np.asarray(scores, np.float64) for scores in (first, second)]
    if any(table.ndim != 2 or not table.size or not np.isfinite(table).all() for table in tables):
        raise ValueError(f"expected finite scores (runs, images), found shapes {[table.shape for table in tables]}")
    if tables[0].shape[1] != tables[1].shape[1]:
        found = " and ".join(str(table.shape[1]) for table in tables)
        raise ValueError(f"expected scores of the same images, found {found} of them")
    images = tables[0].shape[1]
    means = [np.mean(table) for table in tables]
    # Each side is resampled by itself: seed 1 of one method has nothing in common with seed 1 of another.
    runs = [_resampled_runs(len(table), seed + side) for side, table in enumerate(tables, start=1)]
    # One resampling of the images for both sides, which makes the comparison a paired one.
    by_run = zip(*([block @ table.T / images for table in tables] for block in _blocks(images, seed)), strict=True)
    resampled = [
        (counts * np.concatenate(blocks)).sum(axis=1) / len(table)
        for table, counts, blocks in zip(tables, runs, by_run, strict=True)
    ]
    low, high = np.quantile(resampled[0] - resampled[1], [0.025, 0.975])
    return Estimate(float(means[0] - means[1]), float(low), float(high), images)


def mean_over_seeds(scores: Scores, seed: int = 0) -> Estimate:
    """Estimate a mean over training runs and images, both resampled as in `difference_over_seeds`.

    Args:
        scores: ``(runs, images)``: one score per training run and image.
        seed: Seed of the resampling.

    Returns:
        The estimate; for one run it equals `bootstrap_mean`.

    Raises:
        ValueError: The scores are not a table of finite numbers.
    """
    # A run of zeros to subtract adds no variation of its own.
    return difference_over_seeds(scores, np.zeros_like(np.atleast_2d(np.asarray(scores, np.float64))[:1]), seed)


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share (Wilson, "Probable inference", JASA 1927).

    It is valid at shares of 0 and 1 and for few trials.

    Args:
        hits: Number of successes.
        trials: Number of trials, at least one.

    Returns:
        Lower and upper end in [0, 1].

    Raises:
        ValueError: There are no trials, or `hits` is not in 0..trials.
    """
    if not 0 <= hits <= trials or not trials:
        raise ValueError(f"expected at least one trial and 0 to that many hits, found {hits} of {trials}")
    z, share = _Z, hits / trials
    centre = share + z * z / (2 * trials)
    half = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    low, high = (float((centre + sign * half) / (1 + z * z / trials)) for sign in (-1, 1))
    # Rounding may put an end slightly outside.
    return max(0.0, low), min(1.0, high)


def _expanded(sample: NDArray[np.float64]) -> tuple[float, float]:
    """Return the quantiles 0.025 and 0.975 of the resampled mean from its first three cumulants."""
    spread = float(sample.std())
    if not spread:
        return float(sample[0]), float(sample[0])
    root = float(np.sqrt(sample.size))
    lean = float((((sample - sample.mean()) / spread) ** 3).mean()) / root * (_Z * _Z - 1) / 6
    low, high = (float(sample.mean()) + spread / root * (sign * _Z + lean) for sign in (-1, 1))
    return low, high


def _resampled_runs(runs: int, seed: int) -> NDArray[np.int64]:
    """Return how often each run occurs in each resample, ``(RESAMPLES, runs)``."""
    return np.random.default_rng(seed).multinomial(runs, np.full(runs, 1 / runs), RESAMPLES)


def _resampled_means(sample: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    return np.concatenate([block @ sample for block in _blocks(sample.size, seed)]) / sample.size


def _blocks(images: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each image occurs in each resample, ``(RESAMPLES / _BLOCKS, images)`` at a time."""
    counts = iter(_kept_counts(images, seed)) if images < LARGE else _counts(images, seed)
    return (block.astype(np.float64) for block in counts)


@lru_cache(maxsize=16)
def _kept_counts(images: int, seed: int) -> list[NDArray[np.uint8]]:
    """Cached, as all metrics and methods of a group share the resamples."""
    return list(_counts(images, seed))


def _counts(images: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield blocks of resamples; in blocks, as the generator counts in int64.

    One byte is enough: a count is at most the number of images, and beyond 255 images it is nearly Poisson with mean 1.
    """
    generator, shares = np.random.default_rng(seed), np.full(images, 1 / images)
    return (generator.multinomial(images, shares, RESAMPLES // _BLOCKS).astype(np.uint8) for _ in range(_BLOCKS))
