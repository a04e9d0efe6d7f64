"""Closed-form matting (Levin et al., "A Closed-Form Solution to Natural Image Matting", TPAMI 2008), by PyMatting."""

import numpy as np
from numpy.typing import NDArray

from matting.trimap import FOREGROUND, labels_of


def closed_form(image: NDArray[np.uint8], trimap: NDArray[np.uint8]) -> NDArray[np.floating]:
    """Solve for the matte between what a trimap says is sure.

    Args:
        image: ``(H, W, 3)`` uint8 sRGB.
        trimap: ``(H, W)`` uint8: 0 background, 255 foreground, unknown between.

    Returns:
        ``(H, W)`` float, about [0, 1]; 0.5 wherever it is unknown if one of the two sides is missing, for there is
        nothing to solve between.
    """
    known = labels_of(trimap) / FOREGROUND
    if not (known == 0).any() or not (known == 1).any():
        return known
    from pymatting import estimate_alpha_cf  # compiles for seconds when it is imported

    return np.asarray(estimate_alpha_cf(image / 255.0, known))
