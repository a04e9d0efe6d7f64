"""A classical trimap-based solver to compare with: unlike the networks it is given the true trimap."""

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.closed_form import closed_form
from matting.data.test_sets.examples import Example
from matting.evaluation.prediction import Method
from matting.extras import require
from matting.inference import resize


def closed_form_method(size: int = 512) -> Method:
    """Make the method that solves for alpha by `matting.closed_form.closed_form`.

    It solves at a reduced size, since time and memory grow faster than the number of pixels.

    Args:
        size: Long side, in pixels, to which larger images are reduced.

    Returns:
        The method; unlike a network it sees the trimap of the test set.

    Raises:
        MattingError: PyMatting is not installed.
    """
    require("pymatting", "closed-form matting")  # before any image is evaluated

    def method(example: Example) -> NDArray[np.float32]:
        height, width = example.alpha.shape
        scale = min(1.0, size / max(height, width))
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = cv2.resize(example.image, small, interpolation=cv2.INTER_AREA)
        trimap = cv2.resize(example.trimap, small, interpolation=cv2.INTER_NEAREST)
        alpha = closed_form(np.asarray(image, np.uint8), np.asarray(trimap, np.uint8)).astype(np.float32)
        # Cubic interpolation may overshoot.
        return np.clip(resize(alpha, (height, width)), np.float32(0), np.float32(1))

    return method
