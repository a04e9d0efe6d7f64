"""Windows in which two mattes differ: most pixels of a good prediction equal the target and need no computation."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Window = tuple[slice, slice]
"""Rows and columns."""
ErrorMap = list[tuple[Window, NDArray[Any]]]
"""An error map by windows, zero outside them: a dense map would consist mostly of zeros to write and to read."""
TILE = 64, 256
"""Largest rows and columns of a window: a dozen float32 images of this size fit into the L2 cache of a core."""


def windows(active: NDArray[np.uint8], margin: int) -> Iterator[Window]:
    """Yield disjoint windows that cover all active pixels and their neighbourhoods.

    Args:
        active: ``(H, W)`` uint8, nonzero at active pixels.
        margin: Radius of the neighbourhood in pixels.

    Yields:
        Row and column slices; together they contain all pixels within the margin of an active one.
    """
    height, width = active.shape
    for top, left in product(range(0, height, TILE[0]), range(0, width, TILE[1])):
        bottom, right = min(top + TILE[0], height), min(left + TILE[1], width)
        y0, x0 = max(top - margin, 0), max(left - margin, 0)
        x, y, w, h = cv2.boundingRect(active[y0 : bottom + margin, x0 : right + margin])
        if w:
            rows = slice(max(y0 + y - margin, top), min(y0 + y + h + margin, bottom))
            yield rows, slice(max(x0 + x - margin, left), min(x0 + x + w + margin, right))
