"""Things in the scene that have the subject's shading, cloth and outline but are background.

Without them a network learns that anything round, shaded and clothed is the person.
"""

from dataclasses import replace

import cv2
import numpy as np

from matting.synthetic.layers import Colours, Frame, Layer, Points, fill, gaussian, paint, smooth_loop, tube
from matting.synthetic.person import render_person
from matting.synthetic.props import surface
from matting.synthetic.textures import natural_colour, random_light, shade
from matting.synthetic.traits import random_traits


def add_distractors(rng: np.random.Generator, scene: Colours) -> Colours:
    """Render a few things into the scene, occasionally a poster, a statue or a mannequin."""
    blur = float(rng.choice([0.0, 1.0, 3.0, 7.0], p=[0.45, 0.25, 0.2, 0.1]))
    shrink = 2 if blur else 1  # what is out of focus needs no resolution
    height, width = scene.shape[0] // shrink, scene.shape[1] // shrink
    layer = np.zeros((height, width, 4), np.float32)
    for _ in range(rng.choice([0, 1, 2, 4, 6], p=[0.2, 0.22, 0.23, 0.2, 0.15])):
        paint(layer, _thing(rng, height, width))
    if rng.random() < (0.14 if blur else 0.05):  # rare when sharp: one as large as the subject could pass for it
        paint(layer, render_figure(rng, height, width, str(rng.choice(["statue", "mannequin", "poster"]))))
    if blur:
        layer = cv2.resize(gaussian(layer, blur / shrink), scene.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(layer[..., :3] + scene * (1 - layer[..., 3:]), np.float32)


def _thing(rng: np.random.Generator, height: int, width: int) -> Layer:
    """Render a thing, from a twig to a boulder larger than a person, with the shading and cloth of a person."""
    frame = Frame(height, width, height, (width * rng.uniform(0, 1), height * rng.uniform(0.1, 1)), 0.0, 1)
    outlines = OUTLINES[rng.integers(len(OUTLINES))](rng)
    part, box = frame.window(np.concatenate(outlines))
    layer = np.zeros((height, width, 4), np.float32)
    material = surface(rng, part.height, part.width, height * rng.uniform(0.02, 0.5))
    layer[box] = shade(fill(part, *outlines), material, random_light(rng), rng.uniform(0, 1.2))
    return layer


def _post(rng: np.random.Generator) -> list[Points]:
    lean, wide = rng.normal(0, 0.08), float(np.exp(rng.uniform(np.log(0.006), np.log(0.2))))
    return [tube([(-lean, -1.0), (lean, 1.2)], [wide, wide * rng.uniform(0.8, 1.4)])]


def _stem(rng: np.random.Generator) -> list[Points]:
    parts = [tube([(0, 1), (rng.normal(0, 0.05), 0.3), (rng.normal(0, 0.1), -0.4)], [0.05, 0.035, 0.01])]
    for _ in range(rng.integers(3, 14)):
        y = rng.uniform(-0.35, 0.5)
        tip = np.array([rng.normal(0, 0.25), y - rng.uniform(0.05, 0.3)])
        parts.append(tube(np.array([(0, y), tip * [0.6, 1.0], tip]), [0.015, 0.01, 0.003]))
    return parts


def _cushion(rng: np.random.Generator) -> list[Points]:
    turn = np.linspace(0, 2 * np.pi, 9)[:-1]
    radius = rng.uniform(0.06, 0.3) * rng.uniform(0.6, 1.3, 8)
    return [smooth_loop(np.column_stack([np.cos(turn), np.sin(turn) * rng.uniform(0.5, 1.8)]) * radius[:, None])]


def _box(rng: np.random.Generator) -> list[Points]:
    half = rng.uniform(0.04, 0.3, 2)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half
    return [np.asarray(corners + rng.normal(0, 0.03, (4, 2)), np.float64)]


def _boulder(rng: np.random.Generator) -> list[Points]:
    """Return the outline of a boulder about as large as a person."""
    turn = np.linspace(0, 2 * np.pi, 25)[:-1]
    radius = rng.uniform(0.15, 0.6) * rng.uniform(0.75, 1.2, 24)
    points = np.column_stack([np.cos(turn), np.sin(turn) * rng.uniform(0.6, 1.6)]) * radius[:, None]
    return [smooth_loop(points) if rng.random() < 0.5 else points]


def _turned(rng: np.random.Generator) -> list[Points]:
    """Return a turned outline: vases, lamps, hydrants, bottles, with a neck and shoulders like a person's."""
    tall, count = rng.uniform(0.3, 1.0), int(rng.integers(4, 9))
    half = tall * rng.uniform(0.04, 0.3, count)
    y = np.linspace(-tall / 2, tall / 2, count)
    right = np.column_stack([half, y])
    points = np.concatenate([right, (right * [-1, 1])[::-1]])
    return [smooth_loop(points) if rng.random() < 0.7 else points]


def _standing(rng: np.random.Generator) -> list[Points]:
    """Return a ball on a body: the outline of head and shoulders without a person."""
    size = rng.uniform(0.05, 0.2)
    turn = np.linspace(0, 2 * np.pi, 24)
    ball = size * rng.uniform(0.7, 1.3, 2) * np.column_stack([np.cos(turn), np.sin(turn)])
    w, low = size * rng.uniform(0.9, 2.6), size * rng.uniform(2, 6)
    right = np.array([(0.3 * size, 0.9 * size), (w, 1.6 * size), (w * rng.uniform(0.8, 1.2), low)])
    return [ball, smooth_loop(np.concatenate([right, (right * [-1, 1])[::-1]]))]


OUTLINES = (_post, _stem, _cushion, _box, _boulder, _turned, _standing)


def render_bystander(rng: np.random.Generator, height: int, width: int) -> Layer:
    """Render a person who is not the subject."""
    place = (width * rng.uniform(0, 1), height * rng.uniform(0.2, 0.5))
    frame = Frame(height, width, height * rng.uniform(0.05, 0.16), place, float(rng.normal(0, 0.05)), 2)
    return render_person(rng, frame, random_traits(rng), random_light(rng)).layer


def render_figure(rng: np.random.Generator, height: int, width: int, kind: str) -> Layer:
    """Render a ``"statue"``, a ``"mannequin"`` or a person on a ``"poster"``."""
    head = height * rng.uniform(0.08, 0.3)
    frame = Frame(height, width, head, (width * rng.uniform(0.1, 0.9), height * rng.uniform(0.15, 0.5)), 0.0, 2)
    traits = random_traits(rng)
    stone = np.full(3, rng.uniform(0.2, 0.9)) * rng.uniform(0.85, 1.0, 3)
    if kind != "poster":
        # One material from head to foot; glasses and lace would give it away.
        traits = replace(traits, skin=stone, top=stone, bottom=stone, hair=stone * 0.9, glasses=None, collar=None)
        traits = replace(
            traits, style="bald" if kind == "mannequin" else "short", hat=None, tie=False, veil=False, scarf=False
        )
    layer = render_person(rng, frame, traits, random_light(rng)).layer
    if kind == "poster":
        layer = _poster(rng, layer, frame)
    elif kind == "statue":
        layer[..., :3] = layer[..., :3].mean(axis=2, keepdims=True) * stone.astype(np.float32) / stone.mean()
    return layer


def _poster(rng: np.random.Generator, layer: Layer, frame: Frame) -> Layer:
    half, (x, y) = frame.head * rng.uniform(0.9, 1.6), frame.centre
    # Slices with a negative start would count from the other side.
    left, right = int(max(x - half, 0)), int(x + half) + 1
    top, bottom = int(max(y - half, 0)), int(y + half * 1.5) + 1
    paper = np.zeros_like(layer)
    paper[top:bottom, left:right] = [*natural_colour(rng), 1.0]
    inside = paper[..., 3:]
    return np.asarray((layer + paper * (1 - layer[..., 3:])) * inside, np.float32)
