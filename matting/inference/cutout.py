"""What a matte is for: the subject on transparency, or on another ground."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matting.images import read_rgb


def cutout(image: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Put the matte behind the photograph's own colours.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        alpha: ``(H, W)`` float in [0, 1].

    Returns:
        ``(H, W, 4)`` uint8, straight (not premultiplied) RGBA. Colours are the photograph's everywhere, so that the
        matte can still be edited; at soft pixels they still hold a share of the old background.

    Raises:
        ValueError: The shapes do not belong together.
    """
    _check_same_size(image, alpha)
    return np.dstack([image, np.rint(np.clip(alpha, 0, 1) * 255).astype(np.uint8)])


def cut_out_file(predict: Callable[[NDArray[np.uint8]], NDArray[np.float32]], photo: Path) -> NDArray[np.uint8]:
    """Read a photograph, predict its matte and cut it out.

    Args:
        predict: ``(H, W, 3)`` uint8 RGB to ``(H, W)`` float32, such as a `Predictor`.
        photo: Any picture file; colours with a profile are converted to sRGB, which an untagged PNG is shown in.

    Returns:
        ``(H, W, 4)`` uint8 RGBA of the photograph's own size.

    Raises:
        ImageError: The file cannot be read.
    """
    image = read_rgb(photo, to_srgb=True)
    return cutout(image, predict(image))


def place_on(
    image: NDArray[np.uint8], alpha: NDArray[np.float32], ground: NDArray[np.uint8] | tuple[int, int, int]
) -> NDArray[np.uint8]:
    """Compose ``alpha * image + (1 - alpha) * ground`` in sRGB, as every published composite is.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        alpha: ``(H, W)`` float in [0, 1].
        ground: One RGB colour, or a picture of the same size.

    Returns:
        ``(H, W, 3)`` uint8.

    Raises:
        ValueError: The shapes do not belong together.
    """
    _check_same_size(image, alpha)
    weight = np.clip(alpha, 0, 1)[..., None].astype(np.float32)
    below = np.asarray(ground, np.float32)
    return np.rint(below + weight * (image - below)).astype(np.uint8)


def _check_same_size(image: NDArray[np.uint8], alpha: NDArray[np.float32]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or alpha.shape != image.shape[:2]:
        raise ValueError(f"expected (H, W, 3) and (H, W) of one size, found {image.shape} and {alpha.shape}")
