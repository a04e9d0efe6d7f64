"""Where two mattes differ: most of a good prediction equals its target, and equal pixels cost nothing."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Window = tuple[slice, slice]
"""Rows and columns."""
ErrorMap = list[tuple[Window, NDArray[Any]]]
"""A map by its windows, zero outside them: most of it would be zeros that cost memory to write and to read."""
TILE = 64, 256
"""Rows and columns of a window at most: a dozen float32 images of this size stay in a core's second-level cache."""


def windows(active: NDArray[np.uint8], margin: int) -> Iterator[Window]:
    """Yield disjoint windows that cover every active pixel and its neighbourhood.

    Args:
        active: ``(H, W)`` uint8, nonzero at active pixels.
        margin: How far in pixels an active pixel's influence reaches, in each direction.

    Yields:
        Row and column slices; together they hold all pixels within the margin of an active one.
    """
    height, width = active.shape
    for top, left in product(range(0, height, TILE[0]), range(0, width, TILE[1])):
        bottom, right = min(top + TILE[0], height), min(left + TILE[1], width)
        y0, x0 = max(top - margin, 0), max(left - margin, 0)
        x, y, w, h = cv2.boundingRect(active[y0 : bottom + margin, x0 : right + margin])
        if w:
            rows = slice(max(y0 + y - margin, top), min(y0 + y + h + margin, bottom))
            yield rows, slice(max(x0 + x - margin, left), min(x0 + x + w + margin, right))
