"""Hair, fur and fuzz as thousands of curves.

OpenCV's anti-aliased lines on an empty four-channel canvas *are* premultiplied compositing: each stroke blends
``(colour, 1)`` by its coverage into the layers below.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from matting.synthetic.layers import SUBPIXEL_BITS, Frame, Layer, Points

TAPER = ((0.0, 0.55, 1.0), (0.5, 0.85, 0.75), (0.8, 1.0, 0.5))
"""Parts of a strand from root to tip: start, end (both as fractions of its points) and relative width."""

CLUMP = 4
"""Consecutive strands that are rendered by one call, in the colour of the first."""

THINNEST = 1.4
"""Canvas pixels that OpenCV's thinnest anti-aliased line covers; thinner strands are rendered translucent."""


@dataclass(frozen=True)
class Strands:
    """A tuft of curves in the head frame.

    Attributes:
        paths: ``(N, K, 2)`` points, root first.
        colours: ``(N, 3)`` sRGB in [0, 1]; each `CLUMP` has that of its first strand.
        width: Width of a strand at its root, head heights.
    """

    paths: Points
    colours: NDArray[np.float64]
    width: float


def render(frame: Frame, strands: Strands) -> Layer:
    """Render the strands as one layer, in the order given."""
    layer = np.zeros((frame.height, frame.width, 4), np.float32)
    if not len(strands.paths):
        return layer
    part, box = frame.window(strands.paths, strands.width)
    canvas = part.blank()
    points = part.fixed_point(strands.paths)
    colours = np.column_stack([np.clip(strands.colours, 0, 1), np.ones(len(points))]) * 255.0
    width = strands.width * frame.head * frame.supersample
    count = points.shape[1] - 1
    parts = [(round(a * count), round(b * count) + 1, line_thickness(width * w)) for a, b, w in TAPER]
    for first in range(0, len(points), CLUMP):
        clump = points[first : first + CLUMP]
        for start, stop, thickness in parts:
            lines = list(clump[:, start:stop])
            cv2.polylines(canvas, lines, False, colours[first].tolist(), thickness, cv2.LINE_AA, SUBPIXEL_BITS)
    layer[box] = part.shrink(canvas) * np.float32(np.clip(width / THINNEST, 0.35, 1.0))
    return layer


def line_thickness(width: float) -> int:
    """Return OpenCV's thickness for an anti-aliased line that covers ``width`` canvas pixels.

    It covers 1.4 pixels for a thickness of 1, else ``2 ceil(thickness / 2) + 1.4`` (measured).
    """
    return 1 if width < THINNEST + 1 else 2 * round((width - THINNEST) / 2)


def shades(
    rng: np.random.Generator, count: int, colour: ArrayLike, spread: float = 0.22, sheen: float = 0.12
) -> NDArray[np.float64]:
    """Sample colours ``(count, 3)`` of strands: dark ones at the bottom of the tuft, a few glossy ones on top.

    Args:
        rng: Random generator.
        count: Number of strands.
        colour: ``(3,)`` sRGB of the tuft.
        spread: Relative variation of brightness.
        sheen: Brightness added to the topmost strands.
    """
    rank = np.linspace(0, 1, count)[:, None]
    gain = 0.65 + 0.4 * rank + rng.normal(0, spread, (count, 1))
    gloss = sheen * rank**3 * rng.random((count, 1))
    return np.clip(np.asarray(colour) * gain + gloss, 0, 1)


def wander(rng: np.random.Generator, paths: Points, amount: float, knots: int = 4) -> Points:
    """Move each path off its course, the tip most; ``amount`` is the typical shift of a tip, head heights."""
    count, samples = paths.shape[:2]
    course = np.cumsum(rng.normal(0, 1, (count, knots, 2)), axis=1) / np.sqrt(knots)
    # The root stays where it is.
    course[:, 0] = 0
    position = np.linspace(0, knots - 1, samples)
    index = np.minimum(position.astype(int), knots - 2)
    t = (position - index)[None, :, None]
    shift = course[:, index] * (1 - t) + course[:, index + 1] * t
    return np.asarray(paths + amount * shift, np.float64)


def curl(rng: np.random.Generator, paths: Points, amplitude: float, turns: float) -> Points:
    """Wind each path into a wave or a curl that opens towards the tip.

    Args:
        rng: Random generator.
        paths: ``(N, K, 2)`` points.
        amplitude: Amplitude of the wave, head heights.
        turns: Turns of the wave along a strand.
    """
    count, samples = paths.shape[:2]
    t = np.linspace(0, 1, samples)[None, :]
    along = np.gradient(paths, axis=1)
    along /= np.linalg.norm(along, axis=2, keepdims=True) + 1e-9
    across = along[..., ::-1] * np.array([1.0, -1.0])
    # Neighbouring strands share most of their phase: hair waves in locks, not one by one.
    lock = np.repeat(rng.uniform(0, 2 * np.pi, count // 24 + 1), 24)[:count, None]
    phase = 2 * np.pi * turns * t * rng.normal(1, 0.06, (count, 1)) + lock + rng.normal(0, 0.5, (count, 1))
    size = amplitude * np.minimum(t * 3, 1) * rng.uniform(0.6, 1.3, (count, 1))
    shift = across * np.sin(phase)[..., None] + 0.5 * along * np.cos(phase)[..., None]
    return np.asarray(paths + shift * size[..., None], np.float64)


def blown(rng: np.random.Generator, paths: Points, wind: float) -> Points:
    """Turn each path about its root, the tip most, as by wind; each strand by a different angle.

    Args:
        rng: Random generator.
        paths: ``(N, K, 2)`` points, root first.
        wind: Mean turn of the tips, radians; 0 leaves the paths as they are.
    """
    if not wind:
        return paths
    turn = wind * rng.gamma(4, 0.25, (len(paths), 1)) * np.linspace(0, 1, paths.shape[1]) ** 1.5
    x, y = np.moveaxis(paths - paths[:, :1], 2, 0)
    turned = np.stack([x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)], axis=2)
    return np.asarray(paths[:, :1] + turned, np.float64)


def tufts(
    rng: np.random.Generator,
    roots: Points,
    directions: Points,
    length: float,
    *,
    gravity: float = 0.3,
    samples: int = 8,
) -> Points:
    """Sample short fibres that grow from ``roots`` along ``directions`` and bend down: fur, fuzz, beard, cropped hair.

    Args:
        rng: Random generator.
        roots: ``(N, 2)`` points.
        directions: ``(N, 2)`` unit vectors.
        length: Mean length, head heights.
        gravity: Sag of the tip, as a fraction of the length.
        samples: Points per fibre.

    Returns:
        ``(N, samples, 2)`` paths.
    """
    t = np.linspace(0, 1, samples)[None, :, None]
    reach = length * rng.uniform(0.4, 1.4, (len(roots), 1, 1))
    angle = rng.normal(0, 0.45, len(roots))
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    turned = directions * c + directions[:, ::-1] * np.array([-1.0, 1.0]) * s
    sag = np.array([0.0, 1.0]) * gravity * t**2
    return wander(rng, roots[:, None] + reach * (turned[:, None] * t + sag), 0.12 * length)
