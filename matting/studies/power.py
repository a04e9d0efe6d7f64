"""How small a difference a study can see, estimated from repeated runs of one row."""

from itertools import combinations
from math import sqrt

import numpy as np
from scipy import stats

from matting.evaluation.statistics import Scores


def smallest_difference(scores: Scores, runs: int) -> float | None:
    """Estimate the smallest true difference that a study would show in four of five cases.

    Two rows of `runs` runs each, compared at the 5 % level as in `matting.evaluation.difference_over_seeds`. The
    standard error has two parts: means of runs differ between trainings, and the images are a sample. The usual formula
    for two means, with the normal distribution (Cohen, "Statistical Power Analysis", 1988, ch. 2), does the rest.

    Args:
        scores: ``(runs, images)``: scores of at least two runs of one row, which differ in their seed alone.
        runs: Number of runs of each row in the planned study.

    Returns:
        The difference, in the unit of the scores; None with fewer than two runs or images. From three runs it may be
        off by a factor of two.
    """
    table = np.asarray(scores, np.float64)
    if min(table.shape) < 2:
        return None
    training = 2 * table.mean(axis=1).var(ddof=1) / runs
    # Of runs of one row the true difference is 0 on every image; what it varies by is what a study averages over.
    between = np.mean([(one - other).var(ddof=1) for one, other in combinations(table, 2)])
    error = sqrt(training + between / (runs * table.shape[1]))
    return float((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * error)
