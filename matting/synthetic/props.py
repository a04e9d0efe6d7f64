"""Furniture and other supports: background that is as close and as sharp as the person."""

import cv2
import numpy as np

from matting.synthetic.body import SEATED
from matting.synthetic.fabrics import cloth
from matting.synthetic.layers import Colours, Frame, Layer, Plane, Points, fill, over, repeated, smooth_loop, tube
from matting.synthetic.textures import Light, natural_colour, noise, shade
from matting.synthetic.traits import Traits


def surface(rng: np.random.Generator, height: int, width: int, size: float) -> Colours:
    """Render the surface of a thing ``(height, width, 3)``: stone, bark or cloth, grained at about ``size`` pixels."""
    dark = rng.random() < 0.4
    colour = natural_colour(rng, 0.05, 0.4, 0.0) if dark else natural_colour(rng)
    if rng.random() < 0.4:
        return cloth(rng, height, width, colour, max(0.15 * size, 1.5))
    h, w = max(height // 2, 2), max(width // 2, 2)
    stretch = rng.choice([1.0, 1.0, 5.0])  # bark, planks and slate have a grain
    field = noise(rng, h, max(int(w * stretch), 2), max(size, 3.0), 8, rng.uniform(0.6, 0.9))
    field = cv2.resize(field, (w, h), interpolation=cv2.INTER_AREA)
    cracks = 1 - np.float32(rng.uniform(0, 0.8)) * np.exp(-np.abs(field - 0.5) * rng.uniform(20, 90))
    relief = np.clip((field - 0.5) * rng.uniform(1, 4) + 1, 0.1, 2) * cracks
    full = cv2.resize(relief.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(repeated(full, 3) * colour.astype(np.float32), 0, 1)


def render_support(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer | None:
    """Render what a person sits on or leans against, or return None."""
    seated = traits.stance in SEATED
    if rng.random() > (0.85 if seated else 0.14):
        return None
    kinds = (_bench, _chair, _block, _rock) if seated else (_chair, _post, _post, _panel, _rock)
    return _solid(rng, frame, light, kinds[rng.integers(len(kinds))](rng), rng.uniform(0, 0.8))


def _solid(rng: np.random.Generator, frame: Frame, light: Light, outlines: list[Points], roundness: float) -> Layer:
    """Fill the outlines, with the gaps between them, with the shading of one surface."""
    part, box = frame.window(np.concatenate(outlines))
    layer = np.zeros((frame.height, frame.width, 4), np.float32)
    material = surface(rng, part.height, part.width, frame.head * rng.uniform(0.3, 2.5))
    layer[box] = shade(fill(part, *outlines), material, light, roundness)
    return layer


def _rectangle(left: float, top: float, right: float, low: float) -> Points:
    return np.array([(left, top), (right, top), (right, low), (left, low)])


def _bench(rng: np.random.Generator) -> list[Points]:
    """Return slats behind the back and below the seat, or rails."""
    left, right, tall = -rng.uniform(1.2, 8), rng.uniform(1.2, 8), rng.uniform(0.12, 0.35)
    rows = np.arange(rng.uniform(0.7, 2.2), 4.0, tall * rng.uniform(1.15, 1.9))
    slats = [_rectangle(left, y, right, y + tall) for y in rows]
    feet = [_rectangle(x, 3.5, x + 0.2, 5.4) for x in (left + 0.3, right - 0.5)]
    return [*slats, *feet]


def _chair(rng: np.random.Generator) -> list[Points]:
    """Return a back with rounded corners, wider than the person or narrower, and a seat on legs."""
    wide, top = rng.uniform(0.7, 1.8), rng.uniform(-0.6, 1.6)
    back = smooth_loop([(-wide, top + 0.2), (0, top), (wide, top + 0.2), (wide * 1.05, 3.6), (-wide * 1.05, 3.6)])
    return [
        back,
        _rectangle(-wide, 3.3, wide, 3.7),
        *[_rectangle(s * wide - 0.1, 3.5, s * wide + 0.1, 5.6) for s in (-1, 1)],
    ]


def _block(rng: np.random.Generator) -> list[Points]:
    """Return a wall, a step or a box to sit on."""
    top = rng.uniform(3.2, 3.6)
    return [_rectangle(-rng.uniform(1.0, 9), top, rng.uniform(1.0, 9), top + rng.uniform(0.5, 6))]


def _rock(rng: np.random.Generator) -> list[Points]:
    """Return a boulder next to the person and below."""
    turn = np.linspace(0, 2 * np.pi, 13)[:-1]
    radius = rng.uniform(1.0, 3.5) * rng.uniform(0.7, 1.25, 12)
    middle = np.array([rng.choice([-1, 1]) * rng.uniform(0.0, 3.0), rng.uniform(2.5, 5.5)])
    points = middle + radius[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    return [smooth_loop(points) if rng.random() < 0.5 else points]


def _post(rng: np.random.Generator) -> list[Points]:
    """Return a pole or a trunk right next to the person."""
    x, wide = rng.choice([-1, 1]) * rng.uniform(0.6, 2.4), rng.uniform(0.06, 0.9)
    return [tube([(x, -6.0), (x + rng.normal(0, 0.2), 2.0), (x, 9.0)], [wide, wide * rng.uniform(0.8, 1.3)])]


def _panel(rng: np.random.Generator) -> list[Points]:
    """Return a door, a sign or a pillar as tall as the person."""
    left, wide, top = rng.uniform(-2.5, 0.5), rng.uniform(0.8, 3.0), rng.uniform(-2.5, 0.5)
    return [_rectangle(left, top, left + wide, rng.choice([3.0, 9.0]))]


def render_table(rng: np.random.Generator, frame: Frame, light: Light) -> Layer:
    """Render a table, a railing or a parapet in front of the person, with things on it."""
    top, lean = rng.uniform(1.9, 3.0), rng.normal(0, 0.06)
    left, right = -rng.uniform(1.5, 9), rng.uniform(1.5, 9)
    low = top + (rng.uniform(0.15, 0.5) if rng.random() < 0.3 else 9.0)
    edge = np.array([(left, top - lean), (right, top + lean), (right, low), (left, low)])
    layer = _solid(rng, frame, light, [edge], rng.uniform(0, 0.5))
    for x in rng.uniform(-2.5, 2.5, int(rng.integers(0, 5))):
        half, tall = rng.uniform(0.08, 0.4), rng.uniform(0.1, 0.6)
        thing = smooth_loop(
            [(x - half, top + 0.1), (x - half, top - tall), (x + half, top - tall), (x + half, top + 0.1)]
        )
        layer = over(_solid(rng, frame, light, [thing], 1.0), layer)
    return layer


def hidden(plane: Layer | Plane, cover: Plane) -> Layer:
    """Return what remains visible of a layer or plane behind a cover ``(H, W)``."""
    visible = 1 - cover
    return np.asarray(plane * (visible if plane.ndim == 2 else repeated(visible, plane.shape[2])), np.float32)
