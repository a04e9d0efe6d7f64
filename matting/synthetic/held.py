"""Things held in front of the chest, of every outline; all count as foreground."""

from collections.abc import Callable

import numpy as np

from matting.synthetic.fabrics import cloth
from matting.synthetic.layers import Frame, Layer, Points, fill, smooth_loop, tube
from matting.synthetic.textures import Light, natural_colour, shade
from matting.synthetic.traits import Traits

_TURN = np.linspace(0, 2 * np.pi, 24)
_CIRCLE = np.column_stack([np.cos(_TURN), np.sin(_TURN)])


def render_thing(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, side: int) -> Layer:
    """Render what the hand on one side holds, at a random angle and size."""
    outlines = THINGS[traits.held or "remote"](rng)
    place, turn, size = np.array([0.42 * side, 1.35]), rng.normal(0, 0.25), rng.uniform(0.8, 1.3)
    c, s = size * np.cos(turn), size * np.sin(turn)
    # Mirrored for the left hand.
    placed = [place + outline @ np.array([[c * side, s], [-s * side, c]]) for outline in outlines]
    scale = max(frame.head * rng.uniform(0.05, 0.12), 1.5)
    surface = cloth(rng, frame.height, frame.width, natural_colour(rng, 0.03, 0.97, 0.3), scale)
    return shade(fill(frame, *placed), surface, light, rng.uniform(0.2, 1.0))


def _board(half: float, tall: float, low: float = 0.0) -> Points:
    return np.array([(-half, low - tall), (half, low - tall), (half, low + tall), (-half, low + tall)])


def _bottle(_: np.random.Generator) -> list[Points]:
    return [_board(0.1, 0.42), tube([(0, -0.42), (0, -0.62)], [0.09, 0.035])]


def _cup(_: np.random.Generator) -> list[Points]:
    return [np.array([(-0.14, -0.18), (0.14, -0.18), (0.11, 0.18), (-0.11, 0.18)]), _ring(0.16, 0.0, 0.1)]


def _ring(x: float, y: float, radius: float) -> Points:
    return tube(_CIRCLE * radius + [x, y], [0.025, 0.025], 60)


def _bag(rng: np.random.Generator) -> list[Points]:
    wide, tall = rng.uniform(0.2, 0.5), rng.uniform(0.2, 0.45)
    body = smooth_loop([(-wide, 0.3), (wide, 0.3), (wide * 1.1, 0.3 + 2 * tall), (-wide * 1.1, 0.3 + 2 * tall)])
    return [body, tube([(-wide * 0.7, 0.4), (0, -0.15), (wide * 0.7, 0.4)], [0.03, 0.03])]


def _umbrella(_: np.random.Generator) -> list[Points]:
    return [tube([(0, -0.7), (0, 1.3)], [0.02, 0.02]), tube([(0, -0.3), (0, 1.2)], [0.12, 0.03])]


def _suitcase(rng: np.random.Generator) -> list[Points]:
    return [_board(rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.45), 0.45), _ring(0, 0.0, 0.12)]


def _bouquet(rng: np.random.Generator) -> list[Points]:
    heads = rng.normal(0, 0.25, (int(rng.integers(5, 16)), 2)) - [0, 0.5]
    stems = [tube([(0, 0.3), head], [0.015, 0.015], 8) for head in heads]
    return [*stems, *[head + _CIRCLE * rng.uniform(0.05, 0.14) for head in heads]]


def _microphone(_: np.random.Generator) -> list[Points]:
    return [tube([(0, 0.35), (-0.12, -0.35)], [0.035, 0.05]), _CIRCLE * 0.09 + [-0.14, -0.42]]


def _horn(rng: np.random.Generator) -> list[Points]:
    bow = [(-0.3, -0.75), (0.0, -0.4), (0.1, 0.9), (0.4, 1.1), (0.5, 0.5)]
    return [tube(bow, [0.03, 0.04, 0.08, 0.12, 0.3 * rng.uniform(0.7, 1.3)])]


THINGS: dict[str, Callable[[np.random.Generator], list[Points]]] = {
    "cell phone": lambda _: [_board(0.13, 0.26)],
    "bottle": _bottle,
    "book": lambda rng: [_board(rng.uniform(0.2, 0.5), rng.uniform(0.25, 0.5))],
    "cup": _cup,
    "remote": lambda _: [_board(0.06, 0.3)],
    "handbag": _bag,
    "umbrella": _umbrella,
    "suitcase": _suitcase,
    "bouquet": _bouquet,
    "microphone": _microphone,
    "plate": lambda rng: [_CIRCLE * rng.uniform(0.2, 0.5)],
    "laptop": lambda rng: [_board(rng.uniform(0.4, 0.9), rng.uniform(0.25, 0.5), 0.2)],
    "trumpet": _horn,
}
"""Outlines around the hand by the name of the thing, in head heights."""
