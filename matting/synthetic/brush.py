"""The primitives of all scenes: colours, ramps, shapes of every size."""

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from matting.synthetic.layers import Colours, Plane
from matting.synthetic.textures import natural_colour, noise


def colour(rng: np.random.Generator, low: float = 0.1, high: float = 0.9, vivid: float = 0.07) -> NDArray[np.float32]:
    """Sample a colour ``(3,)`` with :func:`matting.synthetic.textures.natural_colour`."""
    return natural_colour(rng, low, high, vivid).astype(np.float32)


def blend(weight: Plane, first: ArrayLike, second: ArrayLike) -> Colours:
    """Blend from the first colour or image to the second by weight ``(H, W)``."""
    shape = (*weight.shape, 3)
    one, other = (np.broadcast_to(np.asarray(end, np.float32), shape) for end in (first, second))
    remaining = 1 - weight
    # Channel by channel: NumPy is slow where the axis to be broadcast is short.
    return np.asarray(cv2.merge([remaining * one[..., k] + weight * other[..., k] for k in range(3)]), np.float32)


def ramp(height: int, width: int, angle: float) -> Plane:
    """Return a slope from 0.1 to 0.9 across the image, rising towards ``angle`` (radians)."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.asarray(np.clip(0.5 + 0.4 * (x * np.cos(angle) + y * np.sin(angle)), 0, 1), np.float32)


def shapes(
    rng: np.random.Generator, image: Colours, count: int, size: tuple[float, float], colours: NDArray[np.float32]
) -> Colours:
    """Paint ellipses of random position and angle in the given colours over ``image``."""
    height, width = image.shape[:2]
    for _ in range(count):
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        long = rng.uniform(*size) * height
        axes = (max(int(long), 1), max(int(long * rng.uniform(0.25, 1)), 1))
        colour = (colours[rng.integers(len(colours))] * rng.uniform(0.6, 1.3)).tolist()
        cv2.ellipse(image, centre, axes, rng.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
    return image


def dead_leaves(rng: np.random.Generator, height: int, width: int, palette: NDArray[np.float32]) -> Colours:
    """Render shapes that occlude each other, small ones more often: the edges and the 1/f spectrum of photos.

    The dead leaves model (Lee, Mumford and Huang, Occlusion Models for Natural Images, 2001), with textured shapes.

    Args:
        rng: Random generator.
        height: Pixels.
        width: Pixels.
        palette: ``(N, 3)`` colours to choose from.
    """
    image = np.full((height, width, 3), palette[0], np.float32)
    least, most = 0.012, rng.uniform(0.2, 0.6)
    sharp = rng.random()
    count = int(rng.integers(150, 450))
    # Density of radii r^-3: the inverse of its distribution function.
    radii = height / np.sqrt(least**-2 - rng.random(count) * (least**-2 - most**-2))
    # A few large shapes first, so that little of the plain base remains visible.
    for radius in np.where(np.arange(count) < 12, height * rng.uniform(0.2, 0.5, count), radii):
        tone = palette[rng.integers(len(palette))] * rng.uniform(0.6, 1.3)
        centre = rng.uniform(-0.1, 1.1, 2) * [width, height]
        if rng.random() < sharp:
            half = radius * rng.uniform(0.3, 1.2, 2)
            angle = rng.normal(0, 0.1) + (rng.random() < 0.2) * rng.uniform(0, np.pi)
            box = cv2.boxPoints((tuple(centre.tolist()), tuple((2 * half).tolist()), np.rad2deg(angle)))
            cv2.fillConvexPoly(image, np.rint(box).astype(np.int32), tone.tolist(), cv2.LINE_AA)
        else:
            axes = (int(radius) + 1, int(radius * rng.uniform(0.3, 1)) + 1)
            middle = (int(centre[0]), int(centre[1]))
            cv2.ellipse(image, middle, axes, rng.uniform(0, 180), 0, 360, tone.tolist(), -1, cv2.LINE_AA)
    return np.clip(image, 0, 1)


def weathering(rng: np.random.Generator, height: int, width: int) -> Plane:
    """Return variations of brightness at every scale, ``(H, W)`` around 1: no surface in a photo has one colour."""
    depth = rng.uniform(0.4, 1.6)
    dirt = noise(rng, height, width, height * 0.7, 9, rng.uniform(0.55, 0.85))
    return np.asarray(1 + depth * (dirt - 0.5), np.float32)
