"""A small portrait rendered by code, so that the degradations can be looked at without any data.

Hair finer than a pixel, a striped shirt and lights behind the head: what noise, compression and blur act on most.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from matting.augment.randomness import fold, normal, uniform

_STRANDS, _POINTS = 160, 240
_HAIR_WIDTH = 1 / 400  # of the side: below a pixel at any size this is rendered at


class Layers(NamedTuple):
    """The layers of one rendered image.

    Attributes:
        foreground: ``(1, 3, S, S)`` float32 in [0, 1], sRGB, straight colours.
        background: ``(1, 3, S, S)`` float32 in [0, 1], sRGB.
        alpha: ``(1, 1, S, S)`` float32 in [0, 1].
    """

    foreground: Tensor
    background: Tensor
    alpha: Tensor


def render_portrait(size: int = 256, seed: int = 0) -> Layers:
    """Render a person before an evening street.

    Args:
        size: side in pixels.
        seed: moves hair and lights.

    Returns:
        The layers; the hair is partly transparent.
    """
    axis = (torch.arange(size) + 0.5) / size
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    key = torch.tensor([seed])
    hair = _hair(axis, fold(key, 1))
    cap = _ellipse(x, y, 0.5, 0.36, 0.185, 0.2, size)
    face = _ellipse(x, y, 0.5, 0.42, 0.145, 0.19, size)
    body = torch.maximum(_ellipse(x, y, 0.5, 1.0, 0.34, 0.31, size), _ellipse(x, y, 0.5, 0.64, 0.075, 0.12, size))
    foreground = _flat(0.23, 0.13, 0.08).expand(3, size, size) * (0.8 + 0.5 * torch.sin(90 * x) ** 2)
    shirt = _flat(0.75, 0.2, 0.25) + (_flat(0.95, 0.9, 0.85) - _flat(0.75, 0.2, 0.25)) * (((y * 28) % 1) < 0.4)
    skin = _flat(0.93, 0.72, 0.58) * (1.05 - 0.6 * (x - 0.42).abs())
    foreground = torch.lerp(foreground, torch.where(y > 0.74, shirt, skin * 0.85), body)
    foreground = torch.lerp(foreground, skin, face)
    for centre in (0.45, 0.55):
        foreground = torch.lerp(foreground, _flat(0.1, 0.08, 0.08), _ellipse(x, y, centre, 0.4, 0.018, 0.013, size))
    foreground = torch.lerp(foreground, _flat(0.7, 0.25, 0.25), _ellipse(x, y, 0.5, 0.515, 0.04, 0.011, size))
    alpha = 1 - (1 - hair) * (1 - torch.maximum(cap, torch.maximum(face, body)))
    return Layers(foreground.clamp(0, 1)[None], _street(x, y, fold(key, 2), size)[None], alpha[None, None])


def _flat(red: float, green: float, blue: float) -> Tensor:
    return torch.tensor([red, green, blue])[:, None, None]


def _ellipse(x: Tensor, y: Tensor, cx: float, cy: float, rx: float, ry: float, size: int) -> Tensor:
    """Coverage of an ellipse, with a rim about a pixel wide."""
    distance = (torch.hypot((x - cx) / rx, (y - cy) / ry) - 1) * min(rx, ry) * size
    return (0.5 - distance).clamp(0, 1)


def _hair(axis: Tensor, key: Tensor) -> Tensor:
    """Strands that leave the head and curl: each a dense row of points, splatted bilinearly."""
    start = math.pi * (0.95 + 1.1 * uniform(fold(key, 0), _STRANDS, 1))
    length = 0.05 + 0.13 * uniform(fold(key, 1), _STRANDS, 1)
    curl = 1.2 * normal(fold(key, 2), _STRANDS, 1)
    time = torch.linspace(0, 1, _POINTS)
    radius, angle = 0.17 + length * time, start + curl * length * time**2 * 3
    x = (0.5 + radius * angle.cos()).flatten()
    y = (0.37 + 1.05 * radius * angle.sin() + 0.35 * length * time**2).flatten()
    size = len(axis)
    across, down = ((1 - (axis - place[:, None]).abs() * size).clamp(min=0) for place in (x, y))
    weight = (length * (_HAIR_WIDTH * size**2 / _POINTS)).expand(-1, -1, _POINTS).reshape(-1, 1)
    # strands that cross in a pixel hide each other: light passes as exp(-sum of their areas), never below 0
    return 1 - torch.exp(-((down * weight).T @ across))


def _street(x: Tensor, y: Tensor, key: Tensor, size: int) -> Tensor:
    """Dusk, lit windows and a few lamps brighter than white."""
    sky = _flat(0.2, 0.25, 0.42) + _flat(0.4, 0.2, -0.05) * y
    windows = (((x * 9) % 1 - 0.5).abs() < 0.3) & (((y * 7) % 1 - 0.5).abs() < 0.28) & (y > 0.3)
    street = torch.where(windows, _flat(0.85, 0.68, 0.4) * (0.55 + 0.45 * torch.sin(11 * (x * 9).floor())), sky)
    for cx, cy in uniform(key, 9, 2)[0].tolist():
        street = torch.lerp(street, _flat(1.0, 0.97, 0.9), _ellipse(x, y, cx, cy * 0.5, 0.016, 0.016, size))
    return street.clamp(0, 1)
