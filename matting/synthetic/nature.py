"""Natural backgrounds: plants, fur, hills, water."""

import cv2
import numpy as np

from matting.synthetic.brush import blend, colour, ramp, shapes
from matting.synthetic.layers import Colours
from matting.synthetic.strands import tufts
from matting.synthetic.textures import noise


def foliage(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render leaves in sun and shade."""
    hue = np.array([rng.uniform(0.3, 0.6), rng.uniform(0.4, 0.6), rng.uniform(0.15, 0.35)], np.float32)
    base = blend(noise(rng, height, width, 120), hue * 0.3, hue)
    return np.clip(
        shapes(
            rng,
            base,
            int(rng.integers(400, 1500)),
            (0.008, 0.05),
            hue * rng.uniform(0.4, 1.6, (12, 1)).astype(np.float32),
        ),
        0,
        1,
    )


def grass(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render blades, branches or fur: thin curved strokes that look like hair."""
    tone = colour(rng, 0.15, 0.6, 0.15)
    base = blend(noise(rng, height, width, 80), tone * 0.4, tone * 0.8)
    roots = rng.uniform(0, 1, (1800, 2)) * [width, height * 1.2]
    lean = rng.normal(0, 0.3, (1800, 2)) + rng.normal(0, 0.6, 2) - [0, 0.6]
    reach = height * rng.uniform(0.03, 0.2)
    for root, way in zip(roots, lean, strict=True):
        bend = root + way * reach * [0.4, 0.6]
        path = np.rint(np.stack([root, bend, root + way * reach + [way[0] * reach * 0.4, 0]])).astype(np.int32)
        cv2.polylines(
            base, [path], False, (tone * rng.uniform(0.5, 1.7)).tolist(), int(rng.integers(1, 3)), cv2.LINE_AA
        )
    return np.clip(base, 0, 1)


def fur(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render fur or long hair in locks, filling the image: only the shape of a person distinguishes hair from it."""
    tone = colour(rng, 0.1, 0.7, 0.03)
    base = blend(noise(rng, height, width, 60), tone * 0.3, tone * 0.7)
    count = 1500
    roots = rng.uniform(-0.1, 1.1, (count, 2)) * [width, height]
    flow = noise(rng, height, width, height, 2)
    turn = 6 * flow[np.clip(roots[:, 1], 0, height - 1).astype(int), np.clip(roots[:, 0], 0, width - 1).astype(int)]
    ways = np.column_stack([np.cos(turn), np.sin(turn)])
    # Times 8 for three binary digits of a pixel, OpenCV's `shift` below.
    paths = np.rint(tufts(rng, roots, ways, height * rng.uniform(0.06, 0.2), samples=6) * 8).astype(np.int32)
    for path, gain in zip(paths, rng.uniform(0.4, 1.7, count), strict=True):
        cv2.polylines(base, [path], False, (tone * gain).tolist(), 1, cv2.LINE_AA, 3)
    return np.clip(base, 0, 1)


def forest(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render trunks and bare branches against a light sky."""
    base = blend(ramp(height, width, np.pi / 2), colour(rng, 0.7, 0.95, 0.0), colour(rng, 0.3, 0.7, 0.0))
    floor = int(height * rng.uniform(0.6, 0.95))
    base[floor:] = colour(rng, 0.15, 0.5, 0.05)
    for depth in np.linspace(0.2, 1, int(rng.integers(6, 20))):
        bark = colour(rng, 0.1, 0.35, 0.0) * depth + (1 - depth) * base[: floor or 1].mean(axis=(0, 1)) * 0.8
        x, thick = rng.uniform(0, width), max(int(width * 0.05 * depth * rng.uniform(0.3, 1.2)), 1)
        foot = floor + int((height - floor) * depth)
        cv2.line(base, (int(x), foot), (int(x + rng.normal(0, 0.05) * width), 0), bark.tolist(), thick, cv2.LINE_AA)
        for y in rng.uniform(0, 0.7, int(rng.integers(3, 14))) * height:
            tip = np.array([x, y]) + rng.normal(0, 0.2, 2) * [width, height * 0.5]
            middle = 0.5 * (np.array([x, y]) + tip) + rng.normal(0, 0.02, 2) * width
            path = np.rint(np.stack([(x, y), middle, tip])).astype(np.int32)
            cv2.polylines(base, [path], False, bark.tolist(), max(thick // 5, 1), cv2.LINE_AA)
    return np.clip(base, 0, 1)


def landscape(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render sky with clouds over rows of hills or water."""
    top, low = rng.uniform(0.2, 0.6, 3), rng.uniform(0.6, 0.95, 3)
    # Sorted, so that blue is the strongest channel.
    image = blend(ramp(height, width, np.pi / 2), np.sort(top), low)
    clouds = np.clip(noise(rng, height, width, height / 3, 6) * 3 - 1.4, 0, 1) * rng.uniform(0.2, 0.9)
    image = blend(clouds, image, (0.95, 0.95, 0.95))
    y = np.arange(height)[:, None]
    for k in range(rng.integers(1, 5)):
        ridge = height * (0.45 + 0.12 * k) + height * 0.3 * (noise(rng, 8, width, width / 3, 5)[0] - 0.5)
        hill = np.clip(y - ridge, 0, 1).astype(np.float32)
        image = blend(hill, image, colour(rng, 0.15, 0.6, 0.1) * (0.7 + 0.6 * noise(rng, height, width, 25)[..., None]))
    return image


def shore(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render water with waves under a sky, with sand or stones in front."""
    sky, water, sand = colour(rng, 0.6, 0.95, 0.1), colour(rng, 0.3, 0.7, 0.2), colour(rng, 0.4, 0.85, 0.02)
    image = blend(ramp(height, width, np.pi / 2), np.sort(sky), np.full(3, 0.9, np.float32))
    horizon, edge = sorted(rng.uniform(0.2, 0.95, 2) * height)
    y = np.arange(height, dtype=np.float32)[:, None]
    # Waves shrink towards the horizon: noise stretched sideways, sampled at the distance of each row.
    waves = cv2.resize(noise(rng, height, max(width // 8, 8), height / 12, 5), (width, height))
    distance = np.clip((y - horizon) / max(height - horizon, 1), 0.001, 1) ** 0.5
    rows = np.broadcast_to(distance * (height - 1), (height, width)).astype(np.float32)
    columns = np.broadcast_to(np.arange(width, dtype=np.float32), (height, width))
    waves = cv2.remap(waves, columns, rows, cv2.INTER_LINEAR)
    image = blend(np.clip(y - horizon, 0, 1) * np.ones((1, width), np.float32), image, 0)
    image += np.clip(y - horizon, 0, 1)[..., None] * np.sort(water) * (0.4 + 1.2 * waves[..., None])
    line = np.clip((y - edge) / (0.02 * height) + 4 * (waves - 0.5), 0, 1)
    # Red first, as sand is.
    beach = np.sort(sand)[::-1] * (0.75 + 0.5 * noise(rng, height, width, height / 6, 8)[..., None])
    return np.clip(blend(np.asarray(line, np.float32), image, beach), 0, 1)
