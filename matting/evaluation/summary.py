"""Summaries of the scores per image: the means that tables, logs and dashboards show."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from matting.evaluation.diagnosis import QUANTITIES
from matting.evaluation.scoring import METRICS, REGIONS, Evaluation
from matting.evaluation.statistics import Estimate, bootstrap_mean, paired_difference


class Cell(NamedTuple):
    """One cell of a result table.

    Attributes:
        group: Name of a test set, or ``set.tag``.
        region: ``whole`` or ``unknown``.
        metric: One of `METRICS`.
        estimate: Mean over the group's images with its 95 % interval.
    """

    group: str
    region: str
    metric: str
    estimate: Estimate


def cells(evaluation: Evaluation, method: str, baseline: str | None = None) -> Iterator[Cell]:
    """Estimate every cell of one method's table, or of the table of its differences from a baseline.

    Args:
        evaluation: The scores.
        method: Name of the method.
        baseline: Another method of the same evaluation; each cell is then the paired difference ``method - baseline``.

    Yields:
        Cells in the order of groups, regions, metrics; none where no image has a score.
    """
    for group in evaluation.groups:
        for region in REGIONS:
            for metric in METRICS:
                compared = [method] if baseline is None else [method, baseline]
                samples = evaluation.common_scores(compared, group, region, metric)
                if samples[0]:
                    estimate = (
                        bootstrap_mean(samples[0]) if baseline is None else paired_difference(samples[0], samples[1])
                    )
                    yield Cell(group, region, metric, estimate)


def summarise(evaluation: Evaluation, method: str, split: str = "test") -> dict[str, float]:
    """Return one method's means under the names that every log, table and dashboard uses.

    Args:
        evaluation: The scores.
        method: Name of the method.
        split: First part of the names.

    Returns:
        ``<split>/<set>/<region>/<metric>`` to mean, such as ``test/synthetic/unknown/sad``; labels are
        ``<set>.<tag>``.
    """
    return {
        f"{split}/{cell.group}/{cell.region}/{cell.metric}": cell.estimate.mean for cell in cells(evaluation, method)
    }


def mean_diagnosis(evaluation: Evaluation, method: str) -> dict[str, float | None]:
    """Average the diagnoses of a method over images, each quantity over the images that have it.

    Args:
        evaluation: The scores.
        method: Name of the method.

    Returns:
        Means under the names of `matting.evaluation.diagnosis.diagnose`; None for a quantity that no image has.
    """
    found = [diagnosis.values for diagnosis in evaluation.diagnoses if diagnosis.method == method]
    means: dict[str, float | None] = {}
    for name in QUANTITIES:
        values = [diagnosed[name] for diagnosed in found if not math.isnan(diagnosed[name])]
        means[name] = sum(values) / len(values) if values else None
    return means
