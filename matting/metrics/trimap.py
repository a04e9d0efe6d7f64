"""A trimap made from an alpha matte, for test sets that ship none."""

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.metrics.inputs import ArrayLike, alpha_array

_HALF_STEP = 1e-3
"""Distances are square roots of integers in float32; up to a radius of 500 none lies this little above an integer."""


def erode(region: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Erode a region by a disc; the edge of the picture erodes nothing.

    Args:
        region: ``(H, W)`` boolean.
        radius: Of the disc, in pixels, 0 to 500.

    Returns:
        ``(H, W)`` boolean, true where no pixel within the radius lies outside the region.

    Raises:
        ValueError: If the radius lies outside the range.
    """
    if not 0 <= radius <= 500:
        raise ValueError(f"radius: expected 0 to 500 pixels, found {radius}")
    if region.all():
        return region
    distance = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance > radius + _HALF_STEP)


def trimap_from_alpha(alpha: ArrayLike, radius: int) -> NDArray[np.uint8]:
    """Make the trimap that a matte implies, always the same one.

    Unknown is every soft pixel (0 < α < 1), dilated by a disc of the radius, and the band within the radius of both a
    pixel of the foreground (α = 1) and one of the background (α = 0). In other words, the foreground and the
    background each keep what a disc of the radius erodes to; the edge of the picture erodes nothing. Any noise near 0
    or 1 counts as soft, so a matte that was stored as JPEG has to be cleaned before.

    Args:
        alpha: ``(H, W)`` array or tensor, uint8 or floating point in [0, 1].
        radius: Of the disc, in pixels, 0 to 500; at 0 the unknown region is the soft pixels alone.

    Returns:
        ``(H, W)`` uint8: 0 background, 128 unknown, 255 foreground.

    Raises:
        TypeError: If the alpha's dtype is refused.
        ValueError: If its shape or a value is refused, or the radius lies outside the range.
    """
    matte = alpha_array("alpha", alpha)
    trimap = np.full(matte.shape, 128, np.uint8)
    trimap[erode(matte == (255 if matte.dtype == np.uint8 else 1), radius)] = 255
    trimap[erode(matte == 0, radius)] = 0
    return trimap
