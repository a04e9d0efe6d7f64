"""The figures of a study: learning curves, and the scores of each group of test images by row."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matting.evaluation import mean_over_seeds
from matting.evaluation.report.sections import CHARTS
from matting.evaluation.report.tables import REGION_TITLE, SCALE, TITLE
from matting.extras import require
from matting.files import write_atomic
from matting.studies.study import FLOOR, Study
from matting.studies.tables import corpora, groups

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#1f4e79", "#d1661c", "#2f8f66", "#a33b6f", "#7a7a2a", "#6a4fb3", "#00859b", "#b8860b", "#555555", "#d94f4f")
DASHES = ("-", "--", ":")


def plot_learning_curves(study: Study, path: Path) -> None:
    """Plot validation SAD over optimiser steps: the mean of each row, with a band from its lowest to its highest run.

    A row is shown at the steps at which all of its runs were validated, and a region only if it has a curve.

    Args:
        study: The scores; with no curve at all the file is removed instead.
        path: PNG file, written atomically.
    """
    found = {region: _mean_curves(study, f"{region}/sad") for region in REGION_TITLE}
    shown = [region for region, curves in found.items() if curves]
    if not shown:
        path.unlink(missing_ok=True)  # of an earlier call
        return
    figure = new_figure(figsize=(2 + 4 * len(shown), 4.2))
    for axes, region in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        for row, (steps, values) in found[region].items():
            k = study.rows.index(row)
            # Past the last colour, rows reuse the colours with another dash.
            style = {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[k // len(COLOURS) % len(DASHES)]}
            axes.plot(steps, values.mean(axis=0), label=row, lw=1.8, marker="o" if len(steps) == 1 else None, **style)
            axes.fill_between(steps, values.min(axis=0), values.max(axis=0), color=style["color"], alpha=0.12, lw=0)
        axes.set(title=f"validation, {REGION_TITLE[region]}", xlabel="optimiser steps", ylabel="SAD")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=9)
    _finish(figure, study, path)


def _mean_curves(study: Study, name: str) -> dict[str, tuple[list[int], NDArray[np.float64]]]:
    """Return the steps that all runs of a row share, and their scores there, ``(runs, steps)``, by row."""
    found = {}
    for row in study.rows:
        curves = [dict(zip(*curve, strict=True)) for curve in study.curves(row, name)]
        steps = sorted(set.intersection(*map(set, curves))) if curves else []
        if steps:
            found[row] = steps, np.array([[curve[step] for step in steps] for curve in curves])
    return found


def plot_groups(study: Study, path: Path) -> None:
    """Plot the first of `CHARTS` with its interval, one panel per group of images and one line per row.

    Args:
        study: The scores.
        path: PNG file, written atomically.
    """
    region, metric = CHARTS[0]
    several = len(study.sets) > 1
    parts = {name: study.on(name) for name in study.sets}
    found = [
        (f"{name}: {group}" if several else group, part, labels)
        for name, part in parts.items()
        for group, labels in groups(part).items()
    ]
    rows = [*study.rows, FLOOR]
    columns = min(4, len(found))
    lines = -(-len(found) // columns)
    figure = new_figure(
        figsize=(max(2.4, 0.9 + 0.08 * max(map(len, rows))) + 2.2 * columns, lines * (1.1 + 0.24 * len(rows)))
    )
    grid = list(figure.subplots(lines, columns, sharey=True, squeeze=False).flat)
    places = np.arange(len(rows))
    # Not strict: the last line of the grid may have more panels than there are groups.
    for axes, (name, part, labels) in zip(grid, found, strict=False):
        tables = [part.table(row, region, metric, labels) * SCALE[metric] for row in rows]
        for k, estimate in enumerate(map(mean_over_seeds, tables)):
            colour = "#999999" if rows[k] == FLOOR else COLOURS[k % len(COLOURS)]
            axes.plot([estimate.low, estimate.high], [k, k], color=colour, lw=2, alpha=0.6)
            axes.plot(estimate.mean, k, "o", color=colour, ms=5)
        axes.set_title(f"{name} ({tables[0].shape[1]})", fontsize=10)
        axes.set_yticks(places, rows, fontsize=9)
        # Upside down, so that the first row is at the top.
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3, axis="x")
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[len(found) :]:
        axes.set_visible(False)
    figure.supxlabel(f"{TITLE[metric]}, {REGION_TITLE[region]}; 95 % over images and seeds", fontsize=10)
    _finish(figure, study, path)


def new_figure(**settings: Any) -> "Figure":
    """Return an empty figure of matplotlib, or raise an error that says how to install it."""
    # Not pyplot, which selects a backend and keeps every figure.
    figure: Figure = require("matplotlib.figure", "drawing figures").Figure(dpi=130, layout="constrained", **settings)
    return figure


def as_png(figure: "Figure") -> bytes:
    """Draw a figure in memory: `savefig` writes in place, and an error would leave half a file."""
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def _finish(figure: "Figure", study: Study, path: Path) -> None:
    # On every figure, so that synthetic results are known as such where one is shown alone.
    figure.suptitle("\n".join(corpora(study)), fontsize=9, color="#8a4b08")
    write_atomic(path, as_png(figure))
