"""Trimaps: their labels in a network, their codes in files, and how the project makes one from a matte."""

from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

BACKGROUND, UNKNOWN, FOREGROUND = 0, 1, 2
"""Labels: what a network predicts and a training batch holds."""

CODES: NDArray[np.uint8] = np.array([0, 128, 255], np.uint8)
"""What is stored in a file, by label: ``CODES[labels]``."""

RADIUS_SHARE = 0.01
"""Where a test set has no trimap, unknown reaches this far from the matte's edge: a share of the long side."""

JPEG_NOISE = 5
"""Levels next to 0 and 255 that JPEG compression leaves in a matte; measured on mattes distributed as JPEG."""

_HALF_STEP = 1e-3
"""Distances are square roots of integers in float32; up to a radius of 500 none lies this little above an integer."""

_Codes = TypeVar("_Codes")


def is_unknown(codes: _Codes) -> _Codes:
    """Say where a stored trimap is unknown: both roundings of half of 255, 127 and 128, are in use.

    Args:
        codes: uint8 array or tensor of any shape.

    Returns:
        Boolean, of the same shape and kind.

    Example:
        >>> is_unknown(np.array([0, 127, 128, 255], np.uint8)).tolist()
        [False, True, True, False]
    """
    return (codes == 127) | (codes == 128)  # type: ignore[return-value]


def labels_of(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the labels of a stored trimap; whatever is neither 0 nor 255 is unknown.

    Args:
        codes: uint8 of any shape.

    Returns:
        int64 of the same shape: `BACKGROUND`, `UNKNOWN` or `FOREGROUND`.

    Example:
        >>> labels_of(np.array([0, 127, 128, 255], np.uint8)).tolist()
        [0, 1, 1, 2]
    """
    return np.where(codes == CODES[BACKGROUND], BACKGROUND, np.where(codes == CODES[FOREGROUND], FOREGROUND, UNKNOWN))


def erode(region: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Erode a region by a disc; the edge of the image erodes nothing.

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


def trimap_from_alpha(alpha: NDArray[Any], radius: int) -> NDArray[np.uint8]:
    """Make the trimap that a matte implies, always the same one.

    Unknown is every soft pixel (0 < α < 1), dilated by a disc of the radius, and the band within the radius of both a
    pixel of the foreground (α = 1) and one of the background (α = 0). In other words, the foreground and the
    background each keep what a disc of the radius erodes to; the edge of the image erodes nothing. Any noise near 0
    or 1 counts as soft, so a matte that was stored as JPEG has to be cleaned before.

    Args:
        alpha: ``(H, W)`` uint8, or floating point in [0, 1].
        radius: Of the disc, in pixels, 0 to 500; at 0 the unknown region is the soft pixels alone.

    Returns:
        ``(H, W)`` uint8 of `CODES`.

    Raises:
        ValueError: If the radius lies outside the range.

    Example:
        >>> trimap_from_alpha(np.array([[0, 0, 0, 255, 255, 255]], np.uint8), radius=1).tolist()
        [[0, 0, 128, 128, 255, 255]]
    """
    trimap = np.full(alpha.shape, CODES[UNKNOWN], np.uint8)
    trimap[erode(alpha == (255 if alpha.dtype == np.uint8 else 1), radius)] = CODES[FOREGROUND]
    trimap[erode(alpha == 0, radius)] = CODES[BACKGROUND]
    return trimap


def without_jpeg_noise(alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Set levels within `JPEG_NOISE` of 0 and 255 to 0 and 255.

    Args:
        alpha: ``(H, W)`` uint8.

    Returns:
        ``(H, W)`` uint8, a copy.
    """
    cleaned = alpha.copy()
    cleaned[alpha <= JPEG_NOISE] = 0
    cleaned[alpha >= 255 - JPEG_NOISE] = 255
    return cleaned


def implied_trimap(alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make the trimap of a test image that has none, by the project's one rule.

    Args:
        alpha: ``(H, W)`` uint8: the true matte. JPEG noise is taken off it first, since mattes are distributed as
            JPEG too, and their noise would make the whole image unknown.

    Returns:
        ``(H, W)`` uint8 of `CODES`, the unknown region widened by `RADIUS_SHARE` of the long side.
    """
    return trimap_from_alpha(without_jpeg_noise(alpha), max(1, round(RADIUS_SHARE * max(alpha.shape))))
