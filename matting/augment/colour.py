"""Colour: the sRGB transfer function and luma."""

import torch
from torch import Tensor


def srgb_to_linear(image: Tensor) -> Tensor:
    """Decode sRGB display values to linear light (IEC 61966-2-1); float in [0, 1], any shape."""
    return torch.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light: Tensor) -> Tensor:
    """Encode linear light as sRGB display values (IEC 61966-2-1); values outside [0, 1] are clipped first."""
    light = light.clamp(0, 1)
    return torch.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def luma(colours: Tensor) -> Tensor:
    """Brightness of display values (ITU-R BT.601): ``(B, 3, ...)`` to ``(B, 1, ...)``."""
    red, green, blue = colours.unbind(1)
    return (0.299 * red + 0.587 * green + 0.114 * blue).unsqueeze(1)
