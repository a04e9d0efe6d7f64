"""What is worn over the top: jackets, prints, straps, fur and lace collars, open-work earrings."""

import numpy as np

from matting.synthetic.head import on_face
from matting.synthetic.layers import Colours, Frame, Layer, Points, fill, over, smooth_loop, tinted, tube
from matting.synthetic.strands import Strands, render, shades, tufts
from matting.synthetic.textures import Light, cloth, natural_colour, shade
from matting.synthetic.traits import Traits


def draw_details(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, wear: Colours) -> Layer:
    """A shirt under an open jacket, a print, buttons and a strap: edges inside the subject that are no outline."""
    layer = np.zeros((frame.height, frame.width, 4), np.float32)
    if traits.jacket:
        wide, low = rng.uniform(0.1, 0.3), rng.uniform(0.15, 0.4)
        opening = np.array([(-wide, 0.7), (wide, 0.7), (low, 3.2), (-low, 3.2)])
        shirt = cloth(rng, frame.height, frame.width, natural_colour(rng), max(frame.head * 0.08, 1.5))
        layer = shade(fill(frame, opening), shirt, light, 0.2)
        lapels = [np.array([(s * wide, 0.66), (s * 0.5, 0.72), (s * (wide + 0.22), 1.5)]) for s in (-1, 1)]
        layer = over(shade(fill(frame, *lapels), wear * np.float32(rng.uniform(0.6, 1.3)), light, 0.4), layer)
    elif rng.random() < 0.5:
        middle, size = np.array([rng.normal(0, 0.15), rng.uniform(1.2, 1.9)]), rng.uniform(0.08, 0.25)
        for _ in range(rng.integers(1, 7)):
            turn = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
            corners = middle + rng.normal(0, size, 2) + rng.uniform(0.4, 1) * size * _circle(turn)
            layer = over(shade(fill(frame, corners), natural_colour(rng, vivid=0.4), light, 0), layer)
    if rng.random() < 0.35:
        buttons = [np.array([0.0, y]) + 0.025 * _circle(np.linspace(0, 2 * np.pi, 9)) for y in np.arange(1, 3.1, 0.3)]
        layer = over(shade(fill(frame, *buttons), natural_colour(rng), light), layer)
    if traits.strap:
        side = rng.choice([-1.0, 1.0])
        line = np.array([(0.4 * side, 0.7), (0.15 * side, 1.6), (-0.5 * side, rng.uniform(2.2, 3.2))])
        layer = over(shade(fill(frame, tube(line, [0.05, 0.05])), natural_colour(rng, 0.03, 0.6), light, 0.3), layer)
    return layer


def draw_collar(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer:
    """A collar of fur around the neck, or one of lace over the shoulders."""
    return _fur(rng, frame, traits, light) if traits.collar == "fur" else _lace(rng, frame, traits, light)


def _fur(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer:
    colour = natural_colour(rng, 0.1, 0.9, 0.0)
    wide = traits.shoulders * rng.uniform(0.42, 0.6)
    line = np.array(
        [(-0.22, 0.95), (-wide, 0.72), (-0.28, 0.52), (0.0, 0.58), (0.28, 0.52), (wide, 0.72), (0.22, 0.95)]
    )
    ring = tube(line, [0.12, 0.15, 0.1, 0.08, 0.1, 0.15, 0.12], 60)
    count = max(int(1800 * np.clip(frame.head / 200, 0.2, 1.3)), 1)
    inside = rng.random(count)
    roots = ring[rng.integers(len(ring), size=count)] * inside[:, None]
    roots += (1 - inside[:, None]) * ring[rng.integers(len(ring), size=count)]
    roots = roots[np.abs(roots[:, 0]) + 0.6 > np.abs(roots[:, 1] - 0.6)]
    ways = roots - [0.0, 0.75]
    ways /= np.linalg.norm(ways, axis=1, keepdims=True) + 1e-6
    hairs = tufts(rng, roots, ways, rng.uniform(0.08, 0.16))
    lit = light.ambient + 0.6 * light.key
    strokes = render(frame, Strands(hairs, shades(rng, len(hairs), colour * lit), 0.004))
    return over(strokes, shade(fill(frame, ring), colour * 0.8, light, 0.6))


def _lace(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer:
    """Cloth with holes through which skin, cloth or the scene is seen: alpha is what the threads cover."""
    wide, low = traits.shoulders * rng.uniform(0.9, 1.2), rng.uniform(1.15, 1.6)
    right = [
        (0.24, 0.56),
        (0.55 * wide, 0.72),
        (wide, 0.95),
        (wide * 1.05, low - 0.1),
        (0.6 * wide, low),
        (0, low - 0.1),
    ]
    edge = smooth_loop([*right, *[(-x, y) for x, y in right[-2::-1]]], 120)
    cell = rng.uniform(0.045, 0.09)
    y, x = np.mgrid[0.5 : low + 0.1 : cell, -1.3:1.3:cell]
    x = x + (np.arange(len(x)) % 2)[:, None] * cell / 2
    turn = _circle(np.linspace(0, 2 * np.pi, 8))
    reach = cell * rng.uniform(0.28, 0.42) * (1 + 0.3 * np.sin(9 * x) * np.sin(9 * y))  # motifs: larger, smaller holes
    holes = [np.array(c) + r * turn for *c, r in zip(x.ravel(), y.ravel(), reach.ravel(), strict=True)]
    sheet = fill(frame, edge, *[place + 0.05 * turn for place in edge[::3]])  # a scalloped hem
    threads = sheet * (1 - np.float32(0.9) * fill(frame, *holes))
    lit = np.clip(light.ambient + 0.6 * light.key, 0, 1.1)
    return tinted(threads, np.clip(natural_colour(rng, 0.05, 1.0, 0.05) * lit, 0, 1))


def draw_earrings(rng: np.random.Generator, frame: Frame, traits: Traits) -> Layer | None:
    """Hoops with spokes, open to what is behind."""
    metal = np.array([0.85, 0.68, 0.3]) if rng.random() < 0.6 else np.full(3, 0.75)
    radius, spokes = rng.uniform(0.06, 0.13), int(rng.integers(0, 8))
    wires: list[Points] = []
    for side in (-1, 1):
        x, y, facing = on_face(traits.yaw, side * np.pi / 2, 0.13)
        if facing < -0.3:
            continue
        centre = np.array([x * 1.08, y + radius])
        circle = centre + radius * _circle(np.linspace(0, 2 * np.pi, 24)) * [0.45 + 0.5 * abs(np.sin(traits.yaw)), 1]
        wires += [tube(circle, [0.009, 0.009])]
        wires += [tube(np.stack([centre, circle[k]]), [0.005, 0.005], 6) for k in rng.integers(0, 24, spokes)]
    return tinted(fill(frame, *wires), metal * rng.uniform(0.5, 1.0)) if wires else None


def _circle(turn: Points) -> Points:
    return np.column_stack([np.cos(turn), np.sin(turn)])
