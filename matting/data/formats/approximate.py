"""Approximate mattes from outlines: what COCO's masks become before a network learns from them."""

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.data.crop import Box, Picture

Refine: TypeAlias = Callable[[Picture, Picture], NDArray[np.floating]]
"""Given a photograph and a trimap, the matte: ``(H, W)`` float in [0, 1]."""

BAND = 0.04
"""Half the width of the unknown band, as a share of the square root of the mask's area: so coarse are outlines."""
MARGIN = 24
"""Pixels around the unknown region that a solver sees: enough to know the background's colours."""


def trimap_from_mask(mask: NDArray[np.bool_], band: float = BAND) -> Picture:
    """Draw a trimap around an outline.

    Args:
        mask: ``(H, W)`` bool.
        band: Half the width of the unknown region, as a share of the square root of the mask's area.

    Returns:
        ``(H, W)`` uint8: 0 background, 128 unknown, 255 foreground. Hair stands out of outlines, so the band reaches
        one and a half times as far outwards as inwards.
    """
    radius = max(2.0, band * float(np.sqrt(mask.sum())))
    # The picture's edge is no outline: a body that is cut off by it goes on.
    padded = np.pad(mask, int(2 * radius) + 1, mode="edge").astype(np.uint8)
    inner, outer = (cv2.distanceTransform(part, cv2.DIST_L2, 5) for part in (padded, 1 - padded))
    trimap = np.where(inner > radius, 255, np.where((outer > 1.5 * radius) & (padded == 0), 0, 128)).astype(np.uint8)
    pad = int(2 * radius) + 1
    return trimap[pad:-pad, pad:-pad]


def closed_form(photo: Picture, trimap: Picture) -> NDArray[np.floating]:
    """Solve for the matte with closed-form matting (Levin et al., TPAMI 2008), by PyMatting."""
    from pymatting import estimate_alpha_cf

    return np.asarray(estimate_alpha_cf(photo / 255.0, np.select([trimap == 0, trimap == 255], [0.0, 1.0], 0.5)))


def approximate_matte(photo: Picture, mask: NDArray[np.bool_], refine: Refine = closed_form) -> Picture:
    """Refine an outline into a matte.

    Args:
        photo: ``(H, W, 3)`` uint8.
        mask: ``(H, W)`` bool, the people.
        refine: Fills in the unknown region; `closed_form`, or a trained network that disregards the trimap.

    Returns:
        ``(H, W)`` uint8: 0 and 255 where the trimap is definite, refined between.

    Raises:
        ValueError: If the sizes differ, or the mask is empty.
    """
    if photo.shape[:2] != mask.shape or not mask.any():
        raise ValueError(
            f"expected a mask of {photo.shape[:2]} with a person in it, found {mask.shape}; check the pair"
        )
    trimap = trimap_from_mask(mask)
    box = _around(trimap)
    part = box.cut(trimap)
    alpha = trimap.copy()
    refined = np.rint(np.clip(refine(box.cut(photo), part), 0, 1) * 255).astype(np.uint8)
    box.cut(alpha)[:] = np.where(part == 128, refined, part)
    return alpha


def _around(trimap: Picture) -> Box:
    x, y, width, height = cv2.boundingRect((trimap == 128).astype(np.uint8))
    top, left = max(0, y - MARGIN), max(0, x - MARGIN)
    bottom, right = min(trimap.shape[0], y + height + MARGIN), min(trimap.shape[1], x + width + MARGIN)
    return Box(top, left, bottom - top, right - left)
