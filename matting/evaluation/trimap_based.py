"""A classical solver beside the networks: it is told the true trimap, so reports call it helped."""

import importlib.util

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.data.test_sets.examples import Example
from matting.evaluation.prediction import Method
from matting.inference import resize


def closed_form(size: int = 512) -> Method:
    """Make the method that solves Levin et al., "A Closed-Form Solution to Natural Image Matting", TPAMI 2008.

    It is solved by PyMatting at reduced size, since time and memory grow faster than the number of pixels.

    Args:
        size: Long side, in pixels, at which larger pictures are solved.

    Returns:
        The method: unlike a network it sees the trimap, made from the truth or drawn by hand.

    Raises:
        ValueError: PyMatting is not installed.
    """
    if importlib.util.find_spec("pymatting") is None:
        raise ValueError("expected PyMatting for the closed-form baseline, found none; pip install pymatting")

    def method(example: Example) -> NDArray[np.float32]:
        height, width = example.alpha.shape
        scale = min(1.0, size / max(height, width))
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = cv2.resize(example.image, small, interpolation=cv2.INTER_AREA)
        trimap = cv2.resize(example.trimap, small, interpolation=cv2.INTER_NEAREST)
        alpha = _solve(np.asarray(image, np.uint8), np.asarray(trimap, np.uint8))
        return np.clip(resize(alpha, (height, width)), np.float32(0), np.float32(1))

    return method


def _solve(image: NDArray[np.uint8], trimap: NDArray[np.uint8]) -> NDArray[np.float32]:
    known = np.where(trimap == 255, 1.0, np.where(trimap == 0, 0.0, 0.5))
    if not (trimap == 255).any() or not (trimap == 0).any():
        return known.astype(np.float32)  # nothing to solve between: one side of the matte is missing
    from pymatting import estimate_alpha_cf

    return np.asarray(estimate_alpha_cf(image / 255.0, known), np.float32)
