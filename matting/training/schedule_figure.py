"""A figure of a run's schedule: the share of each source and difficulty in each epoch."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from matting.extras import require
from matting.files import write_atomic

COLOURS = {"studio": "#4c78a8", "portraits": "#f58518", "coarse": "#54a24b", "augmented": "#b279a2"}
DIFFICULTIES = {"clear": 1.0, "medium": 0.72, "hard": 0.45}


def draw_schedule(summaries: Sequence[dict[str, Any]], curriculum: str, path: Path) -> None:
    """Plot rows by stream and difficulty as stacked areas over the epochs, with the stages marked.

    Args:
        summaries: One `matting.plan.schedule.Summary` per epoch, as a dict with the further key ``epoch``.
        curriculum: Name of the curriculum, for the title.
        path: PNG file to write, atomically.
    """
    names = [n for s in COLOURS for d in DIFFICULTIES if any(e["difficulty"].get(n := f"{s}/{d}") for e in summaries)]
    edges = np.arange(len(summaries) + 1)
    rows = np.array([[epoch["difficulty"].get(name, 0) for epoch in summaries] for name in names], dtype=float)
    share = 100 * rows / rows.sum(axis=0)
    # Not pyplot, which would keep the figure open and may look for a display.
    figure = require("matplotlib.figure", "drawing the schedule").Figure(
        figsize=(9, 4.2), dpi=150, layout="constrained"
    )
    axes = figure.subplots()
    # Two points for each epoch, its begin and its end: a slope between epochs would show mixtures that no epoch had.
    stepped = np.repeat(share, 2, axis=1)
    positions = np.repeat(edges, 2)[1:-1]
    colours = [COLOURS[name.split("/")[0]] for name in names]
    for name, colour, area in zip(names, colours, _stack(stepped), strict=True):
        axes.fill_between(positions, *area, color=colour, alpha=DIFFICULTIES[name.split("/")[1]], label=name, lw=0)
    for start, stage in _stages(summaries):
        axes.axvline(start, color="black", lw=0.8)
        axes.text(start, 101, f" {stage}", va="bottom", fontsize=9)
    axes.set(xlim=(0, len(summaries)), ylim=(0, 100), xlabel="epoch", ylabel="% of the rows")
    figure.suptitle(f"curriculum: {curriculum}", fontsize=11)
    handles, labels = axes.get_legend_handles_labels()
    # From the top, as the areas are stacked.
    figure.legend(handles[::-1], labels[::-1], loc="outside right center", frameon=False, fontsize=9)
    data = io.BytesIO()
    figure.savefig(data, format="png")
    write_atomic(path, data.getvalue())


def _stack(share: "np.typing.NDArray[np.float64]") -> "list[tuple[Any, Any]]":
    tops = np.cumsum(share, axis=0)
    return list(zip(tops - share, tops, strict=True))


def _stages(summaries: Sequence[dict[str, Any]]) -> list[tuple[int, str]]:
    names = [epoch["stage"] for epoch in summaries]
    return [(k, name) for k, name in enumerate(names) if k == 0 or names[k - 1] != name]
