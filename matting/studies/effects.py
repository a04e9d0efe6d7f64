"""The effects of several studies in one figure and one table: each row against its reference."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from matting.evaluation import Estimate, difference_over_seeds
from matting.evaluation.report import Table
from matting.evaluation.report.sections import CHARTS
from matting.evaluation.report.tables import REGION_TITLE, SCALE, TITLE, with_interval
from matting.files import write_atomic
from matting.studies.figures import as_png, new_figure
from matting.studies.study import Study
from matting.studies.tables import corpora

REGION, METRIC = CHARTS[0]


class Effect(NamedTuple):
    """What one row of a study changes.

    Attributes:
        study: Name of the study.
        set: Test set.
        reference: The row that it is compared with.
        row: The row.
        level: Mean score of the reference.
        difference: Score of the row minus that of the reference, with its 95 % interval.
    """

    study: str
    set: str
    reference: str
    row: str
    level: float
    difference: Estimate

    @property
    def verdict(self) -> str:
        """What the interval shows: ``better``, ``worse`` or ``not shown``."""
        if self.difference.low <= 0 <= self.difference.high:
            return "not shown"
        return "worse" if self.difference.mean > 0 else "better"


def effects(studies: Mapping[str, Study]) -> list[Effect]:
    """Return the effect of every row but the reference, on every test set, in the order of the studies.

    Args:
        studies: Studies by name.
    """
    return [
        _effect(name, study.on(one), row)
        for name, study in studies.items()
        for one in study.sets
        for row in study.rows[1:]
    ]


def effects_table(studies: Mapping[str, Study]) -> Table:
    """Return the effects as a table, with what each shows in a word."""
    scale = SCALE[METRIC]
    return Table(
        f"{TITLE[METRIC]}, {REGION_TITLE[REGION]}: each row minus its reference (mean [95 %] over images and seeds)",
        ["study", "test set", "row", "reference", "score of the reference", "difference", "effect"],
        [
            [
                *(one.study, one.set, one.row, one.reference, f"{one.level * scale:.3g}"),
                *(with_interval(one.difference, scale, sign="+"), one.verdict),
            ]
            for one in effects(studies)
        ],
    )


def plot_effects(studies: Mapping[str, Study], path: Path) -> None:
    """Plot the effects in percent of the reference's score: one panel per test set, one line per row.

    Args:
        studies: Studies by name.
        path: PNG file, written atomically.
    """
    found = effects(studies)
    sets = list(dict.fromkeys(one.set for one in found))
    lines = list(dict.fromkeys((one.study, one.row) for one in found))
    figure = new_figure(figsize=(4 + 3.6 * len(sets), 1.2 + 0.24 * len(lines)))
    panels = figure.subplots(1, len(sets), sharey=True, squeeze=False)[0]
    colours = {"better": "#2f8f66", "worse": "#b03a2e", "not shown": "#888888"}
    for axes, one_set in zip(panels, sets, strict=True):
        for one in (one for one in found if one.set == one_set):
            place, colour = lines.index((one.study, one.row)), colours[one.verdict]
            low, mean, high = (
                100 * value / one.level for value in (one.difference.low, one.difference.mean, one.difference.high)
            )
            axes.plot([low, high], [place, place], color=colour, lw=2, alpha=0.6)
            axes.plot(mean, place, "o", color=colour, ms=5)
        axes.axvline(0, color="black", lw=0.8)
        axes.set_title(
            f"{one_set} ({next(e.difference.images for e in found if e.set == one_set)} images)", fontsize=10
        )
        axes.set_yticks(range(len(lines)), [f"{study}: {row}" for study, row in lines], fontsize=9)
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.grid(alpha=0.3, axis="x")
        axes.spines[["top", "right"]].set_visible(False)
    what = TITLE[METRIC].partition(" ·")[0]
    figure.supxlabel(f"change of {what}, {REGION_TITLE[REGION]}, in % of the reference; left is better", fontsize=10)
    # So that synthetic results are known as such.
    data = dict.fromkeys(text for study in studies.values() for text in corpora(study))
    figure.suptitle("\n".join(data), fontsize=9, color="#8a4b08")
    write_atomic(path, as_png(figure))


def _effect(name: str, study: Study, row: str) -> Effect:
    reference = study.table(study.rows[0], REGION, METRIC)
    difference = difference_over_seeds(study.table(row, REGION, METRIC), reference)
    return Effect(name, study.sets[0], study.rows[0], row, float(reference.mean()), difference)
