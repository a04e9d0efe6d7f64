"""Where a method's error sits: in hair or in the body, at the edge or far from it, in holes."""

import numpy as np
from numpy.typing import NDArray

from matting.evaluation.folders import without_jpeg_noise
from matting.metrics.diagnostics import BANDS, band_errors, distance_errors, holes

DISTANCES = (0, 4, 16, 64)
"""Distances to the matte's edge, in pixels, at which the rings begin."""

BAND_TITLES = tuple(f"alpha {low}-{high}" for low, high in BANDS)
RING_TITLES = ("0-4 px", "4-16 px", "16-64 px", "64 px on")
HOLES, HOLE_AREA = "holes", "hole area"
FIGURES = (*BAND_TITLES, *RING_TITLES, HOLES, HOLE_AREA)


def diagnose(alpha: NDArray[np.float32], target: NDArray[np.uint8]) -> dict[str, float]:
    """Break the error of one matte down.

    Args:
        alpha: ``(H, W)`` float32 in [0, 1]: what was predicted.
        target: ``(H, W)`` uint8: the true matte; JPEG noise around 0 and 255 is taken off first, for it would count as
            an edge.

    Returns:
        Mean absolute difference in the bands of the true alpha (`BAND_TITLES`) and by distance to the edge
        (`RING_TITLES`), number of `HOLES` in the sure foreground and their share of it (`HOLE_AREA`); NaN for what the
        picture has no pixels of.
    """
    clean = without_jpeg_noise(target)
    bands = dict(zip(BAND_TITLES, band_errors(alpha, clean).values(), strict=True))
    rings = dict(zip(RING_TITLES, distance_errors(alpha, clean, DISTANCES), strict=True))
    found = holes(alpha, clean)
    return {**bands, **rings, HOLES: float(found.number), HOLE_AREA: found.share}
