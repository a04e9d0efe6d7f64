"""How fast training gets somewhere: steps until validation error has fallen to a given value."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy import stats

from matting.evaluation import Estimate


def steps_to_reach(steps: Sequence[int], values: Sequence[float], target: float) -> float | None:
    """Return after how many optimiser steps a curve first reaches a value.

    Args:
        steps: Increasing numbers of steps at which the error was measured.
        values: The error, lower is better.
        target: The error to reach.

    Returns:
        Steps, linearly interpolated between two validations; None where the curve never gets there.
    """
    for k, value in enumerate(values):
        if value <= target:
            if k == 0:
                return float(steps[0])
            share = (values[k - 1] - target) / (values[k - 1] - value)
            return float(steps[k - 1] + share * (steps[k] - steps[k - 1]))
    return None


def mean_over_runs(values: Sequence[float]) -> Estimate:
    """Estimate a mean over training runs with Student's 95 % interval, which few runs leave as wide as it is.

    Args:
        values: One figure per run; one alone gives an interval of no width.
    """
    sample = np.asarray(values, np.float64)
    half = _quantile(sample.size - 1) * float(stats.sem(sample)) if sample.size > 1 else 0.0
    return Estimate(float(sample.mean()), float(sample.mean() - half), float(sample.mean() + half), sample.size)


def difference_over_runs(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Estimate the mean of ``first - second`` over training runs with Welch's 95 % interval.

    Args:
        first: One figure per run, two runs at least.
        second: The figures of other runs, two at least.
    """
    samples = [np.asarray(values, np.float64) for values in (first, second)]
    errors = [float(sample.var(ddof=1)) / sample.size for sample in samples]
    mean = float(samples[0].mean() - samples[1].mean())
    total = sum(errors)
    if total == 0:
        return Estimate(mean, mean, mean, min(len(first), len(second)))
    freedom = total**2 / sum(e**2 / (sample.size - 1) for e, sample in zip(errors, samples, strict=True))
    half = _quantile(freedom) * sqrt(total)
    return Estimate(mean, mean - half, mean + half, min(len(first), len(second)))


def _quantile(freedom: float) -> float:
    return float(stats.t.ppf(0.975, freedom))
