"""Premultiplied RGBA layers and their operations: fill, stack, unpremultiply, extend.

Everything is rendered in the head frame of a person: the unit is one head height, the origin the middle of the head,
y points down. :class:`Frame` places it in the image. Polygons and strands are rasterised on a supersampled canvas,
so the alpha of a strand half a pixel wide is the coverage that a camera would have integrated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Layer = NDArray[np.float32]
"""``(H, W, 4)`` float32: sRGB times alpha, then alpha, each in [0, 1]."""
Plane = NDArray[np.float32]
"""``(H, W)`` float32 in [0, 1]."""
Colours = NDArray[np.float32]
"""``(H, W, 3)`` float32 sRGB in [0, 1]."""
Points = NDArray[np.float64]
"""``(..., 2)`` float64: x, y."""

Box = tuple[slice, slice]
"""Rows and columns of a rectangle."""

SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Frame:
    """The position of a person in an image.

    Attributes:
        height: Height of the image, pixels.
        width: Width of the image, pixels.
        head: Height of the head, pixels.
        centre: Middle of the head, pixels (x, y).
        roll: Lean of the whole body, radians.
        supersample: Canvas pixels per image pixel and axis.
    """

    height: int
    width: int
    head: float
    centre: tuple[float, float]
    roll: float = 0.0
    supersample: int = 3

    def pixels(self, points: ArrayLike) -> Points:
        """Convert head-frame points ``(..., 2)`` to image pixels; the centre of a pixel is at ``+0.5``."""
        c, s = np.cos(self.roll), np.sin(self.roll)
        turned = np.asarray(points, np.float64) @ np.array([[c, s], [-s, c]])
        return np.asarray(turned * self.head + np.asarray(self.centre), np.float64)

    def fixed_point(self, points: ArrayLike) -> NDArray[np.int32]:
        """Convert head-frame points to OpenCV's fixed-point coordinates on the supersampled canvas."""
        canvas = self.pixels(points) * self.supersample - 0.5  # OpenCV puts the centre of a pixel at an integer
        return np.asarray(np.rint(np.clip(canvas, -30000, 30000) * 2**SUBPIXEL_BITS), np.int32)

    def blank(self) -> NDArray[np.uint8]:
        """Return an empty supersampled canvas of four channels."""
        return np.zeros((self.height * self.supersample, self.width * self.supersample, 4), np.uint8)

    def shrink(self, canvas: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Average the canvas over image pixels and scale it to [0, 1]."""
        small = cv2.resize(canvas, (self.width, self.height), interpolation=cv2.INTER_AREA)
        return np.asarray(small / np.float32(255.0), np.float32)

    def window(self, points: Points, margin: float = 0.0) -> tuple["Frame", Box]:
        """Return the part of the image that contains ``points`` ``(..., 2)``, as a frame of its own, and its box.

        Args:
            points: Points in the head frame.
            margin: Margin around the points, head heights.
        """
        pixels = self.pixels(points).reshape(-1, 2)
        # Two pixels for what antialiasing adds outside.
        reach = margin * self.head + 2
        left, top = (int(v) for v in np.clip(np.floor(pixels.min(0) - reach), 0, (self.width - 1, self.height - 1)))
        right, bottom = np.ceil(pixels.max(0) + reach)
        width, height = (
            int(np.clip(right, left + 1, self.width)) - left,
            int(np.clip(bottom, top + 1, self.height)) - top,
        )
        centre = (self.centre[0] - left, self.centre[1] - top)
        return replace(self, height=height, width=width, centre=centre), np.s_[top : top + height, left : left + width]


def extent(plane: NDArray[np.float32]) -> Box:
    """Return the smallest box that contains all values above zero."""
    x, y, width, height = cv2.boundingRect((plane > 0).view(np.uint8))
    return np.s_[y : y + height, x : x + width]


def fill(frame: Frame, *polygons: Points) -> Plane:
    """Return the coverage of the union of closed polygons given in the head frame."""
    part, box = frame.window(np.concatenate(polygons))
    canvas = np.zeros((part.height * part.supersample, part.width * part.supersample), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(canvas, [part.fixed_point(polygon)], 255.0, cv2.LINE_AA, SUBPIXEL_BITS)
    coverage = np.zeros((frame.height, frame.width), np.float32)
    coverage[box] = part.shrink(canvas)
    return coverage


def tinted(coverage: Plane, colour: ArrayLike) -> Layer:
    """Return a layer of one colour ``(3,)`` or an image ``(H, W, 3)`` with the alpha ``coverage``."""
    box = extent(coverage)
    value = np.asarray(colour, np.float32)
    layer = np.zeros((*coverage.shape, 4), np.float32)
    np.multiply(value if value.ndim == 1 else value[box], coverage[box][..., None], out=layer[box][..., :3])
    layer[..., 3] = coverage
    return layer


def over(top: Layer, bottom: Layer) -> Layer:
    """Composite two premultiplied layers with Porter and Duff's *over* (Compositing Digital Images, 1984)."""
    result = bottom.copy()
    paint(result, top)
    return result


def paint(canvas: Layer, top: Layer) -> None:
    """Composite ``top`` over ``canvas`` in place, as :func:`over`."""
    # Most parts cover a small part of the image.
    box = extent(top[..., 3])
    front = top[box]
    canvas[box] *= repeated(1 - front[..., 3], 4)
    canvas[box] += front


def repeated(plane: Plane, channels: int) -> NDArray[np.float32]:
    """Repeat a plane over channels; faster than broadcasting, which NumPy does slowly along a short axis."""
    return np.asarray(cv2.merge([plane] * channels), np.float32) if plane.size else plane[..., None]


def times(image: Colours, colour: ArrayLike) -> Colours:
    """Multiply an image by a colour ``(3,)``; flattened, because NumPy broadcasts slowly along a short axis."""
    height, width = image.shape[:2]
    row = np.tile(np.asarray(colour, np.float32), width)
    return np.asarray((image.reshape(height, -1) * row).reshape(image.shape), np.float32)


def padded(box: Box, margin: int, shape: tuple[int, ...]) -> Box:
    """Enlarge a box by ``margin`` pixels on each side, within an image of this ``shape``."""
    rows, columns = (
        slice(max(side.start - margin, 0), min(side.stop + margin, length))
        for side, length in zip(box, shape[:2], strict=True)
    )
    return rows, columns


def stack(layers: Sequence[Layer]) -> Layer:
    """Composite layers given from back to front."""
    result = layers[0].copy()
    for layer in layers[1:]:
        paint(result, layer)
    return result


def gaussian(image: NDArray[np.float32], sigma: float, border: int = cv2.BORDER_DEFAULT) -> NDArray[np.float32]:
    """Blur by a Gaussian of ``sigma`` pixels; wide ones run on a smaller image, so that the cost does not grow."""
    # Three pixels of sigma or more remain on the smaller image, too smooth for the resampling to show.
    factor = max(int(sigma / 3), 1)
    if factor == 1:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=border), np.float32)
    size = image.shape[1::-1]
    small = cv2.resize(image, (-(-size[0] // factor), -(-size[1] // factor)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / factor, borderType=border), size), np.float32)


def straight(layer: Layer) -> tuple[Colours, Plane]:
    """Return foreground colours and alpha of a layer, with the colours extended beyond the subject.

    A JPEG of colours that end at the subject's edge would bleed black into the hair, so the colours are extended
    outwards: each level of a pyramid fills the pixels that the finer one leaves empty.

    Args:
        layer: Premultiplied layer.

    Returns:
        ``(H, W, 3)`` colours, exact wherever alpha is at least 1 / 255, and ``(H, W)`` alpha.
    """
    alpha = np.clip(layer[..., 3], 0.0, 1.0)
    levels = [layer]
    while min(levels[-1].shape[:2]) > 2:
        levels.append(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    colour = _divide(levels[-1])
    for level in reversed(levels[:-1]):
        coarse = cv2.resize(colour, level.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        # Below one level of alpha the quotient is mostly rounding: the coarser colour replaces it.
        known = np.minimum(level[..., 3:] * 255.0, 1.0)
        colour = known * _divide(level) + (1.0 - known) * coarse
    return np.clip(colour, 0.0, 1.0), alpha


def _divide(layer: Layer) -> Colours:
    return np.asarray(layer[..., :3] / np.maximum(layer[..., 3:], 1e-6), np.float32)


def compose(foreground: Colours, alpha: Plane, background: Colours) -> Colours:
    """Composite by the equation ``I = alpha F + (1 - alpha) B``."""
    return foreground * repeated(alpha, 3) + background * repeated(1 - alpha, 3)


def smooth_loop(points: ArrayLike, samples: int = 96) -> Points:
    """Return a closed Catmull-Rom curve through ``points`` ``(N, 2)``, sampled at ``samples`` points."""
    knots = np.asarray(points, np.float64)
    position = np.arange(samples) * len(knots) / samples
    index = position.astype(int)
    a, b, c, d = (knots[(index + k) % len(knots)] for k in (-1, 0, 1, 2))
    return _catmull_rom(a, b, c, d, position - index)


def smooth_path(points: ArrayLike, samples: int = 32) -> Points:
    """Return an open Catmull-Rom curve through ``points`` ``(..., N, 2)``, sampled at ``samples`` points."""
    knots = np.asarray(points, np.float64)
    last = knots.shape[-2] - 1
    position = np.linspace(0, last, samples)
    index = np.minimum(position.astype(int), last - 1)
    a, b, c, d = (knots[..., np.clip(index + k, 0, last), :] for k in (-1, 0, 1, 2))
    return _catmull_rom(a, b, c, d, position - index)


def _catmull_rom(a: Points, b: Points, c: Points, d: Points, fraction: NDArray[np.float64]) -> Points:
    t = fraction[:, None]
    curve = 2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - 3 * c + d - a) * t**3
    return np.asarray(0.5 * curve, np.float64)


def tube(path: ArrayLike, widths: ArrayLike, samples: int = 40) -> Points:
    """Return the outline of a limb with round ends: a smooth path with a half-width that runs through ``widths``.

    Args:
        path: ``(N, 2)`` points of the middle line.
        widths: ``(N,)`` half-widths, in the unit of the points.
        samples: Points along the middle line.
    """
    line = smooth_path(path, samples)
    half = np.asarray(widths, np.float64)
    radius = np.interp(np.linspace(0, len(half) - 1, samples), np.arange(len(half)), half)[:, None]
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    across = along[:, ::-1] * np.array([1.0, -1.0])
    turn = np.linspace(0, np.pi, 9)[1:-1, None]
    # Half circles, without their end points, which the sides already have.
    end = line[-1] + radius[-1] * (across[-1] * np.cos(turn) + along[-1] * np.sin(turn))
    start = line[0] - radius[0] * (across[0] * np.cos(turn) + along[0] * np.sin(turn))
    return np.concatenate([line + across * radius, end, (line - across * radius)[::-1], start])
