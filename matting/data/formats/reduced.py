"""Decode only what a crop needs: JPEG images at a half, a quarter or an eighth of their size.

A JPEG decoder can skip the high frequencies of its 8 x 8 blocks and return a smaller image, each pixel the mean of a
block, for a fraction of the work. Training crops of 12-megapixel photos are decoded two to three times as fast.
"""

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from matting.data.crop import Box
from matting.decoding import MAX_PIXELS
from matting.errors import MattingError
from matting.images import Pixels, read_rgb
from matting.shards import read_bytes

# OpenCV's gray flags are the bare factors; its colour flags include BGR order, and RGB has none.
_GRAY_FLAGS = {2: cv2.IMREAD_REDUCED_GRAYSCALE_2, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 8: cv2.IMREAD_REDUCED_GRAYSCALE_8}
_EXIF_ORIENTATION = 0x0112


def largest_reduction(box: Box, smallest_side: int) -> int:
    """Return the largest of 1, 2, 4 and 8 by which a box can shrink and keep ``smallest_side`` pixels on both sides."""
    side = min(box.height, box.width)
    return next(factor for factor in (8, 4, 2, 1) if factor == 1 or side // factor >= smallest_side)


def read_part(path: Path, alpha: Path, shape: tuple[int, ...], box: Box, factor: int) -> Pixels:
    """Read a part of an image that has a matte.

    Args:
        path: The image.
        alpha: The matte, named in errors.
        shape: Height and width of the matte, which the image must have.
        box: The part, in pixels of the matte, made of whole blocks of ``factor`` x ``factor``.
        factor: Requested reduction; formats other than plain JPEG are read at full size.

    Returns:
        ``(h, w, 3)`` uint8 sRGB: the part, at one ``factor``-th or at full size.

    Raises:
        MattingError: If the image cannot be read, or differs in size from the matte.
    """
    if factor > 1 and (image := _read_reduced(path, shape, factor)) is not None:
        return box.reduced(factor).cut(image)
    image = read_rgb(path)
    if image.shape[:2] != shape:
        raise MattingError(
            f"{alpha}: expected a matte of {image.shape[1]}x{image.shape[0]} as {path}, "
            f"found {shape[1]}x{shape[0]}; correct or remove the pair"
        )
    return box.cut(image)


def _read_reduced(path: Path, shape: tuple[int, ...], factor: int) -> Pixels | None:
    """Read the whole image at one ``factor``-th of its size; None if it needs the full reader."""
    try:
        # Read once for both, the header and the decoder.
        data = read_bytes(path)
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            # CMYK and rotated images are converted by the full reader.
            is_plain = image.mode in ("L", "RGB") and image.getexif().get(_EXIF_ORIENTATION, 1) == 1
            if not is_plain or image.size != (shape[1], shape[0]) or image.width * image.height > MAX_PIXELS:
                return None
    except Exception:  # the full reader reports the error better
        return None
    flags = _GRAY_FLAGS[factor] | cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    return None if decoded is None else np.asarray(decoded, np.uint8)
