"""Backgrounds with people who are not the subject: bystanders, mannequins, posters and statues."""

from collections.abc import Sequence

import cv2
import numpy as np

from matting.synthetic.brush import dead_leaves
from matting.synthetic.built import indoor, street, wall, window
from matting.synthetic.distractors import render_bystander, render_figure
from matting.synthetic.layers import Colours, Layer, gaussian, stack
from matting.synthetic.nature import landscape
from matting.synthetic.textures import natural_colour


def _before(place: Colours, figures: Sequence[Layer]) -> Colours:
    """Composite figures over a place at half its resolution: they are out of focus or far away."""
    layer = cv2.resize(stack(figures), place.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(layer[..., :3] + place * (1 - layer[..., 3:]), np.float32)


def crowd(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render people far behind the subject, out of focus."""
    place = (street, indoor, landscape)[rng.integers(3)](rng, height, width)
    people = [render_bystander(rng, height // 2, width // 2) for _ in range(rng.integers(1, 5))]
    return gaussian(_before(place, people), height * rng.uniform(0.008, 0.02))


def shop_window(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render mannequins behind glass that reflects the street."""
    dummies = [render_figure(rng, height // 2, width // 2, "mannequin") for _ in range(2)]
    shop = _before(indoor(rng, height, width), dummies)
    mirrored = window(rng, height, width) if rng.random() < 0.5 else street(rng, height, width)
    share = np.float32(rng.uniform(0.1, 0.45))
    return (1 - share) * shop + share * gaussian(mirrored, height * 0.01)


def gallery(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render posters and statues in front of a wall."""
    tones = np.stack([natural_colour(rng) for _ in range(8)]).astype(np.float32)
    place = wall(rng, height, width) if rng.random() < 0.7 else dead_leaves(rng, height, width, tones)
    kinds = rng.choice(["poster", "statue"], int(rng.integers(1, 4)), p=[0.7, 0.3])
    return _before(place, [render_figure(rng, height // 2, width // 2, str(kind)) for kind in kinds])
