"""Sizes: which one the network sees, and how images and mattes get there and back."""

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.errors import MattingError

STRIDE = 32

_Scalar = TypeVar("_Scalar", np.uint8, np.float32)


def working_shape(height: int, width: int, size: int) -> tuple[int, int]:
    """Return the shape the network sees: the long side becomes `size`, each side the nearest multiple of 32.

    The long side, because then time and memory are bounded whatever the photo's shape; small photos are
    enlarged, because a network knows people at the scale it was trained on. Rounding may change the aspect ratio by
    up to ``16 / side``; it is undone when the matte is brought back to the photo's size.

    Args:
        height: Of the photo, in pixels.
        width: Of the photo, in pixels.
        size: Long side wanted, a positive multiple of 32.

    Returns:
        ``(height, width)``, positive multiples of 32, neither above `size`.

    Raises:
        MattingError: `size` is no positive multiple of 32.
    """
    if size < STRIDE or size % STRIDE:
        raise MattingError(f"expected a working size that is a positive multiple of {STRIDE}, found {size}")
    scale = size / max(height, width)
    return (_nearest_multiple(height * scale), _nearest_multiple(width * scale))


def resize(image: NDArray[_Scalar], shape: tuple[int, int]) -> NDArray[_Scalar]:
    """Resize an image or a matte: by pixel area when it shrinks, by cubic interpolation when it grows.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``, uint8 or float32.
        shape: ``(height, width)`` wanted.

    Returns:
        The same dtype and channels at `shape`. Float results may leave the input's range by cubic overshoot.
    """
    if image.shape[:2] == shape:
        return image
    shrinks = image.shape[0] >= shape[0] and image.shape[1] >= shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (shape[1], shape[0]), interpolation=interpolation), image.dtype)


def _nearest_multiple(side: float) -> int:
    return max(STRIDE, round(side / STRIDE) * STRIDE)
