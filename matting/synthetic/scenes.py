"""Backgrounds from many families, or cut from photos without people, in or out of focus."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from matting.images import read_rgb
from matting.synthetic.brush import weathering
from matting.synthetic.built import bokeh, bricks, clutter, gradient, hard_light, indoor, night, street, wall, window
from matting.synthetic.layers import Colours, gaussian, repeated, times
from matting.synthetic.nature import foliage, forest, fur, grass, landscape, shore
from matting.synthetic.places import crowd, gallery, shop_window
from matting.synthetic.textures import noise

Scene = Callable[[np.random.Generator, int, int], Colours]
_NATURE = (foliage, forest, fur, grass, landscape, shore)
_BUILT = (wall, gradient, bokeh, street, night, indoor, window, bricks, clutter, hard_light)
_PLACES = (crowd, shop_window, gallery)
FAMILIES: dict[str, Scene] = {scene.__name__: scene for scene in (*_NATURE, *_BUILT, *_PLACES)}
PHOTO_SHARE = 0.5  # of the scenes, where there are photos
GROUNDS = ("foliage", "fur", "grass", "wall", "bricks", "clutter", "hard_light", "shore")


def random_scene(rng: np.random.Generator, height: int, width: int, family: str | None = None) -> Colours:
    """Render a background ``(height, width, 3)`` of one of :data:`FAMILIES`, in or out of focus.

    Args:
        rng: Random generator.
        height: Pixels.
        width: Pixels.
        family: Name of the family; None samples one.
    """
    defocus = float(rng.choice([0.0, 0.004, 0.012, 0.025], p=[0.5, 0.25, 0.15, 0.1])) * height
    shrink = 2 if defocus > 1 else 1  # a blurred scene needs only a quarter of the pixels
    h, w = max(height // shrink, 1), max(width // shrink, 1)
    image = FAMILIES[family or _any(rng)](rng, h, w)
    if family is None and rng.random() < 0.35:
        image = _ground(rng, image, FAMILIES[str(rng.choice(GROUNDS))](rng, h, w))
    image *= repeated(weathering(rng, h, w), 3)
    if defocus:
        blurred = gaussian(image, defocus / shrink)
        image = np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    warmth = 1 + rng.normal(0, 0.06) * np.array([1, 0, -1], np.float32)
    return np.asarray(np.clip(times(image, warmth) * rng.uniform(0.85, 1.5), 0, 1), np.float32)


def photo_scene(rng: np.random.Generator, height: int, width: int, photos: Sequence[Path]) -> Colours:
    """Cut a background ``(height, width, 3)`` out of a photo, in or out of focus.

    Args:
        rng: Random generator.
        height: Pixels.
        width: Pixels.
        photos: Photos without people; one of them is sampled.

    Raises:
        ImageError: If the photo cannot be read.
    """
    photo = read_rgb(photos[int(rng.integers(len(photos)))])
    whole = min(photo.shape[0] / height, photo.shape[1] / width)  # the largest cut, in photo pixels per scene pixel
    scale = whole * rng.uniform(0.4, 1.0)
    h, w = max(int(height * scale), 1), max(int(width * scale), 1)
    top, left = (int(rng.integers(side + 1)) for side in (photo.shape[0] - h, photo.shape[1] - w))
    cut = np.ascontiguousarray(photo[top : top + h, left : left + w][:, :: rng.choice([-1, 1])])
    shrunk = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC)
    scene = shrunk.astype(np.float32) / np.float32(255)
    if defocus := float(rng.choice([0.0, 0.003, 0.01, 0.025], p=[0.5, 0.2, 0.2, 0.1])) * height:
        scene = gaussian(scene, defocus)
    warmth = 1 + rng.normal(0, 0.06) * np.array([1, 0, -1], np.float32)
    return np.asarray(np.clip(times(scene, warmth) * rng.uniform(0.7, 1.3), 0, 1), np.float32)


def _any(rng: np.random.Generator) -> str:
    """Sample the name of a family; scenes with figures cost ten times as much and are half as frequent."""
    weights = np.array([0.5 if scene in _PLACES else 1.0 for scene in FAMILIES.values()])
    return str(rng.choice(list(FAMILIES), p=weights / weights.sum()))


def _ground(rng: np.random.Generator, image: Colours, ground: Colours) -> Colours:
    """Replace the lower part of the image: a field in front of a wood, a floor in front of a wall."""
    height, width = image.shape[:2]
    rough = height * rng.uniform(0, 0.15)
    edge = height * rng.uniform(0.45, 0.9) + rough * (noise(rng, 8, width, width / 4, 6)[0] - 0.5)
    weight = np.clip(np.arange(height, dtype=np.float32)[:, None] - edge, 0, 1)[..., None]
    return np.asarray(image + weight * (ground - image), np.float32)


def portrait_scene(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render a background as seen by a portrait lens: far out of focus."""
    scene = random_scene(rng, height, width)
    # At a quarter of the size: so blurred an image looks the same, at a sixteenth of the cost.
    small = cv2.resize(scene, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), height * rng.uniform(0.02, 0.04) / 4)
    return np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
