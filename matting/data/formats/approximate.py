"""Approximate mattes from outlines, such as COCO's masks, to train on."""

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.closed_form import closed_form
from matting.data.crop import Box
from matting.errors import MattingError
from matting.images import Pixels
from matting.trimap import BACKGROUND, CODES, FOREGROUND, UNKNOWN, is_unknown

Refine: TypeAlias = Callable[[Pixels, Pixels], NDArray[np.floating]]
"""Computes a matte, ``(H, W)`` float in [0, 1], from a photo and a trimap."""

BAND = 0.04
"""Half the width of the unknown band, as a share of the square root of the mask's area; outlines are that coarse."""
MARGIN = 24
"""Pixels around the unknown region that a solver sees: enough to estimate the colours of the background."""


def trimap_from_mask(mask: NDArray[np.bool_], band: float = BAND) -> Pixels:
    """Build a trimap around an outline.

    Args:
        mask: ``(H, W)`` bool.
        band: Half the width of the unknown region, as a share of the square root of the mask's area.

    Returns:
        ``(H, W)`` uint8: 0 background, 128 unknown, 255 foreground. Outlines cut off hair, so the band extends one
        and a half times as far outwards as inwards.
    """
    # At least 2 pixels: a small mask would get no band at all.
    radius = max(2.0, band * float(np.sqrt(mask.sum())))
    # The image's edge is not an outline: a body that it cuts off continues beyond it.
    pad = int(2 * radius) + 1
    padded = np.pad(mask, pad, mode="edge").astype(np.uint8)
    # 5 is OpenCV's more accurate approximation of Euclidean distance.
    inner, outer = (cv2.distanceTransform(part, cv2.DIST_L2, 5) for part in (padded, 1 - padded))
    trimap = np.full(padded.shape, CODES[UNKNOWN], np.uint8)
    trimap[inner > radius] = CODES[FOREGROUND]
    trimap[(outer > 1.5 * radius) & (padded == 0)] = CODES[BACKGROUND]
    return trimap[pad:-pad, pad:-pad]


def approximate_matte(photo: Pixels, mask: NDArray[np.bool_], refine: Refine = closed_form) -> Pixels:
    """Refine an outline into a matte.

    Args:
        photo: ``(H, W, 3)`` uint8.
        mask: ``(H, W)`` bool, the people.
        refine: Fills in the unknown region; `closed_form`, or a trained network, which ignores the trimap.

    Returns:
        ``(H, W)`` uint8: 0 and 255 where the trimap is definite, refined elsewhere.

    Raises:
        MattingError: If the sizes differ, or the mask is empty.
    """
    if photo.shape[:2] != mask.shape or not mask.any():
        raise MattingError(
            f"expected a mask of {photo.shape[:2]} with a person in it, found {mask.shape}; check the pair"
        )
    trimap = trimap_from_mask(mask)
    if not is_unknown(trimap).any():  # the person fills the image
        return trimap
    box = _around(trimap)
    part = box.cut(trimap)
    alpha = trimap.copy()
    refined = np.rint(np.clip(refine(box.cut(photo), part), 0, 1) * 255).astype(np.uint8)
    # `cut` returns a view, so this writes into `alpha`.
    box.cut(alpha)[:] = np.where(is_unknown(part), refined, part)
    return alpha


def _around(trimap: Pixels) -> Box:
    x, y, width, height = cv2.boundingRect(is_unknown(trimap).astype(np.uint8))
    top, left = max(0, y - MARGIN), max(0, x - MARGIN)
    bottom, right = min(trimap.shape[0], y + height + MARGIN), min(trimap.shape[1], x + width + MARGIN)
    return Box(top, left, bottom - top, right - left)
