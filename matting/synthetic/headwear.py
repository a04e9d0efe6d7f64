"""Hats, hoods and headscarves."""

from collections.abc import Callable

import numpy as np

from matting.synthetic.fabrics import cloth
from matting.synthetic.head import outline
from matting.synthetic.layers import Colours, Frame, Layer, Points, fill, over, smooth_loop, tube
from matting.synthetic.textures import Light, natural_colour, shade
from matting.synthetic.traits import Traits


def render_hat(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer:
    """Render the hat of the person, of the kind ``traits.hat``."""
    colour = natural_colour(rng, 0.05, 0.95, 0.25)
    felt = cloth(rng, frame.height, frame.width, colour, max(frame.head * rng.uniform(0.04, 0.1), 1.5))
    return _HATS[traits.hat or "cap"](rng, frame, traits, light, felt)


def _crown(frame: Frame, light: Light, felt: Colours, rise: float = 0.0) -> Layer:
    top = -0.62 - rise
    crown = [(-0.44, -0.2), (-0.41, top + 0.17), (-0.2, top), (0.2, top), (0.41, top + 0.17), (0.44, -0.2), (0, -0.24)]
    return shade(fill(frame, smooth_loop(crown)), felt, light)


def _cap(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, felt: Colours) -> Layer:
    face = float(np.sin(traits.yaw))
    x = 0.55 * face
    peak = smooth_loop(
        [(x - 0.36, -0.26), (x + 0.36, -0.26), (x + 0.33, -0.12), (x, -0.08 + 0.04 * abs(face)), (x - 0.33, -0.12)]
    )
    return over(shade(fill(frame, peak), felt * np.float32(0.8), light), _crown(frame, light, felt))


def _brim(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, felt: Colours) -> Layer:
    reach = rng.uniform(0.65, 1.0)
    brim = smooth_loop([(-reach, -0.22), (-0.4, -0.34), (0.4, -0.34), (reach, -0.22), (0.4, -0.17), (-0.4, -0.17)])
    parts = [_crown(frame, light, felt, rng.uniform(0, 0.2)), shade(fill(frame, brim), felt * np.float32(0.85), light)]
    if rng.random() < 0.5:
        ribbon = tube([(-0.43, -0.33), (0, -0.38), (0.43, -0.33)], [0.05, 0.05])
        parts[0] = over(shade(fill(frame, ribbon), natural_colour(rng), light, 0.3), parts[0])
    # Seen from above or from below.
    front, back = parts if rng.random() < 0.5 else parts[::-1]
    return over(front, back)


def _beanie(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, felt: Colours) -> Layer:
    fold = smooth_loop([(-0.45, -0.3), (0, -0.36), (0.45, -0.3), (0.46, -0.15), (0, -0.2), (-0.46, -0.15)])
    layer = over(shade(fill(frame, fold), felt * np.float32(0.85), light), _crown(frame, light, felt, 0.05))
    if rng.random() < 0.4:
        ball = outline(0.0) * rng.uniform(0.2, 0.35) + [0, -0.75]
        layer = over(layer, shade(fill(frame, ball), natural_colour(rng, vivid=0.3), light))
    return layer


def _opening(traits: Traits, top: float, wide: float) -> Points:
    """Return the outline of the face opening in a hood or headscarf."""
    turn = np.linspace(0, 2 * np.pi, 40)
    x = 0.2 * np.sin(traits.yaw)
    narrow = wide * (0.55 + 0.45 * np.cos(traits.yaw))
    low = 0.46
    return np.column_stack([x + narrow * np.cos(turn), (top + low) / 2 + (low - top) / 2 * np.sin(turn)])


def _around(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, felt: Colours, edge: Points) -> Layer:
    """Render cloth within an edge, with an opening for the face unless it is turned away."""
    cover = fill(frame, edge)
    if np.cos(traits.yaw) > 0.1:
        face = fill(frame, _opening(traits, rng.uniform(-0.36, -0.22), rng.uniform(0.29, 0.35)))
        # Cut out within the head only: elsewhere one would look through the cloth at the scene.
        cover = cover * (1 - face * fill(frame, outline(traits.yaw) * 0.98))
    return shade(np.asarray(cover, np.float32), felt, light, rng.uniform(0.6, 1.2))


def _headscarf(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, felt: Colours) -> Layer:
    low, wide, loose = rng.uniform(0.75, 2.2), rng.uniform(0.5, 1.05), rng.uniform(0.44, 0.62)
    right = [
        (0.28, -0.56),
        (loose, -0.2),
        (loose * 0.98, 0.25),
        (0.46, 0.55),
        (wide, 0.5 * low + 0.45),
        (wide * 0.8, low),
    ]
    points = np.array([(0, -0.62), *right, (0, low + 0.1), *[(-x, y) for x, y in reversed(right)]])
    edge = smooth_loop(points + rng.normal(0, 0.025, points.shape), 128)
    layer = _around(rng, frame, traits, light, felt, edge)
    if rng.random() < 0.6:  # the end thrown over a shoulder
        side = rng.choice([-1, 1])
        end = tube(np.array([(-0.3, 0.6), (0.1, 0.75), (0.45, 0.75)]) * [side, 1], [0.1, 0.2, 0.16])
        layer = over(shade(fill(frame, end), felt * np.float32(rng.uniform(0.8, 1.1)), light), layer)
    return layer


def _hood(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, felt: Colours) -> Layer:
    loose, peak = rng.uniform(0.48, 0.7), rng.uniform(-0.75, -0.6)
    right = [(0.3, peak + 0.08), (loose, -0.25), (loose, 0.3), (0.5, 0.62), (0.62, 0.8), (0.3, 0.95)]
    points = np.array([(0, peak), *right, (0, 0.85), *[(-x, y) for x, y in reversed(right)]])
    return _around(rng, frame, traits, light, felt, smooth_loop(points + rng.normal(0, 0.02, points.shape), 128))


def _turban(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, felt: Colours) -> Layer:
    layer = np.zeros((frame.height, frame.width, 4), np.float32)
    for k in range(rng.integers(4, 8)):
        y, wide, lean = -0.2 - 0.09 * k, 0.52 - 0.012 * k * k, rng.normal(0, 0.08)
        wound = tube([(-wide, y + lean), (0, y - 0.07), (wide, y - lean)], [0.1, 0.13, 0.1])
        layer = over(shade(fill(frame, wound), felt, light, 1.2), layer)
    return layer


def _mortarboard(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, felt: Colours) -> Layer:
    y = -0.55 + rng.uniform(-0.05, 0.05)
    board = np.array([(-0.75, y), (0, y - 0.13), (0.75, y), (0, y + 0.13)])
    side = rng.choice([-1, 1])
    tassel = tube(np.array([(0, -0.57), (0.6, -0.5), (0.62, -0.1)]) * [side, 1], [0.012, 0.012, 0.04])
    layer = over(shade(fill(frame, board), felt, light, 0.3), _crown(frame, light, felt * np.float32(0.8), -0.1))
    return over(shade(fill(frame, tassel), natural_colour(rng, 0.2, 0.95, 0.5), light), layer)


def _helmet(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, felt: Colours) -> Layer:
    shell = smooth_loop(
        [(-0.5, -0.1), (-0.47, -0.45), (0, -0.72), (0.47, -0.45), (0.5, -0.1), (0.3, -0.22), (-0.3, -0.22)]
    )
    gloss = natural_colour(rng, 0.05, 0.98, 0.5) if rng.random() < 0.7 else felt
    strap = [tube([(s * 0.43, -0.15), (s * 0.36, 0.3), (0, 0.53)], [0.025, 0.025]) for s in (-1, 1)]
    dark = shade(fill(frame, *strap), natural_colour(rng, 0.03, 0.3), light)
    return over(shade(fill(frame, shell), gloss, light, 1.3), dark)


_HATS: dict[str, Callable[[np.random.Generator, Frame, Traits, Light, Colours], Layer]] = {
    "cap": _cap,
    "beanie": _beanie,
    "brim": _brim,
    "headscarf": _headscarf,
    "hood": _hood,
    "turban": _turban,
    "mortarboard": _mortarboard,
    "helmet": _helmet,
}
