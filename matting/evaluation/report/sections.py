"""The tables of a report in order, shared by the Markdown and the HTML file."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matting.evaluation.background_invariance import BackgroundDeviation
from matting.evaluation.corruptions import CORRUPTIONS
from matting.evaluation.diagnosis import CALIBRATION, COLOUR, SPILL
from matting.evaluation.report.tables import (
    NO_VALUE,
    REGION_TITLE,
    SCALE,
    TITLE,
    Table,
    diagnosis_tables,
    difference_tables,
    estimated,
    label_tables,
    method_tables,
    metric_titles,
    plain,
    with_interval,
)
from matting.evaluation.robustness import CLEAN, SEVERITIES, degradations, mean_of
from matting.evaluation.scoring import METRICS, REGIONS, Evaluation
from matting.evaluation.setting import UNKNOWN, UNSEEN, Setting
from matting.evaluation.statistics import bootstrap_mean, difference_over_seeds, mean_over_seeds
from matting.evaluation.summary import mean_diagnosis

SCENARIOS: Mapping[str, frozenset[str]] = {
    "back-lit hair": frozenset({"backlit", "side_backlit"}),
    "glasses": frozenset({"glasses"}),
    "group photo": frozenset({"group"}),
    "phone screenshot": frozenset({"screenshot"}),
}
"""Labels of each scenario; a test set with the name of a label belongs to the scenario too."""

CHARTS = (("whole", "mad"), ("unknown", "sad"))
"""Region and metric of the scores that represent a method where there is room for few."""


class Figure(NamedTuple):
    """An image of the report.

    Attributes:
        name: File name next to the report, ending in ``.png``.
        title: What it shows.
        pixels: ``(H, W, 3)`` uint8 RGB.
    """

    name: str
    title: str
    pixels: NDArray[np.uint8]


class Section(NamedTuple):
    """A heading, its tables, and perhaps a figure above them."""

    heading: str
    tables: list[Table]
    figure: Figure | None = None


@dataclass(frozen=True)
class Findings:
    """The content of a report, without its gallery.

    Attributes:
        evaluation: The scores.
        setting: What the report states along with them.
        deviations: Variation of the mattes over backgrounds.
        corrupted: Scores on `matting.evaluation.robustness.corrupted_pairs`; None if they were not requested.
        training: Sections about the training of the method under test, the last ones.
    """

    evaluation: Evaluation
    setting: Setting
    deviations: Sequence[BackgroundDeviation] = ()
    corrupted: Evaluation | None = None
    training: Sequence[Section] = ()


SCENARIO_HEADING, LABEL_HEADING = "Scenarios", "By label"


def sections(findings: Findings) -> list[Section]:
    """Return the tables of a report under their headings, without empty sections."""
    evaluation = findings.evaluation
    found = [
        Section("Methods", [*method_tables(evaluation), seen_table(findings)]),
        Section(SCENARIO_HEADING, scenario_tables(evaluation)),
        Section("Differences on the same images", difference_tables(evaluation)),
        Section("Over training runs", seed_tables(findings)),
        Section(LABEL_HEADING, label_tables(evaluation, evaluation.methods[0])),
        Section("Diagnosis", [*diagnosis_tables(evaluation), *further_tables(findings)]),
        Section("Corruptions", corruption_tables(findings)),
        *findings.training,
    ]
    return [section for section in found if section.tables or section.figure]


def seen_table(findings: Findings) -> Table:
    """Return what each method may have seen of each test set in training."""
    setting, sets = findings.setting, findings.evaluation.sets
    rows = [
        [name, *(setting.seen_in_training(name, one) for one in sets), setting.methods[name].trained_on]
        for name in findings.evaluation.methods
    ]
    return Table("Seen in training", ["method", *sets, "trained on"], rows)


def scenario_scores(evaluation: Evaluation, scenario: str, method: str, region: str, metric: str) -> list[float]:
    """Return one score per image of a scenario, selected by label or by the name of its test set."""
    labels = SCENARIOS[scenario]
    return [
        row.scores[metric]
        for row in evaluation.rows
        if row.method == method and row.region == region and (row.pair.tags | {row.pair.dataset}) & labels
    ]


def scenario_tables(evaluation: Evaluation) -> list[Table]:
    """Compare the methods in every scenario that has images, one row per scenario; no table without any."""
    present = [
        name
        for name in SCENARIOS
        if any(scenario_scores(evaluation, name, method, *CHARTS[0]) for method in evaluation.methods)
    ]
    tables = []
    for region, metric in CHARTS if present else ():
        rows = []
        for name in present:
            samples = [scenario_scores(evaluation, name, method, region, metric) for method in evaluation.methods]
            # A method that failed on some images is averaged over fewer, and its cell says so.
            most = max(map(len, samples))
            counts = [f" ({len(sample)} images)" if len(sample) < most else "" for sample in samples]
            estimates = [estimated(sample, SCALE[metric]) for sample in samples]
            rows.append([name, *map("".join, zip(estimates, counts, strict=True)), str(most)])
        title = f"Scenarios: {TITLE[metric]}, {REGION_TITLE[region]}"
        tables.append(Table(title, ["scenario", *evaluation.methods, "images"], rows))
    return tables


def seed_tables(findings: Findings) -> list[Table]:
    """Average over training runs that differ in their seed, and compare the mean with every other method."""
    return [
        _seed_table(findings.evaluation, name, runs, group, region)
        for name, runs in findings.setting.runs_over_seeds().items()
        for group in findings.evaluation.sets
        for region in REGIONS
    ]


def _seed_table(evaluation: Evaluation, name: str, runs: Sequence[str], group: str, region: str) -> Table:
    own = {metric: evaluation.common_scores(runs, group, region, metric) for metric in METRICS}
    rows = [["mean", *(_over_seeds(own[metric], SCALE[metric]) for metric in METRICS)]]
    for other in evaluation.methods:
        if other not in runs:
            shared = {metric: evaluation.common_scores([*runs, other], group, region, metric) for metric in METRICS}
            rows.append([f"minus {other}", *(_minus(shared[metric], SCALE[metric]) for metric in METRICS)])
    title = f"{name} over {len(runs)} seeds, {group}, {REGION_TITLE[region]} (images and seeds resampled)"
    return Table(title, ["row", *metric_titles()], rows)


def _over_seeds(samples: Sequence[Sequence[float]], scale: float) -> str:
    return with_interval(mean_over_seeds(samples), scale) if samples[0] else NO_VALUE


def _minus(samples: Sequence[Sequence[float]], scale: float) -> str:
    """Format the difference of all samples but the last from the last."""
    *own, other = samples
    return with_interval(difference_over_seeds(own, [other]), scale, sign="+") if other else NO_VALUE


def further_tables(findings: Findings) -> list[Table]:
    """Report on the trimap head, the colours of the cutout and the dependence on the background, where known."""
    methods = findings.evaluation.methods
    means = [mean_diagnosis(findings.evaluation, method) for method in methods]
    columns = {
        f"{CALIBRATION}, %": [plain(mean[CALIBRATION], 100) for mean in means],
        f"{COLOUR} · 10³": [plain(mean[COLOUR], 1000) for mean in means],
        f"{SPILL}, %": [plain(mean[SPILL], 100) for mean in means],
        "alpha deviation over backgrounds · 10³": [
            plain(mean_deviation(findings.deviations, method), 1000) for method in methods
        ],
    }
    known = {title: column for title, column in columns.items() if set(column) != {NO_VALUE}}
    rows = [list(row) for row in zip(methods, *known.values(), strict=True)]
    title = "Trimap head, colours of the cutout, dependence on the background"
    return [Table(title, ["method", *known], rows)] if known else []


def mean_deviation(deviations: Sequence[BackgroundDeviation], method: str) -> float | None:
    """Average the deviation of a method over subjects; None if no subject is shown on several backgrounds."""
    # NaN where every matte of a subject is empty: one would make the mean NaN.
    values = [each.deviation for each in deviations if each.method == method and not math.isnan(each.deviation)]
    return sum(values) / len(values) if values else None


def corruption_tables(findings: Findings) -> list[Table]:
    """Return the errors under corruptions, one table per method; none for a method that failed on all clean images."""
    corrupted = findings.corrupted
    if corrupted is None:
        return []
    scored = [name for name in corrupted.methods if corrupted.scores(name, CLEAN, *CHARTS[0])]
    return [_corruption_table(corrupted, findings.setting, name) for name in scored]


def _corruption_table(corrupted: Evaluation, setting: Setting, method: str) -> Table:
    region, metric = CHARTS[0]
    clean = bootstrap_mean(corrupted.scores(method, CLEAN, region, metric))
    found = degradations(corrupted, method, region, metric)
    rows = []
    for corruption in CORRUPTIONS:
        means, ratios, relative = found[corruption.name]
        errors = [f"{plain(m, SCALE[metric])} [{plain(ratio, 1)}]" for m, ratio in zip(means, ratios, strict=True)]
        rows.append([corruption.name, *errors, plain(relative, 1), _seen(setting, method, corruption.related)])
    rows += [_average("all", [degradation.relative for degradation in found.values()])]
    # A row of its own only for some: of all it would repeat the row above, of none it would have no value.
    unseen = [found[c.name].relative for c in CORRUPTIONS if _seen(setting, method, c.related) == UNSEEN]
    rows += [_average("not seen in training", unseen)] if 0 < len(unseen) < len(CORRUPTIONS) else []
    title = f"{method}: {TITLE[metric]}, {REGION_TITLE[region]} [over clean]; clean: {plain(clean.mean, SCALE[metric])}"
    header = ["corruption", *(f"severity {severity}" for severity in SEVERITIES), "mean over clean", "seen in training"]
    return Table(f"{title}, {clean.images} images", header, rows)


def _average(name: str, ratios: Sequence[float | None]) -> list[str]:
    return [name, *([""] * len(SEVERITIES)), plain(mean_of(ratios), 1), ""]


def _seen(setting: Setting, method: str, related: frozenset[str]) -> str:
    trained_with = setting.methods[method].augmentations
    return UNKNOWN if trained_with is None else ", ".join(sorted(related & trained_with)) or UNSEEN
