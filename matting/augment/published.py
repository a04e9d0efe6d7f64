"""AugMix's published photometric operations, batched: autocontrast, equalize, posterize, solarize and the extra four.

Levels are AugMix's own (Hendrycks et al., ICLR 2020, level = 10 * strength) and pixel arithmetic is Pillow's, on 8-bit
levels. The extra four overlap with the usual corruption tests, so the paper leaves them out where those are reported.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from matting.augment.colour import luma
from matting.augment.operations import Operation


def autocontrast(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Stretch every channel to the full range; has no strength."""
    del strength, key
    low, high = image.amin(dim=(2, 3), keepdim=True), image.amax(dim=(2, 3), keepdim=True)
    return torch.where(high > low, (image - low) / (high - low).clamp(min=1e-6), image)


def equalize(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Flatten every channel's histogram; has no strength."""
    del strength, key
    levels = (image * 255).round().long().flatten(2)
    counts = image.new_zeros(*levels.shape[:2], 256).scatter_add_(2, levels, torch.ones_like(image).flatten(2))
    total = counts.sum(dim=2, keepdim=True)
    step = ((total - counts.gather(2, levels.amax(dim=2, keepdim=True))) / 255).floor()
    before = counts.cumsum(dim=2) - counts
    table = ((before + (step / 2).floor()) / step.clamp(min=1)).floor().clamp(0, 255)
    return torch.where(step > 0, table.gather(2, levels), levels.float()).div(255).view_as(image)


def posterize(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Keep the 4 - floor(4 * strength) highest bits of every value, but at least one."""
    del key
    unit = 2 ** (4 + (4 * strength).floor().clamp(max=3))[:, None, None, None]
    return ((image * 255).round() / unit).floor() * unit / 255


def solarize(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Invert every value from 256 - floor(256 * strength) on."""
    del key
    threshold = (256 - (256 * strength).floor())[:, None, None, None] / 255
    return torch.where(image >= threshold - 1e-6, 1 - image, image)


def colour(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Pillow's Color enhancer: blend with the grey picture."""
    del key
    return _enhance(luma(image), image, strength)


def contrast(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Pillow's Contrast enhancer: blend with the mean grey."""
    del key
    return _enhance(luma(image).mean(dim=(2, 3), keepdim=True), image, strength)


def brightness(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Pillow's Brightness enhancer: blend with black."""
    del key
    return _enhance(torch.zeros_like(image), image, strength)


def sharpness(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Pillow's Sharpness enhancer: blend with the picture smoothed by (1 1 1, 1 5 1, 1 1 1) / 13, rim excepted."""
    del key
    core = image[..., 1:-1, 1:-1]
    smooth = image.clone()
    smooth[..., 1:-1, 1:-1] = (9 * F.avg_pool2d(image, 3, stride=1) + 4 * core) / 13
    return _enhance(smooth, image, strength)


PUBLISHED_OPERATIONS: tuple[Operation, ...] = (autocontrast, equalize, posterize, solarize)
EXTRA_OPERATIONS: tuple[Operation, ...] = (colour, contrast, brightness, sharpness)


def _enhance(degenerate: Tensor, image: Tensor, strength: Tensor) -> Tensor:
    """Blend by AugMix's factor 0.1 + 1.8 * strength: under 1 towards the degenerate picture, over 1 away from it."""
    factor = (0.1 + 1.8 * strength)[:, None, None, None]
    return torch.lerp(degenerate.expand_as(image), image, factor).clamp_(0, 1)
