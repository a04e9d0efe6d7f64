"""The working size of the network, and how images and mattes are resized."""

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.errors import MattingError

STRIDE = 32  # of the encoder: both sides of its input must be multiples of it

_Scalar = TypeVar("_Scalar", np.uint8, np.float32)


def working_shape(height: int, width: int, size: int) -> tuple[int, int]:
    """Return the input shape of the network: the long side becomes `size`, each side the nearest multiple of 32.

    Scaling the long side bounds time and memory for any aspect ratio. Small photos are enlarged because the network
    expects people at the scale it was trained on. Rounding may change the aspect ratio by up to ``16 / side``; this is
    undone when the matte is resized to the photo's size.

    Args:
        height: Height of the photo, in pixels.
        width: Width of the photo, in pixels.
        size: Long side of the working image, a positive multiple of 32.

    Returns:
        ``(height, width)``, positive multiples of 32, neither above `size`.

    Raises:
        MattingError: `size` is not a positive multiple of 32.
    """
    if size < STRIDE or size % STRIDE:
        raise MattingError(f"expected a working size that is a positive multiple of {STRIDE}, found {size}")
    scale = size / max(height, width)
    return (_nearest_multiple(height * scale), _nearest_multiple(width * scale))


def resize(image: NDArray[_Scalar], shape: tuple[int, int]) -> NDArray[_Scalar]:
    """Resize an image or a matte, by pixel area to shrink it and by cubic interpolation to enlarge it.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``, uint8 or float32.
        shape: Target ``(height, width)``.

    Returns:
        An array of the same dtype and channels. Cubic interpolation of floats may overshoot the input's range.
    """
    if image.shape[:2] == shape:
        return image
    # OpenCV averages areas only where no side grows; elsewhere its INTER_AREA is a kind of bilinear interpolation.
    shrinks = image.shape[0] >= shape[0] and image.shape[1] >= shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (shape[1], shape[0]), interpolation=interpolation), image.dtype)


def _nearest_multiple(side: float) -> int:
    # At least one multiple: the short side of a long panorama would be rounded to 0.
    return max(STRIDE, round(side / STRIDE) * STRIDE)
