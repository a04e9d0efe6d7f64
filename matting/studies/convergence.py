"""Convergence of training: the number of steps until the validation error has fallen to a given value."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy import stats

from matting.evaluation import Estimate


def steps_to_reach(steps: Sequence[int], values: Sequence[float], target: float) -> float | None:
    """Return the number of optimiser steps after which a curve first reaches a value.

    Args:
        steps: Numbers of steps at which the error was measured, in increasing order.
        values: The errors; lower is better.
        target: The error to reach.

    Returns:
        Steps, linearly interpolated between two validations; None if the curve never reaches the value.
    """
    for k, value in enumerate(values):
        if value <= target:
            if k == 0:
                return float(steps[0])
            # The earlier value is above the target and this one is not: the divisor is above zero.
            share = (values[k - 1] - target) / (values[k - 1] - value)
            return float(steps[k - 1] + share * (steps[k] - steps[k - 1]))
    return None


def mean_over_runs(values: Sequence[float]) -> Estimate:
    """Estimate a mean over training runs with Student's 95 % interval, which is valid for few runs too.

    Args:
        values: One value per run; a single one gives an interval of zero width.

    Returns:
        The estimate; its `images` is the number of runs.
    """
    sample = np.asarray(values, np.float64)
    half = _quantile(sample.size - 1) * float(stats.sem(sample)) if sample.size > 1 else 0.0
    return Estimate(float(sample.mean()), float(sample.mean() - half), float(sample.mean() + half), sample.size)


def difference_over_runs(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Estimate the mean of ``first - second`` over training runs with Welch's 95 % interval.

    Args:
        first: One value per run, at least two.
        second: The values of other runs, at least two.

    Returns:
        The estimate; its `images` is the smaller number of runs.
    """
    samples = [np.asarray(values, np.float64) for values in (first, second)]
    errors = [float(sample.var(ddof=1)) / sample.size for sample in samples]
    mean = float(samples[0].mean() - samples[1].mean())
    total = sum(errors)
    # Without any variation the degrees of freedom would be 0 / 0.
    if total == 0:
        return Estimate(mean, mean, mean, min(len(first), len(second)))
    # Welch-Satterthwaite: not a whole number in general.
    freedom = total**2 / sum(e**2 / (sample.size - 1) for e, sample in zip(errors, samples, strict=True))
    half = _quantile(freedom) * sqrt(total)
    return Estimate(mean, mean - half, mean + half, min(len(first), len(second)))


def _quantile(freedom: float) -> float:
    return float(stats.t.ppf(0.975, freedom))
