"""A whole person: the parts from back to front."""

from typing import NamedTuple

import cv2
import numpy as np

from matting.synthetic.accessories import render_glasses, render_veil
from matting.synthetic.body import render_body, render_front_arms, render_scarf, weave_top
from matting.synthetic.garments import render_collar, render_earrings
from matting.synthetic.hair import render_beard, render_hair, render_hair_behind
from matting.synthetic.head import render_head, render_neck
from matting.synthetic.headwear import render_hat
from matting.synthetic.layers import Frame, Layer, Plane, extent, gaussian, padded, paint
from matting.synthetic.textures import Light
from matting.synthetic.traits import Traits

REACH = np.array([(-3.4, -1.7), (3.4, -1.7), (3.4, 7.6), (-3.4, 7.6)])
"""Corners of the area that a person can cover, in the head frame."""


class Person(NamedTuple):
    """A rendered person before lens and sensor.

    Attributes:
        layer: ``(H, W, 4)`` float32 premultiplied, with exact coverage as alpha.
        bare: ``(H, W)`` float32, the coverage without hair, beard and fur.
    """

    layer: Layer
    bare: Plane


def render_person(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Person:
    """Render one person.

    Args:
        rng: Random generator; the same state gives the same image.
        frame: Position of the person, and the sampling of the canvas.
        traits: Traits of the person.
        light: Light of the scene.
    """
    # Rendered in a window: in a full-body crop the person is a small part of the image.
    part, box = frame.window(REACH)
    layer = np.zeros((frame.height, frame.width, 4), np.float32)
    bare = np.zeros((frame.height, frame.width), np.float32)
    layer[box], bare[box] = _render(rng, part, traits, light)
    return Person(layer, bare)


def _render(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Person:
    seen = np.cos(traits.yaw) > 0.1
    wear = weave_top(rng, frame, traits)
    # From back to front. All parts share `rng`, so the order is also that of the random numbers: moving an entry
    # changes the images.
    parts = [
        ("hair", render_hair_behind(rng, frame, traits, light)),
        ("skin", render_neck(frame, traits, light)),
        ("cloth", render_body(rng, frame, traits, light, wear)),
        (traits.collar, render_collar(rng, frame, traits, light) if traits.collar and not traits.scarf else None),
        ("cloth", render_scarf(rng, frame, light) if traits.scarf else None),
        ("skin", render_head(rng, frame, traits, light)),
        ("hair", render_beard(rng, frame, traits, light) if traits.beard and seen else None),
        ("glasses", render_glasses(rng, frame, traits) if traits.glasses and seen else None),
        ("hair", render_hair(rng, frame, traits, light)),
        ("earrings", render_earrings(rng, frame, traits) if traits.earrings and seen else None),
        ("cloth", render_hat(rng, frame, traits, light) if traits.hat else None),
        ("cloth", render_veil(rng, frame, light) if traits.veil and not traits.hat else None),
        ("cloth", render_front_arms(rng, frame, traits, light, wear)),
    ]
    person = np.zeros((frame.height, frame.width, 4), np.float32)
    seen_past = np.ones((frame.height, frame.width), np.float32)
    for kind, layer in parts:
        if layer is not None:
            # Before the part itself is painted, which does not shadow itself.
            occlude(person, layer[..., 3], frame.head, light)
            paint(person, layer)
            if kind not in ("hair", "fur"):
                # The transparency of parts that lie over each other multiplies.
                seen_past *= 1 - layer[..., 3]
    return Person(person, 1 - seen_past)


def occlude(below: Layer, cover: Plane, head: float, light: Light) -> None:
    """Darken in place what is below a part by the soft shadow of the part.

    Args:
        below: ``(H, W, 4)`` premultiplied.
        cover: ``(H, W)`` coverage of the part.
        head: Height of the head in pixels, which scales the shadow.
        light: Light of the scene.
    """
    box = extent(cover)
    if box[0].stop == 0:
        return
    box = padded(box, int(0.25 * head) + 4, cover.shape)
    part = cover[box]
    size = part.shape[1::-1]
    small = cv2.resize(part, (max(size[0] // 4, 1), max(size[1] // 4, 1)), interpolation=cv2.INTER_AREA)
    shift = -0.09 * head / 4 * light.direction[:2] + [0, 0.03 * head / 4]
    moved = cv2.warpAffine(small, np.array([[1.0, 0, shift[0]], [0, 1, shift[1]]]), small.shape[1::-1])
    strength = np.float32(np.clip(light.key.mean() / (light.key.mean() + light.ambient.mean()), 0.2, 0.6))
    dark = gaussian(moved, max(head * 0.05 / 4, 0.4))
    below[box][..., :3] *= cv2.resize(1 - strength * dark, size)[..., None]


def random_frame(rng: np.random.Generator, height: int, width: int, supersample: int = 3) -> Frame:
    """Sample a crop, from a close-up of the head to the full body."""
    crops = {"close": (0.38, 0.58), "bust": (0.25, 0.38), "half": (0.14, 0.25), "full": (0.065, 0.125)}
    crop = str(rng.choice(list(crops), p=[0.12, 0.3, 0.3, 0.28]))
    head = height * rng.uniform(*crops[crop])
    room = 1.0 - head * (8.0 if crop == "full" else 1.6) / height  # free space above and below the visible part
    y = 0.6 * head + height * max(room, 0.02) * rng.beta(1.2, 2.0)
    x = width * float(np.clip(rng.normal(0.5, 0.06 if crop == "close" else 0.14), 0.15, 0.85))
    return Frame(height, width, head, (x, y), float(rng.normal(0, 0.1)), supersample)
