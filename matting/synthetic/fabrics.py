"""Cloth of every kind: woven, printed, dyed, creased.

Clothes are the most varied part of a portrait. A network that has only seen a few smooth cloths takes the others for
background, so patterns, colours and contrasts vary far more here than in fashion (domain randomisation:
Tobin et al., Domain Randomization for Transferring Deep Neural Networks, 2017).
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from matting.synthetic.brush import blend, dead_leaves, ramp
from matting.synthetic.built import bricks, street
from matting.synthetic.layers import Colours, Plane, repeated
from matting.synthetic.nature import foliage, fur, landscape, shore
from matting.synthetic.textures import natural_colour, noise

Palette = NDArray[np.float32]
"""``(N, 3)`` colours: the main one first."""
LEAST_TILE, LARGEST_TILE = 20, 224  # pixels: a smaller one shows nothing, a larger one is not worth its cost
GLYPHS = "ABCDEFGHKLMNOPRSTUVWXYZ0123456789&!?*"


def cloth(
    rng: np.random.Generator, height: int, width: int, colour: ArrayLike, scale: float, *, kind: str | None = None
) -> Colours:
    """Render cloth ``(height, width, 3)`` in the given main colour.

    Args:
        rng: Random generator.
        height: Pixels.
        width: Pixels.
        colour: ``(3,)`` main colour.
        scale: Size of the pattern, pixels.
        kind: One of :data:`PATTERNS`; None samples one.
    """
    kind = kind or str(rng.choice(list(PATTERNS), p=_SHARES))
    if scale >= 4:  # at half the size, a quarter of the cost: no lens resolves so fine a weave
        half = _woven(rng, (height + 1) // 2, (width + 1) // 2, colour, scale / 2, kind)
        return np.asarray(cv2.resize(half, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return _woven(rng, height, width, colour, scale, kind)


def _woven(rng: np.random.Generator, height: int, width: int, colour: ArrayLike, scale: float, kind: str) -> Colours:
    creases = _creases(rng, height, width, scale * rng.uniform(5, 25))
    light = _crease_light(rng, creases)
    light *= 1 + np.float32(rng.gamma(1.5, 0.03)) * rng.standard_normal((height, width), np.float32)
    tile = PATTERNS[kind](rng, _tile_side(rng, scale), _palette(rng, colour))
    return _lit(tile if len(tile) == 1 else _laid_out(rng, tile, creases, scale), light)


def _lit(dyed: Colours, light: Plane) -> Colours:
    return np.asarray(np.clip(dyed * repeated(light, 3), 0, 1), np.float32)


def _tile_side(rng: np.random.Generator, scale: float) -> int:
    # Log-uniform: halving and doubling are equally likely.
    return int(np.clip(scale * np.exp(rng.uniform(np.log(5), np.log(45))), LEAST_TILE, LARGEST_TILE))


def _palette(rng: np.random.Generator, colour: ArrayLike) -> Palette:
    """Sample up to five colours for the main one: shades of it, or of any hue and contrast."""
    main = np.asarray(colour, np.float64)
    count, shades = int(rng.integers(1, 6)), rng.random() < 0.35
    others = [main * rng.uniform(0.5, 1.6) + rng.uniform(-0.1, 0.15) for _ in range(count)]
    if not shades:
        others = [natural_colour(rng, 0.03, 1.0, 0.4) for _ in range(count)]
    return np.asarray(np.clip(np.array([main, *others]), 0.02, 0.98), np.float32)


def _creases(rng: np.random.Generator, height: int, width: int, size: float) -> Plane:
    """Sample the height of the cloth: folds that are longer in one direction, computed at a quarter of the size."""
    h, w = max(height // 4, 2), max(width // 4, 2)
    stretch = rng.uniform(1.0, 4.0)
    waves = noise(rng, h, max(int(w * stretch), 2), max(size / 4, 1.5), 5, rng.uniform(0.35, 0.65))
    field = cv2.resize(waves, (w, h), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.6:  # folds hang down or run across, or slant
        turn = cv2.getRotationMatrix2D((w / 2, h / 2), rng.uniform(-70, 70), 1.0)
        field = cv2.warpAffine(field, turn, (w, h), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _crease_light(rng: np.random.Generator, creases: Plane) -> Plane:
    """Light the folds from one side, with their valleys in shade: from a smooth knit to crumpled linen."""
    height, width = creases.shape
    small = cv2.resize(creases, (max(width // 2, 1), max(height // 2, 1)), interpolation=cv2.INTER_AREA)
    turn = rng.uniform(0, 2 * np.pi)
    slope = np.cos(turn) * cv2.Sobel(small, cv2.CV_32F, 1, 0) + np.sin(turn) * cv2.Sobel(small, cv2.CV_32F, 0, 1)
    # Relative, so that `side` sets the contrast whatever the size of the folds.
    slope /= max(float(slope.std()), 1e-4)
    ridges = np.minimum(np.abs(small - np.float32(0.5)) * np.float32(4), 1)
    side, depth = rng.gamma(2.0, 0.05), rng.choice([0.0, rng.uniform(0.1, 0.6)])
    lit = 1 + np.float32(side) * np.clip(slope, -2.5, 2.5) - np.float32(depth) * (1 - ridges)
    return np.asarray(np.clip(cv2.resize(lit.astype(np.float32), (width, height)), 0.15, 1.8), np.float32)


def _laid_out(rng: np.random.Generator, tile: Colours, creases: Plane, scale: float) -> Colours:
    """Repeat the tile over the cloth, rotated, and bent with the folds."""
    height, width = creases.shape
    turn = rng.normal(0, 0.1) + rng.choice([0.0, np.pi / 4, np.pi / 2], p=[0.6, 0.1, 0.3])
    x, y = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
    bend = creases * np.float32(scale * rng.uniform(0.5, 8))
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    across, down = c * x + s * y + bend + rng.uniform(0, 500), c * y - s * x + bend + rng.uniform(0, 500)
    maps = np.asarray(across, np.float32), np.asarray(down, np.float32)
    # Mirrored at its edges, a tile joins itself without a seam.
    return np.asarray(cv2.remap(tile, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.float32)


def _plain(_: np.random.Generator, side: int, palette: Palette) -> Colours:
    # One pixel: `_woven` does not lay it out.
    return palette[None, :1]


def _bands(rng: np.random.Generator, side: int, palette: Palette) -> Colours:
    """Sample colours in stripes of random widths, ``(side, 3)``."""
    widths = rng.choice([1.0, 1.0, 2.0, 4.0, 8.0], 64) * side / rng.uniform(15, 80)
    index = np.searchsorted(np.cumsum(np.maximum(widths, 1.0)), np.arange(side)) % 64
    order = rng.integers(len(palette), size=64)
    # Every other stripe has the main colour, which keeps the cloth recognisable.
    order[::2] = 0
    return np.asarray(palette[order[index]], np.float32)


def _stripes(rng: np.random.Generator, side: int, palette: Palette) -> Colours:
    return np.broadcast_to(_bands(rng, side, palette)[:, None], (side, side, 3)).copy()


def _checks(rng: np.random.Generator, side: int, palette: Palette) -> Colours:
    bands = _bands(rng, side, palette)
    other = bands if rng.random() < 0.6 else _bands(rng, side, palette)
    share = np.float32(rng.uniform(0.3, 0.7))
    return np.asarray(share * bands[:, None] + (1 - share) * other[None], np.float32)


def _flowers(rng: np.random.Generator, side: int, palette: Palette) -> Colours:
    tile = np.full((side, side, 3), palette[0], np.float32)
    for _ in range(rng.integers(5, 40)):
        middle, radius = rng.uniform(0, side, 2), side * rng.uniform(0.02, 0.13)
        petals, tone = int(rng.integers(3, 8)), palette[rng.integers(len(palette))] * rng.uniform(0.7, 1.3)
        for turn in np.arange(petals) * 2 * np.pi / petals + rng.uniform(0, 2):
            place = middle + 0.7 * radius * np.array([np.cos(turn), np.sin(turn)])
            axes = (int(0.6 * radius) + 1, int(0.4 * radius) + 1)
            cv2.ellipse(tile, _whole(place), axes, np.rad2deg(turn), 0, 360, tone.tolist(), -1, cv2.LINE_AA)
        cv2.circle(tile, _whole(middle), int(0.3 * radius) + 1, palette[-1].tolist(), -1, cv2.LINE_AA)
    return np.clip(tile, 0, 1)


def _dots(rng: np.random.Generator, side: int, palette: Palette) -> Colours:
    tile = np.full((side, side, 3), palette[0], np.float32)
    step = max(side / rng.integers(3, 12), 3.0)
    radius = max(int(step * rng.uniform(0.12, 0.42)), 1)
    for row, y in enumerate(np.arange(0, side + step, step)):
        for x in np.arange(step / 2 * (row % 2), side + step, step):
            tone = palette[1 + rng.integers(len(palette) - 1)]
            cv2.circle(tile, _whole(np.array([x, y])), radius, tone.tolist(), -1, cv2.LINE_AA)
    return tile


def _shapes(rng: np.random.Generator, side: int, palette: Palette) -> Colours:
    return dead_leaves(rng, side, side, palette)


def _camouflage(rng: np.random.Generator, side: int, palette: Palette) -> Colours:
    field = noise(rng, side, side, side / rng.uniform(2, 8), int(rng.integers(1, 5)))
    field = (field - field.min()) / max(float(np.ptp(field)), 1e-3)
    return np.asarray(palette[np.minimum((field * len(palette)).astype(int), len(palette) - 1)], np.float32)


def _spots(rng: np.random.Generator, side: int, palette: Palette) -> Colours:
    field = noise(rng, side, side, side / rng.uniform(4, 14), 2)
    low = rng.uniform(0.3, 0.6)
    return blend(np.asarray((field > low) & (field < low + rng.uniform(0.05, 0.2)), np.float32), palette[0], palette[1])


def _mottled(rng: np.random.Generator, side: int, palette: Palette) -> Colours:
    field = noise(rng, side, side, side / rng.uniform(1, 10), 7, rng.uniform(0.5, 1.1))
    field = np.clip((field - 0.5) * rng.uniform(1, 5) + 0.5, 0, 1)
    return blend(np.asarray(field, np.float32), palette[0], palette[1])


def _knit(rng: np.random.Generator, side: int, palette: Palette) -> Colours:
    y, x = np.mgrid[:side, :side].astype(np.float32) / side * np.float32(2 * np.pi * rng.integers(2, 14))
    weight = 0.5 + 0.5 * np.sin(y + 2 * np.abs(np.sin(x / 2)))
    return blend(np.asarray(weight * rng.uniform(0.3, 1), np.float32), palette[0], palette[1])


def _ornament(rng: np.random.Generator, side: int, palette: Palette) -> Colours:
    """Render bands of zigzags, triangles, dots and lines, one below the other."""
    tile, y = np.zeros((side, side, 3), np.float32), 0
    while y < side:
        tall = max(int(side * rng.uniform(0.05, 0.25)), 3)
        back, front = palette[rng.integers(len(palette), size=2)]
        tile[y : y + tall] = back
        count = int(rng.integers(2, 12))
        corners = np.array([(side * k / count / 2, y + tall * (k % 2)) for k in range(2 * count + 1)])
        points = np.rint(corners).astype(np.int32)
        if (kind := rng.integers(3)) == 0:
            cv2.fillPoly(tile, [points], front.tolist(), cv2.LINE_AA)
        elif kind == 1:
            cv2.polylines(tile, [points], False, front.tolist(), max(tall // 5, 1), cv2.LINE_AA)
        else:
            for x in points[::2, 0]:
                cv2.circle(tile, (int(x), y + tall // 2), max(tall // 4, 1), front.tolist(), -1, cv2.LINE_AA)
        y += tall
    return tile


def _letters(rng: np.random.Generator, side: int, palette: Palette) -> Colours:
    tile = np.full((side, side, 3), palette[0] * 255, np.uint8)
    for _ in range(rng.integers(3, 25)):
        word = "".join(rng.choice(list(GLYPHS), int(rng.integers(1, 8))))
        tone, place = 255 * palette[1 + rng.integers(len(palette) - 1)], _whole(rng.uniform(-0.1, 1, 2) * side)
        size = side / 40 * rng.uniform(0.2, 1.2)
        face, thick = int(rng.integers(0, 8)), max(int(size * rng.uniform(0.5, 3)), 1)
        cv2.putText(tile, word, place, face, size, tone.tolist(), thick, cv2.LINE_AA)
    return np.asarray(tile / np.float32(255), np.float32)


def _dyed(rng: np.random.Generator, side: int, palette: Palette) -> Colours:
    weight = np.clip((ramp(side, side, rng.uniform(0, 2 * np.pi)) - 0.5) * rng.uniform(1, 6) + 0.5, 0, 1)
    return blend(np.asarray(weight, np.float32), palette[0], palette[1])


def _view(rng: np.random.Generator, side: int, palette: Palette) -> Colours:
    """Render a background as a print, so that texture alone does not separate person from background."""
    painter = (foliage, fur, landscape, shore, street, bricks)[rng.integers(6)]
    image = painter(rng, side, side)
    return np.asarray(np.clip(image * (0.5 + palette[0]) if rng.random() < 0.5 else image, 0, 1), np.float32)


def _whole(point: NDArray[np.float64]) -> tuple[int, int]:
    return int(point[0]), int(point[1])


PATTERNS: dict[str, Callable[[np.random.Generator, int, Palette], Colours]] = {
    "plain": _plain,
    "stripes": _stripes,
    "checks": _checks,
    "flowers": _flowers,
    "dots": _dots,
    "shapes": _shapes,
    "camouflage": _camouflage,
    "spots": _spots,
    "mottled": _mottled,
    "knit": _knit,
    "ornament": _ornament,
    "letters": _letters,
    "dyed": _dyed,
    "view": _view,
}
"""Functions that render a tile ``(side, side, 3)``, or one pixel for cloth of one colour."""
_SHARES = np.array([30, 10, 9, 8, 4, 7, 5, 4, 8, 4, 4, 3, 2, 2]) / 100
