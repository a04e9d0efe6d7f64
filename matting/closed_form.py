"""Closed-form matting (Levin et al., "A Closed-Form Solution to Natural Image Matting", TPAMI 2008), by PyMatting."""

import io
from contextlib import redirect_stdout

import numpy as np
from numpy.typing import NDArray

from matting.extras import require
from matting.trimap import FOREGROUND, labels_of


def closed_form(image: NDArray[np.uint8], trimap: NDArray[np.uint8]) -> NDArray[np.floating]:
    """Estimate the matte in the unknown region of a trimap.

    Args:
        image: ``(H, W, 3)`` uint8 sRGB.
        trimap: ``(H, W)`` uint8: 0 background, 255 foreground, unknown between.

    Returns:
        ``(H, W)`` float, roughly in [0, 1]. Without unknown pixels the trimap is the matte. Without known foreground or
        without known background there is nothing to solve, and every unknown pixel is 0.5.

    Raises:
        MattingError: PyMatting is not installed.
    """
    known = labels_of(trimap) / FOREGROUND
    if not all((known == level).any() for level in (0, 0.5, 1)):
        return known
    pymatting = require("pymatting", "closed-form matting")  # compiles for several seconds on import
    with redirect_stdout(io.StringIO()):  # prints several lines whenever its preconditioner needs a second attempt
        return np.asarray(pymatting.estimate_alpha_cf(image / 255.0, known))
