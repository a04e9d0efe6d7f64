"""Composition: I = alpha F + (1 - alpha) B, in display values or in linear light."""

import torch
from torch import Tensor

from matting.augment.colour import linear_to_srgb, srgb_to_linear


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


def is_composite(foreground: Tensor, background: Tensor) -> Tensor:
    """Whether each row has a background of its own: ``(B,)`` bool, False for a photograph shipped as both layers."""
    return (foreground != background).flatten(1).any(dim=1)
