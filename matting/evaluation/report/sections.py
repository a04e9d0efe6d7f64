"""The tables of a report in their order: the Markdown and the HTML file print the same ones."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from matting.evaluation.background_invariance import Spread
from matting.evaluation.corruptions import CORRUPTIONS
from matting.evaluation.diagnosis import CALIBRATION, COLOUR, SPILL
from matting.evaluation.report.tables import (
    NO_FIGURE,
    REGION_TITLE,
    SCALE,
    TITLE,
    Table,
    diagnosis_tables,
    difference_tables,
    label_tables,
    method_tables,
    metric_titles,
    plain,
    with_interval,
)
from matting.evaluation.robustness import CLEAN, SEVERITIES, degradations
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
"""The labels that make a scenario; a test set of such a name is one too."""

CHARTS = (("whole", "mad"), ("unknown", "sad"))
"""Region and metric of the figures that stand for a method where there is room for few."""


@dataclass(frozen=True)
class Findings:
    """Everything a report is made of but its images.

    Attributes:
        evaluation: The scores.
        setting: What stands next to them.
        spreads: Variation over backgrounds.
        corrupted: Scores of `matting.evaluation.robustness.corrupted_pairs`; None where nobody asked.
    """

    evaluation: Evaluation
    setting: Setting
    spreads: Sequence[Spread] = ()
    corrupted: Evaluation | None = None


class Section(NamedTuple):
    """A heading and its tables."""

    heading: str
    tables: list[Table]


SCENARIO_HEADING, LABEL_HEADING = "Scenarios", "By label"


def sections(findings: Findings) -> list[Section]:
    """Return the tables of a report under their headings, those left out that have nothing to say."""
    evaluation = findings.evaluation
    found = [
        Section("Methods", [*method_tables(evaluation), seen_table(findings)]),
        Section(SCENARIO_HEADING, scenario_tables(evaluation)),
        Section("Differences on the same images", difference_tables(evaluation)),
        Section("Over training runs", seed_tables(findings)),
        Section(LABEL_HEADING, label_tables(evaluation, evaluation.methods[0])),
        Section("Diagnosis", [*diagnosis_tables(evaluation), *further_tables(findings)]),
        Section("Corruptions", corruption_tables(findings)),
    ]
    return [section for section in found if section.tables]


def seen_table(findings: Findings) -> Table:
    """Say what each method may have seen of the test sets in training: one column, for all sets are of one corpus."""
    setting, sets = findings.setting, ", ".join(findings.evaluation.sets)
    rows = [
        [name, setting.seen_in_training(name), setting.methods[name].trained_on] for name in findings.evaluation.methods
    ]
    return Table(f"What training has seen of {sets}", ["method", "seen in training", "trained on"], rows)


def scenario_scores(evaluation: Evaluation, scenario: str, method: str, region: str, metric: str) -> list[float]:
    """Return one figure per image of a scenario: of a label, or of a test set of that name."""
    labels = SCENARIOS[scenario]
    return [
        row.scores[metric]
        for row in evaluation.rows
        if row.method == method and row.region == region and (row.pair.tags | {row.pair.dataset}) & labels
    ]


def scenario_tables(evaluation: Evaluation) -> list[Table]:
    """Compare the methods in every scenario that has images, a row each; none where there are none."""
    first = evaluation.methods[0]
    present = [name for name in SCENARIOS if scenario_scores(evaluation, name, first, *CHARTS[0])]
    tables = []
    for region, metric in CHARTS if present else ():
        rows = []
        for name in present:
            samples = [scenario_scores(evaluation, name, method, region, metric) for method in evaluation.methods]
            figures = [with_interval(bootstrap_mean(sample), SCALE[metric]) for sample in samples]
            rows.append([name, *figures, str(len(samples[0]))])
        title = f"Scenarios: {TITLE[metric]}, {REGION_TITLE[region]}"
        tables.append(Table(title, ["scenario", *evaluation.methods, "images"], rows))
    return tables


def seed_tables(findings: Findings) -> list[Table]:
    """Average over training runs that differ by their seed, and set every other method against them."""
    return [
        _seed_table(findings.evaluation, name, runs, group, region)
        for name, runs in findings.setting.runs_over_seeds().items()
        for group in findings.evaluation.sets
        for region in REGIONS
    ]


def _seed_table(evaluation: Evaluation, name: str, runs: Sequence[str], group: str, region: str) -> Table:
    scores = {
        metric: {method: evaluation.scores(method, group, region, metric) for method in evaluation.methods}
        for metric in METRICS
    }
    own = {metric: [scores[metric][run] for run in runs] for metric in METRICS}
    rows = [["mean", *(with_interval(mean_over_seeds(own[metric]), SCALE[metric]) for metric in METRICS)]]
    for other in evaluation.methods:
        if other not in runs:
            pairs = {metric: difference_over_seeds(own[metric], [scores[metric][other]]) for metric in METRICS}
            rows.append([f"minus {other}", *(with_interval(pairs[m], SCALE[m], sign="+") for m in METRICS)])
    title = f"{name} over {len(runs)} seeds, {group}, {REGION_TITLE[region]} (images and seeds resampled)"
    return Table(title, ["figure", *metric_titles()], rows)


def further_tables(findings: Findings) -> list[Table]:
    """Judge the trimap head, the cutout's colours and the dependence on the background, where they can be judged."""
    methods = findings.evaluation.methods
    means = [mean_diagnosis(findings.evaluation, method) for method in methods]
    columns = {
        f"{CALIBRATION}, %": [plain(mean[CALIBRATION], 100) for mean in means],
        f"{COLOUR} · 10³": [plain(mean[COLOUR], 1000) for mean in means],
        f"{SPILL}, %": [plain(mean[SPILL], 100) for mean in means],
        "alpha deviation over backgrounds · 10³": [
            plain(mean_spread(findings.spreads, method), 1000) for method in methods
        ],
    }
    judged = {title: column for title, column in columns.items() if set(column) != {NO_FIGURE}}
    rows = [list(row) for row in zip(methods, *judged.values(), strict=True)]
    title = "Trimap head, colours of the cutout, dependence on the background"
    return [Table(title, ["method", *judged], rows)] if judged else []


def mean_spread(spreads: Sequence[Spread], method: str) -> float | None:
    """Average a method's deviation over subjects; None where no subject stands before several backgrounds."""
    values = [spread.spread for spread in spreads if spread.method == method and not math.isnan(spread.spread)]
    return sum(values) / len(values) if values else None


def corruption_tables(findings: Findings) -> list[Table]:
    """Print the errors under corruptions, a table per method; none where nothing was corrupted."""
    if findings.corrupted is None or not findings.corrupted.rows:
        return []
    return [_corruption_table(findings.corrupted, findings.setting, name) for name in findings.corrupted.methods]


def _corruption_table(corrupted: Evaluation, setting: Setting, method: str) -> Table:
    region, metric = CHARTS[0]
    clean = bootstrap_mean(corrupted.scores(method, CLEAN, region, metric))
    found = degradations(corrupted, method, region, metric)
    rows = []
    for corruption in CORRUPTIONS:
        means, ratios, relative = found[corruption.name]
        figures = [f"{plain(m, SCALE[metric])} [{ratio:.2f}]" for m, ratio in zip(means, ratios, strict=True)]
        rows.append([corruption.name, *figures, f"{relative:.2f}", _seen(setting, method, corruption.kin)])
    rows += [_average("all", [degradation.relative for degradation in found.values()])]
    unseen = [found[c.name].relative for c in CORRUPTIONS if _seen(setting, method, c.kin) == UNSEEN]
    rows += [_average("not seen in training", unseen)] if 0 < len(unseen) < len(CORRUPTIONS) else []
    title = f"{method}: {TITLE[metric]}, {REGION_TITLE[region]} [over clean]; clean: {plain(clean.mean, SCALE[metric])}"
    header = ["corruption", *(f"severity {severity}" for severity in SEVERITIES), "mean over clean", "seen in training"]
    return Table(f"{title}, {clean.images} images", header, rows)


def _average(name: str, ratios: Sequence[float]) -> list[str]:
    return [name, *([""] * len(SEVERITIES)), f"{sum(ratios) / len(ratios):.2f}", ""]


def _seen(setting: Setting, method: str, kin: frozenset[str]) -> str:
    trained_with = setting.methods[method].augmentations
    return UNKNOWN if trained_with is None else ", ".join(sorted(kin & trained_with)) or UNSEEN
