"""Backgrounds without people."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from matting.corpus.layers import Picture, Plane, gaussian
from matting.corpus.textures import noise

Scene = Callable[[np.random.Generator, int, int], Picture]


def random_scene(rng: np.random.Generator, height: int, width: int, family: str | None = None) -> Picture:
    """A background ``(height, width, 3)`` of one of :data:`FAMILIES`, in or out of focus.

    Args:
        rng: source of randomness.
        height: pixels.
        width: pixels.
        family: name of the family; None draws one.
    """
    name = family or str(rng.choice(list(FAMILIES)))
    picture = FAMILIES[name](rng, height, width)
    defocus = rng.choice([0.0, 0.004, 0.012, 0.025], p=[0.35, 0.25, 0.25, 0.15]) * height
    if defocus:
        picture = gaussian(picture, float(defocus))
    warmth = 1 + rng.normal(0, 0.06) * np.array([1, 0, -1], np.float32)
    return np.asarray(np.clip(picture * warmth * rng.uniform(0.75, 1.15), 0, 1), np.float32)


def portrait_scene(rng: np.random.Generator, height: int, width: int) -> Picture:
    """A background as a portrait lens shows it: far out of focus."""
    scene = random_scene(rng, height, width)
    # At a quarter of the size: what is this blurred looks the same, at a sixteenth of the cost.
    small = cv2.resize(scene, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), height * rng.uniform(0.02, 0.04) / 4)
    return np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _colour(rng: np.random.Generator, low: float = 0.1, high: float = 0.9, spread: float = 0.12) -> NDArray[np.float32]:
    return np.clip(rng.uniform(low, high) + rng.normal(0, spread, 3), 0.02, 0.98).astype(np.float32)


def _blend(weight: Plane, first: ArrayLike, second: ArrayLike) -> Picture:
    w = weight[..., None]
    return np.asarray((1 - w) * np.asarray(first, np.float32) + w * np.asarray(second, np.float32), np.float32)


def _ramp(height: int, width: int, angle: float) -> Plane:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.asarray(np.clip(0.5 + 0.4 * (x * np.cos(angle) + y * np.sin(angle)), 0, 1), np.float32)


def wall(rng: np.random.Generator, height: int, width: int) -> Picture:
    """A painted wall with plaster grain and uneven light."""
    light = _ramp(height, width, rng.uniform(0, 2 * np.pi))
    base = _blend(light, _colour(rng), _colour(rng, 0.3, 0.9, 0.05) * 0.5) * 0.6 + _colour(rng, 0.2, 0.9) * 0.4
    return np.asarray(base * (0.9 + 0.2 * noise(rng, height, width, 30, 5)[..., None]), np.float32)


def gradient(rng: np.random.Generator, height: int, width: int) -> Picture:
    """A studio backdrop: one colour with a glow."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    glow = np.exp(-((x - rng.normal(0, 0.4)) ** 2 + (y - rng.normal(-0.1, 0.4)) ** 2) / rng.uniform(0.3, 1.5))
    colour = _colour(rng, 0.05, 0.95)
    return _blend(np.asarray(glow, np.float32), colour * rng.uniform(0.3, 0.8), colour)


def _shapes(
    rng: np.random.Generator, picture: Picture, count: int, size: tuple[float, float], colours: NDArray[np.float32]
) -> Picture:
    """Ellipses of random place and turn in the given colours, painted over ``picture``."""
    height, width = picture.shape[:2]
    for _ in range(count):
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        long = rng.uniform(*size) * height
        axes = (max(int(long), 1), max(int(long * rng.uniform(0.25, 1)), 1))
        colour = (colours[rng.integers(len(colours))] * rng.uniform(0.6, 1.3)).tolist()
        cv2.ellipse(picture, centre, axes, rng.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
    return picture


def bokeh(rng: np.random.Generator, height: int, width: int) -> Picture:
    """Out-of-focus lights."""
    base = gradient(rng, height, width) * np.float32(0.5)
    for _ in range(rng.integers(25, 80)):
        radius = int(rng.uniform(0.01, 0.06) * height) + 1
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        rows, columns = slice(max(y - radius, 0), y + radius + 1), slice(max(x - radius, 0), x + radius + 1)
        disc = np.zeros(base[rows, columns].shape[:2], np.float32)
        cv2.circle(disc, (x - columns.start, y - rows.start), radius - 1, rng.uniform(0.15, 0.6), -1, cv2.LINE_AA)
        base[rows, columns] += disc[..., None] * _colour(rng, 0.4, 0.9, 0.25)
    return np.asarray(np.clip(base, 0, 1), np.float32)


def foliage(rng: np.random.Generator, height: int, width: int) -> Picture:
    """Leaves in sun and shade."""
    hue = np.array([rng.uniform(0.15, 0.6), rng.uniform(0.35, 0.6), rng.uniform(0.05, 0.25)], np.float32)
    base = _blend(noise(rng, height, width, 120), hue * 0.3, hue)
    return np.clip(
        _shapes(
            rng,
            base,
            int(rng.integers(400, 1500)),
            (0.008, 0.05),
            hue * rng.uniform(0.4, 1.6, (12, 1)).astype(np.float32),
        ),
        0,
        1,
    )


def grass(rng: np.random.Generator, height: int, width: int) -> Picture:
    """Blades, branches or fur: thin curved strokes that look like hair."""
    colour = _colour(rng, 0.15, 0.6, 0.15)
    base = _blend(noise(rng, height, width, 80), colour * 0.4, colour * 0.8)
    roots = rng.uniform(0, 1, (1800, 2)) * [width, height * 1.2]
    lean = rng.normal(0, 0.3, (1800, 2)) + rng.normal(0, 0.6, 2) - [0, 0.6]
    reach = height * rng.uniform(0.03, 0.2)
    for root, way in zip(roots, lean, strict=True):
        bend = root + way * reach * [0.4, 0.6]
        path = np.rint(np.stack([root, bend, root + way * reach + [way[0] * reach * 0.4, 0]])).astype(np.int32)
        cv2.polylines(
            base, [path], False, (colour * rng.uniform(0.5, 1.7)).tolist(), int(rng.integers(1, 3)), cv2.LINE_AA
        )
    return np.clip(base, 0, 1)


def street(rng: np.random.Generator, height: int, width: int) -> Picture:
    """House fronts with windows, a road and a sky."""
    sky = _blend(_ramp(height, width, np.pi / 2), (0.45, 0.62, 0.85), (0.85, 0.88, 0.92))
    return _houses(rng, sky * np.float32(rng.uniform(0.7, 1.0)), _colour(rng, 0.3, 0.6, 0.03), 1.0, (0.1, 0.15, 0.2))


def night(rng: np.random.Generator, height: int, width: int) -> Picture:
    """A town at night: dark fronts, lit windows, lamps."""
    sky = _blend(_ramp(height, width, np.pi / 2), (0.01, 0.02, 0.06), (0.1, 0.08, 0.12))
    town = _houses(rng, sky, np.array([0.06, 0.06, 0.08], np.float32), 0.15, (0.95, 0.8, 0.45))
    lamps = _colour(rng, 0.7, 0.95, 0.25)[None] * rng.uniform(0.5, 1, (6, 3)).astype(np.float32)
    lights = _shapes(rng, np.zeros_like(town), int(rng.integers(10, 50)), (0.004, 0.02), lamps)
    return np.asarray(np.clip(town + lights + 2 * gaussian(lights, height / 40), 0, 1), np.float32)


def _houses(rng: np.random.Generator, picture: Picture, road: ArrayLike, gain: float, window: ArrayLike) -> Picture:
    height, width = picture.shape[:2]
    horizon = int(height * rng.uniform(0.6, 0.85))
    x = -int(rng.uniform(0, width / 6))
    while x < width:
        wide, tall = int(rng.uniform(0.12, 0.4) * width), int(rng.uniform(0.3, 1.0) * horizon)
        front = _colour(rng, 0.2, 0.8) * gain
        cv2.rectangle(picture, (x, horizon - tall), (x + wide, horizon), front.tolist(), -1)
        step = max(int(rng.uniform(0.03, 0.08) * width), 6)
        for wx in range(x + step // 2, x + wide - step // 2, step):
            for wy in range(horizon - tall + step // 2, horizon - step, int(step * 1.4)):
                pane = np.asarray(window) * rng.uniform(0.3, 1.2)
                cv2.rectangle(picture, (wx, wy), (wx + step // 2, wy + int(step * 0.8)), pane.tolist(), -1)
        x += wide
    picture[horizon:] = road
    picture *= 0.92 + 0.16 * noise(rng, height, width, 40)[..., None]
    return np.clip(picture, 0, 1)


def indoor(rng: np.random.Generator, height: int, width: int) -> Picture:
    """A room: wall, shelves with things, a picture frame, a lamp, a floor."""
    room = wall(rng, height, width)
    floor = int(height * rng.uniform(0.75, 0.95))
    room[floor:] = _colour(rng, 0.2, 0.5) * (0.8 + 0.4 * noise(rng, height - floor, width, 60)[..., None])
    for _ in range(rng.integers(1, 4)):
        left, top = rng.uniform(-0.1, 0.8) * width, rng.uniform(0.0, 0.6) * height
        _shelf(rng, room, int(left), int(top), int(rng.uniform(0.2, 0.5) * width), int(rng.uniform(0.12, 0.2) * height))
    if rng.random() < 0.5:
        lamp = np.zeros((height, width), np.float32)
        cv2.circle(lamp, (int(rng.uniform(0, width)), int(rng.uniform(0, height / 2))), height // 30, 1.0, -1)
        room += (lamp + 6 * gaussian(lamp, height / 12))[..., None] * np.array([1.0, 0.85, 0.6], np.float32)
    return np.clip(room, 0, 1)


def _shelf(rng: np.random.Generator, room: Picture, left: int, top: int, wide: int, tall: int) -> None:
    board = _colour(rng, 0.1, 0.6)
    for row in range(rng.integers(1, 5)):
        base = top + (row + 1) * tall
        x = left
        while x < left + wide:
            thick = int(rng.uniform(0.1, 0.4) * tall) + 2
            cv2.rectangle(
                room,
                (x, base - int(tall * rng.uniform(0.4, 0.9))),
                (x + thick, base),
                _colour(rng, spread=0.25).tolist(),
                -1,
            )
            x += thick + (rng.random() < 0.2) * int(0.3 * tall)
        cv2.rectangle(room, (left, base), (left + wide, base + max(tall // 10, 2)), board.tolist(), -1)


def landscape(rng: np.random.Generator, height: int, width: int) -> Picture:
    """Sky with clouds over rows of hills or water."""
    top, low = rng.uniform(0.2, 0.6, 3), rng.uniform(0.6, 0.95, 3)
    picture = _blend(_ramp(height, width, np.pi / 2), np.sort(top), low)
    clouds = np.clip(noise(rng, height, width, height / 3, 6) * 3 - 1.4, 0, 1) * rng.uniform(0.2, 0.9)
    picture = _blend(clouds, picture, (0.95, 0.95, 0.95))
    y = np.arange(height)[:, None]
    for k in range(rng.integers(1, 5)):
        ridge = height * (0.45 + 0.12 * k) + height * 0.3 * (noise(rng, 8, width, width / 3, 5)[0] - 0.5)
        hill = np.clip(y - ridge, 0, 1).astype(np.float32)
        picture = _blend(
            hill, picture, _colour(rng, 0.15, 0.5, 0.08) * (0.7 + 0.6 * noise(rng, height, width, 25)[..., None])
        )
    return picture


def bricks(rng: np.random.Generator, height: int, width: int) -> Picture:
    """Bricks, tiles or panels."""
    tall = max(int(height * rng.uniform(0.02, 0.12)), 4)
    wide = int(tall * rng.uniform(1, 3))
    rows, columns = height // tall + 1, width // wide + 2
    tone = _colour(rng, 0.25, 0.8) * rng.normal(1, 0.1, (rows, columns, 1)).astype(np.float32)
    y, x = np.mgrid[:height, :width]
    shifted = x + (y // tall % 2) * (wide // 2 if rng.random() < 0.7 else 0)
    picture = tone[y // tall, shifted // wide]
    joint = ((y % tall) < max(tall // 12, 1)) | ((shifted % wide) < max(tall // 12, 1))
    picture[joint] = _colour(rng, 0.2, 0.9, 0.03)
    return np.asarray(picture * (0.8 + 0.4 * noise(rng, height, width, 50, 5)[..., None]), np.float32)


def clutter(rng: np.random.Generator, height: int, width: int) -> Picture:
    """Posters, cloths and things of every colour and shape."""
    picture = wall(rng, height, width)
    palette = np.stack([_colour(rng, spread=0.3) for _ in range(16)])
    picture = _shapes(rng, picture, int(rng.integers(15, 60)), (0.03, 0.18), palette)
    for _ in range(rng.integers(10, 50)):
        corner = rng.uniform(0, 1, 2) * [width, height]
        box = np.rint(corner + rng.normal(0, 0.1, (4, 2)) * height).astype(np.int32)
        cv2.fillConvexPoly(picture, cv2.convexHull(box), palette[rng.integers(16)].tolist(), cv2.LINE_AA)
    return np.clip(picture * (0.85 + 0.3 * noise(rng, height, width, 60)[..., None]), 0, 1)


FAMILIES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (wall, gradient, bokeh, foliage, grass, street, night, indoor, landscape, bricks, clutter)
}
