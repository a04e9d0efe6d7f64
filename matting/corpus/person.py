"""A whole person: the parts in their order from back to front."""

import numpy as np

from matting.corpus.accessories import draw_glasses, draw_hat
from matting.corpus.body import draw_body, draw_front_arms, draw_scarf
from matting.corpus.hair import draw_beard, draw_hair, draw_hair_behind
from matting.corpus.head import draw_head, draw_neck
from matting.corpus.layers import Frame, Layer, stack
from matting.corpus.textures import Light
from matting.corpus.traits import Traits


def draw_person(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer:
    """Draws one person.

    Args:
        rng: source of every random detail; the same state gives the same picture.
        frame: where the person stands, and the sampling of the canvas.
        traits: looks.
        light: of the scene.

    Returns:
        ``(H, W, 4)`` float32 premultiplied layer with exact coverage as alpha.
    """
    seen = np.cos(traits.yaw) > 0.1
    layers = [
        draw_hair_behind(rng, frame, traits, light),
        draw_neck(frame, traits, light),
        draw_body(rng, frame, traits, light),
        draw_scarf(rng, frame, light) if traits.scarf else None,
        draw_head(rng, frame, traits, light),
        draw_beard(rng, frame, traits, light) if traits.beard and seen else None,
        draw_glasses(rng, frame, traits) if traits.glasses and seen else None,
        draw_hair(rng, frame, traits, light),
        draw_hat(rng, frame, traits, light) if traits.hat else None,
        draw_front_arms(rng, frame, traits, light),
    ]
    return stack([layer for layer in layers if layer is not None])


def random_frame(rng: np.random.Generator, height: int, width: int, supersample: int = 3) -> Frame:
    """A crop: from a close-up of the head to a full figure."""
    crops = {"close": (0.42, 0.6), "bust": (0.27, 0.42), "half": (0.17, 0.27), "full": (0.11, 0.14)}
    low, high = crops[str(rng.choice(list(crops), p=[0.25, 0.42, 0.23, 0.10]))]
    head = height * rng.uniform(low, high)
    y = head * rng.uniform(0.62, 0.85) + (0.1 * height * rng.random() if head > 0.15 * height else 0.0)
    x = width * (0.5 + rng.normal(0, 0.09))
    return Frame(height, width, head, (x, y), float(rng.normal(0, 0.08)), supersample)
