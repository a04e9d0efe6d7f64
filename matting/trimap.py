"""Trimaps: their labels in a network, their codes in files, and the trimap that a matte implies."""

from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

BACKGROUND, UNKNOWN, FOREGROUND = 0, 1, 2
"""Labels, as a network predicts them and a training batch contains them."""

CODES: NDArray[np.uint8] = np.array([0, 128, 255], np.uint8)
"""Values stored in files, by label: ``CODES[labels]``."""

RADIUS_SHARE = 0.01
"""Radius of the unknown region where a test set has no trimaps, as a share of the long side."""

JPEG_NOISE = 5
"""Deviation from 0 and 255, in levels, that JPEG compression leaves in a matte; measured on mattes stored as JPEG."""

_HALF_STEP = 1e-3
"""Distances are square roots of integers in float32; up to a radius of 500 none is this close above an integer."""

_Codes = TypeVar("_Codes")


def is_unknown(codes: _Codes) -> _Codes:
    """Return where a stored trimap is unknown: both roundings of half of 255, 127 and 128, are in use.

    Args:
        codes: uint8 array or tensor of any shape.

    Returns:
        Boolean array or tensor of the same shape.

    Example:
        >>> is_unknown(np.array([0, 127, 128, 255], np.uint8)).tolist()
        [False, True, True, False]
    """
    return (codes == 127) | (codes == 128)  # type: ignore[return-value]


def labels_of(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the labels of a stored trimap; any value other than 0 and 255 is unknown.

    Args:
        codes: uint8 array of any shape.

    Returns:
        int64 of the same shape: `BACKGROUND`, `UNKNOWN` or `FOREGROUND`.

    Example:
        >>> labels_of(np.array([0, 127, 128, 255], np.uint8)).tolist()
        [0, 1, 1, 2]
    """
    return np.where(codes == CODES[BACKGROUND], BACKGROUND, np.where(codes == CODES[FOREGROUND], FOREGROUND, UNKNOWN))


def erode(region: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Erode a region by a disc; the border of the image erodes nothing.

    Args:
        region: ``(H, W)`` boolean.
        radius: Of the disc, in pixels, 0 to 500.

    Returns:
        ``(H, W)`` boolean, true where every pixel within the radius is in the region.

    Raises:
        ValueError: The radius is out of range.
    """
    if not 0 <= radius <= 500:
        raise ValueError(f"radius: expected 0 to 500 pixels, found {radius}")
    # Without a pixel outside the region there is no distance to compute.
    if region.all():
        return region
    distance = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance > radius + _HALF_STEP)


def trimap_from_alpha(alpha: NDArray[Any], radius: int) -> NDArray[np.uint8]:
    """Compute the trimap that a matte implies, without randomness.

    The unknown region is every soft pixel (0 < α < 1), dilated by a disc of the radius, and the band within the radius
    of both a foreground pixel (α = 1) and a background pixel (α = 0). In other words, foreground and background are
    each eroded by the disc; the border of the image erodes nothing. Any noise near 0 or 1 counts as soft, so a matte
    that was stored as JPEG has to be cleaned first.

    Args:
        alpha: ``(H, W)`` uint8, or floating point in [0, 1].
        radius: Of the disc, in pixels, 0 to 500; at 0 the unknown region is the soft pixels alone.

    Returns:
        ``(H, W)`` uint8 of `CODES`.

    Raises:
        ValueError: The radius is out of range.

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
        A cleaned copy, ``(H, W)`` uint8.
    """
    cleaned = alpha.copy()
    cleaned[alpha <= JPEG_NOISE] = 0
    cleaned[alpha >= 255 - JPEG_NOISE] = 255
    return cleaned


def implied_trimap(alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Compute the trimap of a test image that has none, by the one rule used in this project.

    Args:
        alpha: ``(H, W)`` uint8, the true matte. JPEG noise is removed first: some mattes are distributed as JPEG, and
            their noise would make the whole image unknown.

    Returns:
        ``(H, W)`` uint8 of `CODES`; the unknown region is widened by `RADIUS_SHARE` of the long side.
    """
    return trimap_from_alpha(without_jpeg_noise(alpha), max(1, round(RADIUS_SHARE * max(alpha.shape))))
