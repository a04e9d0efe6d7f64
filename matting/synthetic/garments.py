"""Details of clothing: suits, hoods, prints, straps, fur and lace collars, openwork earrings."""

from collections.abc import Callable

import cv2
import numpy as np

from matting.synthetic.fabrics import GLYPHS, cloth
from matting.synthetic.head import on_face
from matting.synthetic.layers import Colours, Frame, Layer, Points, fill, over, smooth_loop, tinted, tube
from matting.synthetic.strands import Strands, render, shades, tufts
from matting.synthetic.textures import Light, natural_colour, shade
from matting.synthetic.traits import Traits


def render_details(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, wear: Colours) -> Layer:
    """Render the details of the outfit on the chest: edges inside the subject that are not its outline.

    Args:
        rng: Random generator.
        frame: Frame of the person.
        traits: Traits of the person.
        light: Light of the scene.
        wear: ``(H, W, 3)`` cloth of the top.
    """
    layer = np.zeros((frame.height, frame.width, 4), np.float32)
    if traits.outfit in _CHESTS:
        layer = _CHESTS[traits.outfit](rng, frame, traits, light, wear)
    elif rng.random() < 0.5:
        layer = _print(rng, frame, light) if rng.random() < 0.5 else _lettering(rng, frame, light)
    if rng.random() < 0.25:
        buttons = [np.array([0.0, y]) + 0.025 * _circle(np.linspace(0, 2 * np.pi, 9)) for y in np.arange(1, 3.1, 0.3)]
        layer = over(shade(fill(frame, *buttons), natural_colour(rng), light), layer)
    if rng.random() < 0.2:
        waist = rng.uniform(2.3, 2.9)
        belt = tube([(-1.4, waist), (0, waist + 0.06), (1.4, waist)], [0.08, 0.08])
        layer = over(shade(fill(frame, belt), natural_colour(rng, 0.03, 0.6), light, 0.4), layer)
    # No side at all without a strap.
    for side in rng.choice([-1.0, 1.0], int(traits.strap) * int(rng.integers(1, 3)), replace=False):
        line = np.array([(0.4 * side, 0.7), (0.15 * side, 1.6), (-0.5 * side, rng.uniform(2.2, 3.2))])
        wide = rng.uniform(0.03, 0.12)
        layer = over(shade(fill(frame, tube(line, [wide, wide])), natural_colour(rng, 0.03, 0.6), light, 0.3), layer)
    return over(_badge(rng, frame, light), layer) if rng.random() < 0.07 else layer


def _weave(rng: np.random.Generator, frame: Frame, colour: Points, plain: bool = False) -> Colours:
    scale = max(frame.head * rng.uniform(0.05, 0.12), 1.5)
    return cloth(rng, frame.height, frame.width, colour, scale, kind="plain" if plain else None)


def _shirt(rng: np.random.Generator) -> Points:
    """Sample the colour of what is worn under a jacket, often white."""
    return natural_colour(rng, 0.75, 0.98, 0.0) if rng.random() < 0.45 else natural_colour(rng, 0.04, 0.98, 0.2)


def _suit(rng: np.random.Generator, frame: Frame, _: Traits, light: Light, wear: Colours) -> Layer:
    """Render a shirt in the opening of a jacket or vest, lapels with a notch, the edge below, buttons and pockets."""
    wide, low = rng.uniform(0.17, 0.3), rng.uniform(1.5, 2.4)
    opening = np.array([(-wide, 0.6), (wide, 0.6), (0, low)])
    layer = shade(fill(frame, opening), _weave(rng, frame, _shirt(rng), bool(rng.random() < 0.6)), light, 0.2)
    notch, reach = rng.uniform(0.85, 1.2), rng.uniform(0.18, 0.34)
    lapel = [(wide * 0.9, 0.6), (wide + 0.14, 0.74), (wide + reach, notch), (wide + 0.1, notch + 0.03), (0.02, low)]
    lapels = [np.array(lapel) * [side, 1] for side in (-1, 1)]
    satin = rng.uniform(0.75, 1.3) if rng.random() < 0.8 else rng.uniform(0.2, 0.6)
    layer = over(shade(fill(frame, *lapels), np.clip(wear * np.float32(satin), 0, 1), light, 0.5), layer)
    edge = tube([(0, low), (0.02, 2.8), (rng.uniform(-0.1, 0.2), 3.5)], [0.012, 0.02])
    flaps = [np.array([(s * 0.3, 2.55), (s * 0.62, 2.5), (s * 0.62, 2.6), (s * 0.3, 2.66)]) for s in (-1, 1)]
    dark = np.clip(wear * np.float32(rng.uniform(0.4, 0.7)), 0, 1)
    layer = over(shade(fill(frame, edge, *(flaps if rng.random() < 0.6 else [])), dark, light, 0.1), layer)
    if rng.random() < 0.25:
        cloth_in_pocket = np.array([(0.36, 1.5), (0.42, 1.36), (0.48, 1.46), (0.55, 1.36), (0.56, 1.5)])
        layer = over(shade(fill(frame, cloth_in_pocket), natural_colour(rng, vivid=0.3), light, 0.2), layer)
    return layer


def _open(rng: np.random.Generator, frame: Frame, _: Traits, light: Light, wear: Colours) -> Layer:
    """Render a jacket or coat worn open over something else."""
    wide, low = rng.uniform(0.1, 0.35), rng.uniform(0.15, 0.6)
    shift = rng.normal(0, 0.08)
    opening = np.array([(-wide, 0.7), (wide, 0.7), (low + shift, 5.0), (-low + shift, 5.0)])
    layer = shade(fill(frame, opening), _weave(rng, frame, _shirt(rng)), light, 0.2)
    lapels = [np.array([(s * wide, 0.66), (s * 0.5, 0.72), (s * (wide + 0.22), 1.5)]) for s in (-1, 1)]
    return over(shade(fill(frame, *lapels), wear * np.float32(rng.uniform(0.6, 1.3)), light, 0.4), layer)


def _hoodie(rng: np.random.Generator, frame: Frame, _: Traits, light: Light, wear: Colours) -> Layer:
    """Render the hood around the neck, strings, a pouch and lettering."""
    roll = tube([(-0.42, 0.62), (-0.3, 0.85), (0, 1.02), (0.3, 0.85), (0.42, 0.62)], [0.13, 0.14, 0.1, 0.14, 0.13])
    layer = _lettering(rng, frame, light) if rng.random() < 0.4 else frame.shrink(frame.blank())
    layer = over(shade(fill(frame, roll), np.clip(wear * np.float32(1.1), 0, 1), light, 0.9), layer)
    strings = [tube([(s * 0.12, 0.95), (s * 0.14, rng.uniform(1.3, 1.8))], [0.02, 0.02]) for s in (-1, 1)]
    layer = over(shade(fill(frame, *strings), natural_colour(rng, 0.6, 0.98), light, 0.5), layer)
    pouch = np.array([(-0.35, 2.4), (0.35, 2.4), (0.6, 3.0), (-0.6, 3.0)])
    layer = over(shade(fill(frame, pouch), wear * np.float32(rng.uniform(0.75, 0.95)), light, 0.8), layer)
    return over(_zip(rng, frame, _, light, wear), layer) if rng.random() < 0.4 else layer


def _zip(rng: np.random.Generator, frame: Frame, _: Traits, light: Light, wear: Colours) -> Layer:
    """Render the zip of a closed jacket, or its seams: a quilt if there are many."""
    lines = [tube([(0, 0.6), (0.02, 2.0), (0, 5.0)], [0.02, 0.02])]
    for y in np.arange(1.2, 3.6, rng.uniform(0.25, 0.5)) if rng.random() < 0.4 else ():
        lines.append(tube([(-1.5, y), (0, y + 0.05), (1.5, y)], [0.018, 0.018]))
    tone = wear * np.float32(rng.uniform(0.3, 0.7)) if rng.random() < 0.6 else natural_colour(rng)
    return shade(fill(frame, *lines), tone, light, 0.2)


def _stole(rng: np.random.Generator, frame: Frame, _: Traits, light: Light, wear: Colours) -> Layer:
    """Render two broad bands over a robe or a sari across the chest."""
    wide, end = rng.uniform(0.1, 0.2), rng.uniform(2.0, 3.6)
    bands = [tube([(s * 0.24, 0.55), (s * 0.36, 1.0), (s * 0.36, end)], [wide, wide]) for s in (-1, 1)]
    if rng.random() < 0.4:
        bands = [tube(np.array([(-0.75, 0.85), (0.1, 1.7), (0.8, 2.7)]) * [rng.choice([-1, 1]), 1], [0.25, 0.35])]
    return shade(fill(frame, *bands), _weave(rng, frame, natural_colour(rng, 0.05, 0.98, 0.4)), light, 0.3)


def _apron(rng: np.random.Generator, frame: Frame, _: Traits, light: Light, wear: Colours) -> Layer:
    """Render an apron, dungarees or a bib with a number."""
    top, wide = rng.uniform(1.0, 2.0), rng.uniform(0.3, 0.55)
    bib = np.array([(-wide, top), (wide, top), (0.9, 2.5), (0.9, 5.0), (-0.9, 5.0), (-0.9, 2.5)])
    straps = [tube([(s * wide * 0.8, top + 0.05), (s * 0.4, 0.65)], [0.06, 0.06]) for s in (-1, 1)]
    weave = _weave(rng, frame, natural_colour(rng, 0.05, 0.98, 0.3))
    layer = shade(fill(frame, bib, *straps), weave, light, 0.4)
    return over(_lettering(rng, frame, light), layer) if rng.random() < 0.3 else layer


Chest = Callable[[np.random.Generator, Frame, Traits, Light, Colours], Layer]
_CHESTS: dict[str, Chest] = {
    "suit": _suit,
    "vest": _suit,
    "open": _open,
    "coat": _open,
    "hoodie": _hoodie,
    "zip": _zip,
    "stole": _stole,
    "apron": _apron,
}


def _print(rng: np.random.Generator, frame: Frame, light: Light) -> Layer:
    """Render a few shapes on the chest."""
    layer = np.zeros((frame.height, frame.width, 4), np.float32)
    middle, size = np.array([rng.normal(0, 0.15), rng.uniform(1.2, 1.9)]), rng.uniform(0.08, 0.25)
    for _ in range(rng.integers(1, 7)):
        turn = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
        corners = middle + rng.normal(0, size, 2) + rng.uniform(0.4, 1) * size * _circle(turn)
        layer = over(shade(fill(frame, corners), natural_colour(rng, vivid=0.4), light, 0), layer)
    return layer


def _lettering(rng: np.random.Generator, frame: Frame, light: Light) -> Layer:
    """Render words across the chest."""
    sign = np.zeros((96, 192), np.uint8)
    for line in range(rows := int(rng.integers(1, 4))):
        word = "".join(rng.choice(list(GLYPHS), int(rng.integers(2, 9))))
        # Long words are written smaller, so that they fit the sign.
        size, thick = 4.0 / len(word) + 0.4, int(rng.integers(1, 8))
        cv2.putText(
            sign, word, (6, 96 * (line + 1) // rows - 8), int(rng.integers(0, 5)), size, 255.0, thick, cv2.LINE_AA
        )
    half, y = rng.uniform(0.25, 0.6), rng.uniform(1.1, 2.0)
    corners = frame.pixels([(-half, y - half / 2), (half, y - half / 2), (-half, y + half / 2)])
    move = cv2.getAffineTransform(np.array([(0, 0), (192, 0), (0, 96)], np.float32), corners.astype(np.float32))
    small = cv2.warpAffine(sign, move, (frame.width, frame.height), flags=cv2.INTER_AREA)
    return shade(np.asarray(small / np.float32(255), np.float32), natural_colour(rng, 0.03, 0.98, 0.4), light, 0)


def _badge(rng: np.random.Generator, frame: Frame, light: Light) -> Layer:
    """Render a card, a medal or a camera on a band around the neck."""
    y, half = rng.uniform(1.5, 2.4), rng.uniform(0.1, 0.3)
    band = [tube([(s * 0.22, 0.6), (0, y - half)], [0.025, 0.025]) for s in (-1, 1)]
    tall = half * rng.uniform(0.6, 1.4)
    card = np.array([(-half, y - tall), (half, y - tall), (half, y + tall), (-half, y + tall)])
    card = card if rng.random() < 0.6 else np.array([0, y]) + half * _circle(np.linspace(0, 2 * np.pi, 20))
    layer = shade(fill(frame, *band), natural_colour(rng, vivid=0.4), light, 0.3)
    return over(shade(fill(frame, card), natural_colour(rng, 0.05, 0.98, 0.2), light, 0.4), layer)


def render_wrap(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, wear: Colours) -> Layer:
    """Render a poncho or shawl over shoulders and arms."""
    wide, low = traits.shoulders * rng.uniform(1.1, 1.6), rng.uniform(1.7, 3.3)
    right = [(0.22, 0.56), (0.6 * wide, 0.78), (wide, 1.3), (wide * 1.1, low - 0.2), (0.6 * wide, low)]
    edge = np.array([*right, (0, low + rng.normal(0, 0.3)), *[(-x, y) for x, y in reversed(right)]])
    return shade(fill(frame, smooth_loop(edge + rng.normal(0, 0.03, edge.shape), 128)), wear, light)


def render_collar(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer:
    """Render a collar of fur around the neck, or one of lace over the shoulders."""
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
    """Render cloth with holes through which skin, cloth or background is seen; alpha is the coverage of the threads."""
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


def render_earrings(rng: np.random.Generator, frame: Frame, traits: Traits) -> Layer | None:
    """Render hoops with spokes through which the background is seen."""
    metal = np.array([0.85, 0.68, 0.3]) if rng.random() < 0.6 else np.full(3, 0.75)
    radius, spokes = rng.uniform(0.06, 0.13), int(rng.integers(0, 8))
    wires: list[Points] = []
    for side in (-1, 1):
        x, y, facing = on_face(traits.yaw, side * np.pi / 2, 0.13)
        # Hidden behind the head, but not yet where it is seen edge-on.
        if facing < -0.3:
            continue
        centre = np.array([x * 1.08, y + radius])
        circle = centre + radius * _circle(np.linspace(0, 2 * np.pi, 24)) * [0.45 + 0.5 * abs(np.sin(traits.yaw)), 1]
        wires += [tube(circle, [0.009, 0.009])]
        wires += [tube(np.stack([centre, circle[k]]), [0.005, 0.005], 6) for k in rng.integers(0, 24, spokes)]
    return tinted(fill(frame, *wires), metal * rng.uniform(0.5, 1.0)) if wires else None


def _circle(turn: Points) -> Points:
    return np.column_stack([np.cos(turn), np.sin(turn)])
