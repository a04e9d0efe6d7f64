"""Cropping: from full-size layers to the square that a worker delivers."""

from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.images import Pixels

Pixel = TypeVar("Pixel", np.uint8, np.bool_)

ALIASING_STARTS = 1.5
"""Shrinking factor up to which linear interpolation, which reads 2 x 2 pixels, does not alias visibly."""

STRETCH = 1.5
"""Largest ratio of a crop's long side to its short side."""


class Box(NamedTuple):
    """A rectangle in pixels: rows ``top … top + height``, columns ``left … left + width``."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, image: NDArray[Pixel]) -> NDArray[Pixel]:
        """Return the part of an image inside the box, as a view."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]

    def within(self, outer: "Box") -> "Box":
        """Convert the box from pixels of ``outer`` to pixels of the image."""
        return self._replace(top=outer.top + self.top, left=outer.left + self.left)

    def aligned(self, factor: int, height: int, width: int) -> "Box":
        """Enlarge the box to whole ``factor`` x ``factor`` blocks of a ``height`` x ``width`` image.

        Partial blocks at the right and lower edge of the image are left out: scaled up with the others, they would
        be shifted.
        """
        top, left = self.top // factor, self.left // factor
        # -(-a // b) rounds up.
        bottom = min(height // factor, -(-(self.top + self.height) // factor))
        right = min(width // factor, -(-(self.left + self.width) // factor))
        return Box(top * factor, left * factor, (bottom - top) * factor, (right - left) * factor)

    def reduced(self, factor: int) -> "Box":
        """Convert an aligned box to pixels of the image reduced by ``factor``."""
        return Box(*(length // factor for length in self))


def full_box(height: int, width: int) -> Box:
    """Return the box of the whole image."""
    return Box(0, 0, height, width)


def choose_box(alpha: Pixels, rng: np.random.Generator, smallest: float) -> Box:
    """Choose a crop around a random pixel of the unknown region.

    The crop is a square in image pixels, since the predictor keeps proportions as well. Its side is a uniform share of
    the image's long side, so that both whole people and close-ups occur. Where the square exceeds the short side it is
    clipped, and the person is stretched, by 3:2 at most, when the box is resized to a square.

    Args:
        alpha: ``(H, W)`` uint8.
        rng: Random numbers of the draw.
        smallest: Smallest share of the long side, in (0, 1].

    Returns:
        A box inside the image that contains the chosen pixel.
    """
    height, width = alpha.shape
    side = min(rng.uniform(smallest, 1.0) * max(height, width), STRETCH * min(height, width))
    box_height, box_width = max(1, min(height, round(side))), max(1, min(width, round(side)))
    row, column = _unknown_pixel(alpha, rng)
    top = _start(row, box_height, height, rng)
    left = _start(column, box_width, width, rng)
    return Box(top, left, box_height, box_width)


def scene_box(height: int, width: int, rng: np.random.Generator) -> Box:
    """Choose a square part of a background, between half and all of its short side."""
    side = max(1, round(min(height, width) * rng.uniform(0.5, 1.0)))
    return Box(int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1)), side, side)


def resize(image: Pixels, height: int, width: int | None = None) -> Pixels:
    """Resize: by area where an image shrinks a lot, else linearly, which is five times as fast.

    Args:
        image: ``(h, w)`` or ``(h, w, 3)`` uint8.
        height: Height of the result in pixels.
        width: Width of the result in pixels; the height by default.

    Returns:
        The image at its new size, uint8.
    """
    width = width or height
    down, across = image.shape[0] / height, image.shape[1] / width
    # Averaging by area is for shrinking, so not where a side grows.
    aliases = max(down, across) > ALIASING_STARTS and min(down, across) >= 1
    method = cv2.INTER_AREA if aliases else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), dtype=np.uint8)


def _unknown_pixel(alpha: Pixels, rng: np.random.Generator, stride: int = 4) -> tuple[int, int]:
    """Choose a random soft pixel on a coarse grid; any pixel where the matte has no soft one."""
    # Every fourth row and column is enough to find soft pixels, in a sixteenth of the time.
    coarse = alpha[::stride, ::stride]
    soft = np.flatnonzero(coarse - np.uint8(1) < 254)  # neither 0, which wraps around, nor 255
    chosen = int(soft[rng.integers(len(soft))] if len(soft) else rng.integers(coarse.size))
    row, column = divmod(chosen, coarse.shape[1])
    return row * stride, column * stride


def _start(pixel: int, length: int, total: int, rng: np.random.Generator) -> int:
    # From the first start to the last with which the part contains the pixel and stays inside.
    lowest, highest = max(0, pixel - length + 1), min(pixel, total - length)
    return int(rng.integers(lowest, highest + 1))
