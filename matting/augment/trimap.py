"""The trimap target, made from the warped alpha on the device."""

import torch
import torch.nn.functional as F
from torch import Tensor

from matting.trimap import BACKGROUND, FOREGROUND, UNKNOWN

_HALF_LEVEL = 0.5 / 255  # an alpha that would be stored as 0 or as 255 is definite


def trimap_labels(alpha: Tensor, radius: Tensor) -> Tensor:
    """Mark as unknown whatever lies within a square of half-width ``radius`` of both sides of the matte's edge.

    Soft pixels belong to both sides, so they are unknown at any radius, and a hard edge gets its band too: the usual
    erosion of the definite foreground and of the definite background.

    Args:
        alpha: ``(B, 1, H, W)`` float in [0, 1].
        radius: ``(B,)`` int64, >= 0, pixels.

    Returns:
        ``(B, H, W)`` int64: 0 background, 1 unknown, 2 foreground.
    """
    definite = torch.cat([alpha > 1 - _HALF_LEVEL, alpha < _HALF_LEVEL], dim=1)
    open_sides = _dilate_rows(_dilate_rows(~definite, radius).transpose(2, 3).contiguous(), radius).transpose(2, 3)
    eroded_foreground, eroded_background = (~open_sides).unbind(1)
    labels = eroded_foreground.long() * (FOREGROUND - UNKNOWN) + UNKNOWN
    return labels - eroded_background.long() * (UNKNOWN - BACKGROUND)


def _dilate_rows(mask: Tensor, radius: Tensor) -> Tensor:
    """Dilate along the last axis; running sums cost the same at any radius, a max-pool grows with it."""
    width = mask.shape[-1]
    counts = F.pad(mask.cumsum(-1, dtype=torch.int32), (1, 0))
    x, reach = torch.arange(width, device=mask.device), radius[:, None, None, None]
    right = (x + reach + 1).clamp(max=width).expand(mask.shape)
    left = (x - reach).clamp(min=0).expand(mask.shape)
    # the running count rises across a window if and only if a pixel in it is set
    return counts.gather(-1, right) > counts.gather(-1, left)
