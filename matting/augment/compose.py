"""Composition: I = alpha F + (1 - alpha) B, in display values or in linear light."""

import torch
from torch import Tensor


def srgb_to_linear(image: Tensor) -> Tensor:
    """Decode sRGB display values to linear light (IEC 61966-2-1); float in [0, 1], any shape."""
    return torch.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light: Tensor) -> Tensor:
    """Encode linear light as sRGB display values (IEC 61966-2-1); values outside [0, 1] are clipped first."""
    light = light.clamp(0, 1)
    return torch.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def compose(foreground: Tensor, background: Tensor, alpha: Tensor, linear_light: bool = False) -> Tensor:
    """Composite a foreground on a background.

    Args:
        foreground: ``(B, 3, H, W)`` float in [0, 1], sRGB, straight colours.
        background: ``(B, 3, H, W)`` float in [0, 1], sRGB.
        alpha: ``(B, 1, H, W)`` float in [0, 1].
        linear_light: mix light, as a lens does, and not display values, as most published composites do.

    Returns:
        ``(B, 3, H, W)`` float in [0, 1], sRGB; the background to the bit wherever both layers agree, so that a
        photograph shipped as both of its layers comes back unchanged.
    """
    if not linear_light:
        return torch.lerp(background, foreground, alpha)
    light = torch.lerp(srgb_to_linear(background), srgb_to_linear(foreground), alpha)
    return torch.where(foreground == background, background, linear_to_srgb(light))
