"""The result of a check on a pair."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.curation.pair import AnnotatedPair, Profiles

WINDOW = 30
"""Points of the outline that are judged together."""


class Finding(NamedTuple):
    """A score and its location.

    Attributes:
        score: Larger is worse; each check documents its unit.
        where: ``(H, W)`` bool, the places to look at, or None for the whole image.
    """

    score: float
    where: NDArray[np.bool_] | None = None


def along_outline(pair: AnnotatedPair, flagged: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark points of the outline as dots on the image.

    Args:
        pair: The pair.
        flagged: ``(N,)`` bool, which points of its profiles to mark.

    Returns:
        ``(H, W)`` bool.
    """
    canvas = np.zeros(pair.alpha.shape, np.uint8)
    radius = max(2, pair.short_side // 120)
    for x, y in np.rint(pair.profiles.places[flagged]).astype(int).tolist():
        cv2.circle(canvas, (x, y), radius, 1, -1)
    return canvas > 0


def along(values: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """Return the running mean of values ``(N,)`` along an outline over a window of points."""
    if len(values) <= window:
        return np.full_like(values, values.mean() if len(values) else 0)
    # Around the end: outlines are closed.
    padded = np.pad(values, (window // 2, window - 1 - window // 2), mode="wrap")
    return np.convolve(padded, np.full(window, 1 / window, np.float32), "valid").astype(np.float32)


def in_layers(lines: Profiles) -> NDArray[np.bool_]:
    """Return where along the outline the matte changes from point to point, as strands do, ``(N - 1,)``."""
    at = lines.offsets / lines.offsets[-1]
    change = np.abs(np.diff(lines.alpha[:, (at > -0.3) & (at < 0.45)], axis=0)) * lines.adjacent[:, None]
    return np.asarray(along(change.mean(axis=1), WINDOW) >= 0.02)
