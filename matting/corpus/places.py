"""Backgrounds with figures in them that are no subject: bystanders, mannequins, posters and statues."""

import numpy as np

from matting.corpus.brush import dead_leaves
from matting.corpus.built import indoor, street, wall, window
from matting.corpus.distractors import draw_bystander, draw_figure
from matting.corpus.layers import Picture, gaussian, over
from matting.corpus.nature import landscape
from matting.corpus.textures import natural_colour


def crowd(rng: np.random.Generator, height: int, width: int) -> Picture:
    """People far behind the subject, out of focus."""
    place = (street, indoor, landscape)[rng.integers(3)](rng, height, width)
    layer = draw_bystander(rng, height, width)
    for _ in range(rng.integers(1, 5)):
        layer = over(draw_bystander(rng, height, width), layer)
    picture = layer[..., :3] + place * (1 - layer[..., 3:])
    return gaussian(picture, height * rng.uniform(0.008, 0.02))


def shop_window(rng: np.random.Generator, height: int, width: int) -> Picture:
    """Mannequins behind glass in which the street is mirrored."""
    layer = over(draw_figure(rng, height, width, "mannequin"), draw_figure(rng, height, width, "mannequin"))
    shop = layer[..., :3] + indoor(rng, height, width) * (1 - layer[..., 3:])
    mirrored = window(rng, height, width) if rng.random() < 0.5 else street(rng, height, width)
    share = np.float32(rng.uniform(0.1, 0.45))
    return (1 - share) * shop + share * gaussian(mirrored, height * 0.01)


def gallery(rng: np.random.Generator, height: int, width: int) -> Picture:
    """Posters and statues before a wall."""
    tones = np.stack([natural_colour(rng) for _ in range(8)]).astype(np.float32)
    place = wall(rng, height, width) if rng.random() < 0.7 else dead_leaves(rng, height, width, tones)
    for kind in rng.choice(["poster", "statue"], int(rng.integers(1, 4)), p=[0.7, 0.3]):
        layer = draw_figure(rng, height, width, str(kind))
        place = layer[..., :3] + place * (1 - layer[..., 3:])
    return place
