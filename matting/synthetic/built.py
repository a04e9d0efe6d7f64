"""Built backgrounds: walls, streets, rooms."""

import cv2
import numpy as np
from numpy.typing import ArrayLike

from matting.synthetic.brush import blend, colour, dead_leaves, ramp, shapes
from matting.synthetic.layers import Colours, gaussian
from matting.synthetic.textures import noise


def wall(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render a painted wall with plaster grain and uneven light."""
    light = ramp(height, width, rng.uniform(0, 2 * np.pi))
    base = blend(light, colour(rng), colour(rng, 0.3, 0.9, 0.05) * 0.5) * 0.6 + colour(rng, 0.2, 0.9) * 0.4
    return np.asarray(base * (0.9 + 0.2 * noise(rng, height, width, 30, 5)[..., None]), np.float32)


def gradient(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render a studio backdrop: one colour with a glow."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    glow = np.exp(-((x - rng.normal(0, 0.4)) ** 2 + (y - rng.normal(-0.1, 0.4)) ** 2) / rng.uniform(0.3, 1.5))
    tone = colour(rng, 0.05, 0.95)
    return blend(np.asarray(glow, np.float32), tone * rng.uniform(0.3, 0.8), tone)


def hard_light(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render a wall in the sun, under the shadow of a window, a blind or a tree."""
    base = bricks(rng, height, width) if rng.random() < 0.3 else wall(rng, height, width)
    y, x = np.mgrid[:height, :width].astype(np.float32) / height
    along = x * np.float32(np.cos(turn := rng.uniform(0, np.pi))) + y * np.float32(np.sin(turn))
    if rng.random() < 0.5:
        shadow = np.sin(along * rng.uniform(8, 50) + rng.uniform(0, 6)) * 10 + rng.uniform(-3, 5)
    else:
        shadow = (noise(rng, height, width, height * rng.uniform(0.1, 0.5), 5) - rng.uniform(0.4, 0.6)) * 40
    lit = gaussian(np.asarray(np.clip(shadow, 0, 1), np.float32), height * rng.uniform(0.002, 0.015))
    return np.clip(base * (rng.uniform(0.2, 0.5) + rng.uniform(0.7, 1.1) * lit[..., None]), 0, 1)


def bokeh(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render out-of-focus lights."""
    # Darker than a studio, so that lights stand out.
    base = gradient(rng, height, width) * np.float32(0.5)
    for _ in range(rng.integers(25, 80)):
        radius = int(rng.uniform(0.01, 0.06) * height) + 1
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        rows, columns = slice(max(y - radius, 0), y + radius + 1), slice(max(x - radius, 0), x + radius + 1)
        disc = np.zeros(base[rows, columns].shape[:2], np.float32)
        cv2.circle(disc, (x - columns.start, y - rows.start), radius - 1, rng.uniform(0.15, 0.6), -1, cv2.LINE_AA)
        base[rows, columns] += disc[..., None] * colour(rng, 0.5, 1.0, 0.5)
    return np.asarray(np.clip(base, 0, 1), np.float32)


def street(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render house fronts with windows, a road and a sky."""
    sky = blend(ramp(height, width, np.pi / 2), (0.45, 0.62, 0.85), (0.85, 0.88, 0.92))
    return _houses(rng, sky * np.float32(rng.uniform(0.7, 1.0)), colour(rng, 0.3, 0.6, 0.0), 1.0, (0.1, 0.15, 0.2))


def night(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render a town at night: dark fronts, lit windows, lamps."""
    sky = blend(ramp(height, width, np.pi / 2), (0.01, 0.02, 0.06), (0.1, 0.08, 0.12))
    town = _houses(rng, sky, np.array([0.06, 0.06, 0.08], np.float32), 0.15, (0.95, 0.8, 0.45))
    lamps = colour(rng, 0.7, 1.0, 0.6)[None] * rng.uniform(0.5, 1, (6, 3)).astype(np.float32)
    # On black first: a copy of the lights alone is blurred for their glow.
    lights = shapes(rng, np.zeros_like(town), int(rng.integers(10, 50)), (0.004, 0.02), lamps)
    return np.asarray(np.clip(town + lights + 2 * gaussian(lights, height / 40), 0, 1), np.float32)


def _houses(rng: np.random.Generator, image: Colours, road: ArrayLike, gain: float, window: ArrayLike) -> Colours:
    height, width = image.shape[:2]
    horizon = int(height * rng.uniform(0.6, 0.85))
    x = -int(rng.uniform(0, width / 6))
    while x < width:
        wide, tall = int(rng.uniform(0.12, 0.4) * width), int(rng.uniform(0.3, 1.0) * horizon)
        front = colour(rng, 0.2, 0.8) * gain
        cv2.rectangle(image, (x, horizon - tall), (x + wide, horizon), front.tolist(), -1)
        step = max(int(rng.uniform(0.03, 0.08) * width), 6)
        for wx in range(x + step // 2, x + wide - step // 2, step):
            for wy in range(horizon - tall + step // 2, horizon - step, int(step * 1.4)):
                pane = np.asarray(window) * rng.uniform(0.3, 1.2)
                cv2.rectangle(image, (wx, wy), (wx + step // 2, wy + int(step * 0.8)), pane.tolist(), -1)
        x += wide
    image[horizon:] = road
    image *= 0.92 + 0.16 * noise(rng, height, width, 40)[..., None]
    return np.clip(image, 0, 1)


def indoor(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render a room: wall, shelves with things, a lamp, a floor."""
    room = wall(rng, height, width)
    floor = int(height * rng.uniform(0.75, 0.95))
    room[floor:] = colour(rng, 0.2, 0.5) * (0.8 + 0.4 * noise(rng, height - floor, width, 60)[..., None])
    for _ in range(rng.integers(1, 4)):
        left, top = rng.uniform(-0.1, 0.8) * width, rng.uniform(0.0, 0.6) * height
        _shelf(rng, room, int(left), int(top), int(rng.uniform(0.2, 0.5) * width), int(rng.uniform(0.12, 0.2) * height))
    if rng.random() < 0.5:
        lamp = np.zeros((height, width), np.float32)
        cv2.circle(lamp, (int(rng.uniform(0, width)), int(rng.uniform(0, height / 2))), height // 30, 1.0, -1)
        room += (lamp + 6 * gaussian(lamp, height / 12))[..., None] * np.array([1.0, 0.85, 0.6], np.float32)
    return np.clip(room, 0, 1)


def _shelf(rng: np.random.Generator, room: Colours, left: int, top: int, wide: int, tall: int) -> None:
    board = colour(rng, 0.1, 0.6)
    for row in range(rng.integers(1, 5)):
        base = top + (row + 1) * tall
        x = left
        while x < left + wide:
            thick = int(rng.uniform(0.1, 0.4) * tall) + 2
            cv2.rectangle(
                room,
                (x, base - int(tall * rng.uniform(0.4, 0.9))),
                (x + thick, base),
                colour(rng, vivid=0.3).tolist(),
                -1,
            )
            x += thick + (rng.random() < 0.2) * int(0.3 * tall)
        cv2.rectangle(room, (left, base), (left + wide, base + max(tall // 10, 2)), board.tolist(), -1)


def window(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render a dark room with a glass front: panes with a view, frames, curtains, the lamps' reflections."""
    palette = np.stack([colour(rng, 0.5, 1.0, 0.1) for _ in range(8)])
    view = gaussian(dead_leaves(rng, height, width, palette), height * rng.uniform(0.003, 0.02))
    view = view * np.float32(rng.uniform(0.8, 1.3)) + np.float32(rng.uniform(0, 0.3))
    bars = np.zeros((height, width), np.float32)
    thick = max(int(width * rng.uniform(0.01, 0.05)), 1)
    for x in np.arange(rng.uniform(0, 0.3), 1, rng.uniform(0.2, 0.6)) * width:
        cv2.line(bars, (int(x), 0), (int(x), height), 1.0, thick, cv2.LINE_AA)
    for y in rng.uniform(0, 1, int(rng.integers(1, 4))) * height:
        cv2.line(bars, (0, int(y)), (width, int(y)), 1.0, thick, cv2.LINE_AA)
    curtain = np.abs(np.arange(width) / width - 0.5) > rng.uniform(0.25, 0.6)
    cloth = colour(rng, 0.3, 0.95) * (0.7 + 0.3 * np.sin(np.arange(width) * rng.uniform(20, 60) / width))[:, None]
    image = blend(bars, view, colour(rng, 0.03, 0.6))
    image[:, curtain] = 0.25 * image[:, curtain] + 0.75 * cloth[None, curtain]
    sill = int(height * rng.uniform(0.6, 1.1))
    image[sill:] = colour(rng, 0.05, 0.5)
    return np.clip(image, 0, 1)


def bricks(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render bricks, tiles or panels."""
    tall = max(int(height * rng.uniform(0.02, 0.12)), 4)
    wide = int(tall * rng.uniform(1, 3))
    rows, columns = height // tall + 1, width // wide + 2
    tone = colour(rng, 0.25, 0.8) * rng.normal(1, 0.1, (rows, columns, 1)).astype(np.float32)
    y, x = np.mgrid[:height, :width]
    shifted = x + (y // tall % 2) * (wide // 2 if rng.random() < 0.7 else 0)
    image = tone[y // tall, shifted // wide]
    joint = ((y % tall) < max(tall // 12, 1)) | ((shifted % wide) < max(tall // 12, 1))
    image[joint] = colour(rng, 0.2, 0.9, 0.03)
    return np.asarray(image * (0.8 + 0.4 * noise(rng, height, width, 50, 5)[..., None]), np.float32)


def clutter(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render things of every size and colour that occlude each other."""
    return dead_leaves(rng, height, width, np.stack([colour(rng, 0.03, 1.0) for _ in range(int(rng.integers(4, 20)))]))
