"""The article's four distortions, as operations that AugMix chains.

An operation is ``operation(image, strength, key)`` with ``image`` ``(B, 3, H, W)`` float in [0, 1], ``strength``
``(B,)`` in [0, 1] and ``key`` ``(B,)`` int64; it returns an image of the same shape and range, each row by itself. None
moves a pixel to another place for good, so the matte stays true.
"""

import math
from collections.abc import Callable

import torch
from kornia.color import rgb_to_grayscale
from torch import Tensor

from matting.augment.jpeg import jpeg
from matting.augment.kernels import convolve, linear_motion
from matting.augment.randomness import normal, uniform

Operation = Callable[[Tensor, Tensor, Tensor], Tensor]

_NOISE = 0.3  # standard deviation at full strength
_MOTION = 0.15  # length at full strength, as a fraction of the image's longer side
_COLOUR = 0.9  # largest relative change of brightness, contrast and saturation
_HUE = 0.15  # largest turn of the hue circle


def gaussian_noise(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Add independent Gaussian noise of standard deviation 0.3 * strength to every value."""
    noise = normal(key, *image.shape[1:])
    return noise.mul_(_NOISE * strength[:, None, None, None]).add_(image).clamp_(0, 1)


def jpeg_artefacts(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Save as JPEG at quality 95 * 10^-strength: 48 at strength 0.3, 9 at full strength; ``key`` is not needed."""
    del key
    return jpeg(image, 95 * 10**-strength)


def motion_blur(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Blur along a straight line in a random direction, over at most 15 % of the image's longer side."""
    side = max(image.shape[-2:])
    radius = math.ceil(_MOTION * side / 2)
    kernel = linear_motion(_MOTION * side * strength, math.pi * uniform(key), radius)
    return convolve(image, kernel).clamp_(0, 1)


def colour_jitter(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Change brightness, contrast, saturation and hue at once: one affine map of colours per row.

    Relative changes lie within 0.9 * strength, the turn of the hue within 0.15 * strength of the circle.
    """
    # Kornia's adjust_* one after the other, the hue by way of HSV, take 12 times as long and clip in between
    change = strength[:, None] * (2 * uniform(key, 4) - 1)
    brightness, contrast, saturation = (1 + _COLOUR * change[:, :3]).unbind(1)
    mean = brightness * rgb_to_grayscale(image.mean(dim=(2, 3), keepdim=True)).flatten()
    matrix = _recolour(saturation, 2 * math.pi * _HUE * change[:, 3]) * (brightness * contrast)[:, None, None]
    mapped = torch.baddbmm((mean * (1 - contrast))[:, None, None], matrix, image.flatten(2))
    return mapped.view_as(image).clamp_(0, 1)


def _recolour(saturation: Tensor, turn: Tensor) -> Tensor:
    """``(B, 3, 3)``: what becomes of pure red, green and blue under a turn about the gray axis, then saturation."""
    primaries = torch.eye(3, device=turn.device).expand(len(turn), 3, 3)
    gray = primaries.mean(dim=1, keepdim=True)
    across = (primaries.roll(1, dims=1) - primaries.roll(-1, dims=1)) / math.sqrt(3)  # Rodrigues' cross product
    cos, sin = turn.cos()[:, None, None], turn.sin()[:, None, None]
    turned = gray + cos * (primaries - gray) + sin * across
    return torch.lerp(rgb_to_grayscale(turned[..., None])[..., 0], turned, saturation[:, None, None])
