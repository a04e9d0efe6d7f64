"""Tiles of a matte that contain soft pixels, so that work is done only there."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Window = tuple[slice, slice]
"""Rows and columns."""


class Tile(NamedTuple):
    """A rectangle of an image.

    Attributes:
        core: The part that the tile is responsible for; cores do not overlap.
        window: The core with a margin on each side, as far as the image extends.
        inner: The core within the window.
    """

    core: Window
    window: Window
    inner: Window


def soft(alpha: NDArray[np.float32], margin: int) -> NDArray[np.bool_]:
    """Return where a matte is neither 0 nor 1, or where 0 and 1 meet without a soft pixel between them.

    Args:
        alpha: ``(H, W)`` float32 in [0, 1].
        margin: Width of the border around these pixels that counts as soft as well, in pixels, at least 1.

    Returns:
        ``(H, W)`` boolean.
    """
    window = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    return np.asarray(cv2.dilate(alpha, window) - cv2.erode(alpha, window) > 1 / 255)


def tiles(region: NDArray[np.bool_], side: int, margin: int = 0) -> Iterator[Tile]:
    """Split an image into tiles and yield those that a region touches.

    Args:
        region: ``(H, W)`` boolean.
        side: Side of a core, in pixels; cores at the lower and right edge may be smaller.
        margin: Margin of the window around a core, in pixels.

    Yields:
        The tiles, row by row.
    """
    height, width = region.shape
    lefts = np.arange(0, width, side)
    for top in range(0, height, side):
        used = cv2.reduce(region[top : top + side].view(np.uint8), 0, cv2.REDUCE_MAX)[0]
        for left in lefts[np.maximum.reduceat(used, lefts) > 0].tolist():
            bottom, right = min(top + side, height), min(left + side, width)
            # Slices end at the lower and right border by themselves; a negative start would count from their side.
            above, before = max(top - margin, 0), max(left - margin, 0)
            yield Tile(
                core=(slice(top, bottom), slice(left, right)),
                window=(slice(above, bottom + margin), slice(before, right + margin)),
                inner=(slice(top - above, bottom - above), slice(left - before, right - before)),
            )
