"""Result tables as text, for both the Markdown and the HTML report."""

from collections.abc import Sequence
from typing import NamedTuple

from matting.evaluation.diagnosis import HOLE_AREA, HOLES, PLACES
from matting.evaluation.scoring import METRICS, REGIONS, Evaluation
from matting.evaluation.statistics import Estimate, bootstrap_mean, paired_difference
from matting.evaluation.summary import mean_diagnosis

# MSE and MAD in thousandths, as in the literature; the other three are sums divided by 1000 already.
SCALE = {"sad": 1.0, "mse": 1000.0, "mad": 1000.0, "grad": 1.0, "conn": 1.0}
TITLE = {"sad": "SAD", "mse": "MSE · 10³", "mad": "MAD · 10³", "grad": "Grad", "conn": "Conn"}
NO_VALUE = "none"
"""Cell text where no image has a value."""

REGION_TITLE = {"whole": "whole image", "unknown": "unknown region"}


class Table(NamedTuple):
    """A table ready to print.

    Attributes:
        title: Title of the table.
        header: Column names; the first column contains the names of the rows.
        rows: One string per column, for each row.
    """

    title: str
    header: list[str]
    rows: list[list[str]]


def method_tables(evaluation: Evaluation) -> list[Table]:
    """Compare the methods on every test set, one table per set and region, with 95 % intervals."""
    return [
        Table(
            f"{group}, {REGION_TITLE[region]}",
            ["method", *metric_titles(), "images"],
            [_row(evaluation, method, method, group, region) for method in evaluation.methods],
        )
        for group in evaluation.sets
        for region in REGIONS
    ]


def label_tables(evaluation: Evaluation, method: str) -> list[Table]:
    """Break down the scores of a method by label, one table per region; no table if no image has a label."""
    labels = [group for group in evaluation.groups if group not in evaluation.sets]
    if not labels:
        return []
    return [
        Table(
            f"{method} by label, {REGION_TITLE[region]}",
            ["label", *metric_titles(), "images"],
            [_row(evaluation, group, method, group, region) for group in labels],
        )
        for region in REGIONS
    ]


def difference_tables(evaluation: Evaluation) -> list[Table]:
    """Compare the first method with every other by paired differences on the same images, with 95 % intervals."""
    first, *others = evaluation.methods
    return [
        Table(
            f"{first} minus the others, {group}, {REGION_TITLE[region]} (below zero: {first} is better)",
            ["other method", *metric_titles(), "images"],
            [[other, *_differences(evaluation, first, other, group, region)] for other in others],
        )
        for group in evaluation.sets
        for region in REGIONS
        if others
    ]


def diagnosis_tables(evaluation: Evaluation) -> list[Table]:
    """Show where the error of each method is, over all sets; no table if every image has an ignore mask."""
    if not evaluation.diagnoses:
        return []
    scale = {HOLES: 1.0, HOLE_AREA: 100.0}
    rows = []
    for method in evaluation.methods:
        means = mean_diagnosis(evaluation, method)
        rows.append([method, *(plain(means[name], scale.get(name, 1000.0)) for name in PLACES)])
    title = "Where the error is: MAD · 10³ by true alpha and by distance to the edge, holes in the sure foreground"
    return [Table(title, ["method", *PLACES[:-1], f"{HOLE_AREA}, %"], rows)]


def to_markdown(table: Table) -> str:
    """Format a table as GitHub-flavoured Markdown under a level-3 heading."""
    lines = [table.header, ["---"] + ["---:"] * (len(table.header) - 1), *table.rows]
    return f"### {table.title}\n\n" + "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    # A bar in a name would begin another cell.
    return text.replace("|", "\\|")


def metric_titles() -> list[str]:
    """Return the column names of the five metrics."""
    return [TITLE[metric] for metric in METRICS]


def _row(evaluation: Evaluation, name: str, method: str, group: str, region: str) -> list[str]:
    samples = [evaluation.scores(method, group, region, metric) for metric in METRICS]
    texts = [estimated(sample, SCALE[metric]) for metric, sample in zip(METRICS, samples, strict=True)]
    return [name, *texts, str(len(samples[0]))]


def _differences(evaluation: Evaluation, first: str, other: str, group: str, region: str) -> list[str]:
    samples = [evaluation.common_scores([first, other], group, region, metric) for metric in METRICS]
    texts = [
        with_interval(paired_difference(both[0], both[1]), SCALE[metric], sign="+") if both[0] else NO_VALUE
        for metric, both in zip(METRICS, samples, strict=True)
    ]
    return [*texts, str(len(samples[0][0]))]


def estimated(sample: Sequence[float], scale: float) -> str:
    """Format the mean of a sample with its interval; `NO_VALUE` if no image has a score."""
    return with_interval(bootstrap_mean(sample), scale) if sample else NO_VALUE


def plain(mean: float | None, scale: float) -> str:
    """Format a number without an interval; None if there is no value."""
    return NO_VALUE if mean is None else f"{scale * mean:.{_digits(scale * mean)}f}"


def _digits(value: float) -> int:
    """Return the number of decimals that gives about three significant digits."""
    return max(0, 2 - int(abs(value) >= 10) - int(abs(value) >= 100))


def with_interval(estimate: Estimate, scale: float, sign: str = "") -> str:
    """Format an estimate with its interval; a single image has no interval."""
    mean, low, high = (scale * value for value in estimate[:3])
    digits = _digits(mean)
    interval = f" [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]" if estimate.images > 1 else ""
    return f"{mean:{sign}.{digits}f}{interval}"
