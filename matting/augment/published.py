"""AugMix's published photometric operations, batched: autocontrast, equalize, posterize, solarize and the extra four.

Levels are AugMix's own (Hendrycks et al., ICLR 2020, level = 10 * strength), pixel arithmetic is Pillow's on 8-bit
levels, by Kornia's functions but for two. The extra four overlap with the usual corruption tests, so the paper leaves
them out where those are reported.
"""

import kornia.enhance
import torch
from torch import Tensor

from matting.augment.operations import Operation


def autocontrast(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Stretch every channel to the full range; has no strength."""
    del strength, key
    # Kornia's normalize_min_max turns a flat channel black and takes twice as long
    low, high = image.amin(dim=(2, 3), keepdim=True), image.amax(dim=(2, 3), keepdim=True)
    return torch.where(high > low, (image - low) / (high - low).clamp(min=1e-6), image)


def equalize(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Flatten every channel's histogram; has no strength."""
    del strength, key
    return kornia.enhance.equalize(image)


def posterize(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Keep the 4 - floor(4 * strength) highest bits of every value, but at least one."""
    del key
    # Kornia's posterize takes 3 times as long, by way of uint8 and back
    unit = 2 ** (4 + (4 * strength).floor().clamp(max=3))[:, None, None, None]
    return ((image * 255).round() / unit).floor() * unit / 255


def solarize(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Invert every value from 256 - floor(256 * strength) on."""
    del key
    threshold = (256 - (256 * strength).floor()) / 255 - 1e-6  # a level's quotient may round to just below it
    return kornia.enhance.solarize(image, threshold)


def colour(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Blend with the gray image: Pillow's Color enhancer."""
    del key
    return kornia.enhance.adjust_saturation_with_gray_subtraction(image, _factor(strength))


def contrast(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Blend with the mean gray: Pillow's Contrast enhancer."""
    del key
    return kornia.enhance.adjust_contrast_with_mean_subtraction(image, _factor(strength))


def brightness(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Blend with black: Pillow's Brightness enhancer."""
    del key
    return kornia.enhance.adjust_brightness_accumulative(image, _factor(strength))


def sharpness(image: Tensor, strength: Tensor, key: Tensor) -> Tensor:
    """Blend with the image smoothed by (1 1 1, 1 5 1, 1 1 1) / 13, rim excepted: Pillow's Sharpness enhancer."""
    del key
    return kornia.enhance.sharpness(image, _factor(strength))


PUBLISHED_OPERATIONS: tuple[Operation, ...] = (autocontrast, equalize, posterize, solarize)
EXTRA_OPERATIONS: tuple[Operation, ...] = (colour, contrast, brightness, sharpness)


def _factor(strength: Tensor) -> Tensor:
    """AugMix's 0.1 + 1.8 * strength: under 1 blends towards the degenerate image, over 1 away from it."""
    return 0.1 + 1.8 * strength
