"""The learning curves of a run, drawn from its log."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from matting.extras import require
from matting.files import read_csv

_COLOURS = ("#2f8f66", "#f58518")


def learning_curves(metrics: Path) -> NDArray[np.uint8] | None:
    """Plot the loss of training, and the validation MAD and SAD of the whole image, over the steps of a run.

    Args:
        metrics: ``metrics.csv`` of a run folder.

    Returns:
        ``(H, W, 3)`` uint8 RGB, or None if the file does not exist or has no loss.

    Raises:
        MattingError: Matplotlib is not installed.
    """
    lines = read_csv(metrics) if metrics.is_file() else []
    curves = {
        title: _points(lines, end)
        for title, end in (("loss", "train/loss"), ("validation MAD", "whole/mad"), ("validation SAD", "whole/sad"))
    }
    curves = {title: points for title, points in curves.items() if len(points)}
    if "loss" not in curves:
        return None
    figure = require("matplotlib.figure", "drawing learning curves").Figure(
        figsize=(4.2 * len(curves), 3), dpi=110, layout="constrained"
    )
    for axes, (title, points) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True):
        few = len(points) < 40
        axes.plot(*points.T, color=_COLOURS[0], lw=1.6 if few else 0.5, marker="o" if few else None, ms=3)
        if not few:
            axes.plot(points[:, 0], _smoothed(points[:, 1]), color=_COLOURS[1], lw=1.6)
        axes.set(title=title, xlabel="step", xlim=(0, None), ylim=(0, None))
        axes.grid(alpha=0.25)
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return np.asarray(Image.open(data).convert("RGB"))


def _points(lines: Sequence[dict[str, str]], end: str) -> NDArray[np.float64]:
    """Return ``(N, 2)`` steps and values of the first column with that end; Lightning counts steps from 0."""
    # A column is empty in the rows of steps at which its value was not logged.
    found = [(int(line["step"]) + 1, float(v)) for line in lines if (v := _value(line, end))]
    return np.array(sorted(dict(found).items()), np.float64).reshape(-1, 2)


def _value(line: dict[str, str], end: str) -> str:
    return next((value for name, value in line.items() if name.endswith(end) and value), "")


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the running mean over a twentieth of the curve, over fewer values at its ends."""
    width = max(3, len(values) // 20)
    weight = np.ones(width)
    # Divided by the number of values under the window, which is smaller at the ends: zeros would pull the curve down.
    mean: NDArray[np.float64] = np.convolve(values, weight, "same") / np.convolve(np.ones_like(values), weight, "same")
    return mean
