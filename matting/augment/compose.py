"""Composition: I = alpha F + (1 - alpha) B, in display values or in linear light."""

import torch
from kornia.color import linear_rgb_to_rgb, rgb_to_linear_rgb
from torch import Tensor


def compose(foreground: Tensor, background: Tensor, alpha: Tensor, linear_light: bool = False) -> Tensor:
    """Composite a foreground on a background.

    Args:
        foreground: ``(B, 3, H, W)`` float in [0, 1], sRGB, straight colours.
        background: ``(B, 3, H, W)`` float in [0, 1], sRGB.
        alpha: ``(B, 1, H, W)`` float in [0, 1].
        linear_light: mix light, as a lens does, and not display values, as most published composites do.

    Returns:
        ``(B, 3, H, W)`` float in [0, 1], sRGB; the background bit for bit wherever both layers agree, so that a
        photo that is both of its layers comes back unchanged.
    """
    if not linear_light:
        return torch.lerp(background, foreground, alpha)
    light = torch.lerp(rgb_to_linear_rgb(background), rgb_to_linear_rgb(foreground), alpha)
    # the round trip through linear light changes the last bits, also where there is nothing to mix
    return torch.where(foreground == background, background, linear_rgb_to_rgb(light))


def is_composite(foreground: Tensor, background: Tensor) -> Tensor:
    """Whether each row has a background of its own: ``(B,)`` bool, False for a photo that is both layers."""
    # compared exactly: a photo comes as two copies of the same bytes, and both are warped alike
    return (foreground != background).flatten(1).any(dim=1)
