"""Decide what a matte file means: read it, refuse it with what to do, or doubt it.

This is the only place that decides. Training, evaluation, verification and stored predictions all read through it.
"""

from pathlib import Path
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.decoding import Decoded, ImageError
from matting.trimap import is_unknown

VERSION = 2
"""Raised when a file is read as another matte than before, or refused; a part of the keys of all caches of mattes."""

MOST_SOFT = 0.5
"""Share of soft pixels above which a matte is probably something else, such as a depth map or a gray photo."""

MOST_OPPOSITE = 0.01
"""Share of pixels, certain in a trimap but the opposite in its matte, above which one of them is probably wrong."""

HARD = "no pixel is soft: a network trained on hard masks predicts hard edges"
INVERTED = "the borders are more opaque than the middle: are black and white exchanged?"

_CHANNELS_DIFFER = 32  # between channels of one pixel; JPEG makes those of a gray image differ by a few levels
_AGREE = 2  # levels by which gray and alpha may differ and still be one matte stored twice
_ALMOST_FULL = 250  # from here on, a highest value is a rounded 255
_LOSSY_ONE = 3  # largest value that lossy compression makes of a 1
_COLOURED = (
    "{}: expected a matte (gray, or a transparent cutout), found {}: the photo, or a mask with coloured classes?; "
    "store the person as 255 and the rest as 0 in a gray PNG"
)
_TWO_MATTES = (
    "{}: expected one matte, found two that differ, gray values from {} to {} and transparency from {} to {}; save the "
    "gray values without transparency, or the transparency as a gray PNG"
)
_FULL_SCALES = {1023: 10, 4095: 12, 16383: 14}  # bits of a sensor that were stored in 16


def matte_plane(path: Path, image: Decoded) -> NDArray[np.uint8]:
    """Return the channel of an image that is its matte, or that holds the codes of its trimap.

    Args:
        path: Named in errors.
        image: The decoded file.

    Returns:
        ``(H, W)`` uint8, C-contiguous.

    Raises:
        ImageError: The image has colours but no transparency, or gray values and transparency that disagree.
    """
    pixels = image.pixels
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)
    if _in_transparency(path, image):
        return np.ascontiguousarray(pixels[..., 3])
    # The luma averages what JPEG adds to the channels of a gray image.
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels[..., :3]), cv2.COLOR_RGB2GRAY), np.uint8)


def matte_alpha(path: Path, image: Decoded) -> NDArray[np.uint8]:
    """Return the alpha of a matte file, whose values are checked.

    Args:
        path: Named in errors.
        image: The decoded file.

    Returns:
        ``(H, W)`` uint8, 255 = foreground, C-contiguous.

    Raises:
        ImageError: As `matte_plane`, or the values are not alpha times 255 (in 16 bits, times 65535): 0 and 1, per
            cent, class numbers, or 8 to 14 bits stored in 16.
    """
    plane = matte_plane(path, image)
    if image.stored is not None:
        deep = image.stored if image.stored.ndim == 2 else image.stored[..., 3 if _in_transparency(path, image) else 0]
        _check_deep(path, int(deep.max()))
    elif plane.max() < 255:
        _check_values(path, np.flatnonzero(np.bincount(plane.ravel(), minlength=256)).tolist(), image.lossy)
    return plane


def matte_doubts(alpha: NDArray[np.uint8]) -> list[str]:
    """List what is unusual about a matte but may be intended.

    Args:
        alpha: ``(H, W)`` uint8.

    Returns:
        One clause each, for a report that names the file.
    """
    counts = np.bincount(alpha.ravel(), minlength=256)
    levels, soft = np.flatnonzero(counts), 1 - (counts[0] + counts[255]) / alpha.size
    lowest, highest = int(levels[0]), int(levels[-1])
    if highest == 0:
        return ["the matte is empty: nobody is in it"]
    if lowest == 255:
        return ["the matte is full: there is no background"]
    doubts = [f"the highest value is {highest}, not 255"] if highest < 255 else []
    if lowest > 0:
        doubts.append(f"the lowest value is {lowest}: there is no background")
    if is_inverted(alpha):
        doubts.append(INVERTED)
    if levels.tolist() in ([0, 127, 255], [0, 128, 255]):
        doubts.append(f"its values are 0, {levels[1]} and 255 alone: is it a trimap?")
    if soft == 0:
        doubts.append(HARD)
    if soft > MOST_SOFT:
        doubts.append(f"{soft:.0%} of the pixels are soft: is it a matte?")
    return doubts


def trimap_doubts(alpha: NDArray[np.uint8], trimap: NDArray[np.uint8]) -> list[str]:
    """List what is unusual about the trimap of a true matte: a method that is given it cannot be better than it.

    Args:
        alpha: ``(H, W)`` uint8.
        trimap: ``(H, W)`` uint8: 0 background, 255 foreground, unknown between.

    Returns:
        One clause each, as `matte_doubts`.
    """
    opposite = float((((trimap == 255) & (alpha == 0)) | ((trimap == 0) & (alpha == 255))).mean())
    doubts = []
    if opposite > MOST_OPPOSITE:
        doubts.append(f"the trimap is the opposite of the matte in {opposite:.0%} of the pixels: does it belong to it?")
    if not is_unknown(trimap).any() and ((alpha > 0) & (alpha < 255)).any():
        doubts.append("the trimap has no unknown pixels, although the matte is soft")
    return doubts


def is_inverted(alpha: NDArray[np.uint8]) -> bool:
    """Return whether the subject surrounds the background; see `border_excess`."""
    return border_excess(alpha) > 0


def border_excess(alpha: NDArray[np.uint8]) -> float:
    """Return how much more opaque the left, upper and right borders are than the whole image, in [-1, 1].

    Above 0 the subject surrounds the background: black and white were exchanged. People touch the lower border. They
    may be cut by one of the others, hence the median of the three, or fill all of them, hence their mean; the lesser
    counts.

    Args:
        alpha: ``(H, W)`` uint8.
    """
    borders = alpha[0], alpha[:, 0], alpha[:, -1]
    lesser = min(median(float(line.mean()) for line in borders), float(np.concatenate(borders).mean()))
    return (lesser - float(alpha.mean())) / 255


def _in_transparency(path: Path, image: Decoded) -> bool:
    """Return whether the matte of an image with three or four channels is its transparency, and not its gray values."""
    pixels = image.pixels
    opacity = pixels[..., 3] if pixels.shape[2] == 4 else np.full((1, 1), 255, np.uint8)
    lowest, highest = int(opacity.min()), int(opacity.max())
    if _is_coloured(pixels):
        if lowest == highest > 0:
            raise ImageError(_COLOURED.format(path, "the colours of a palette" if image.palette else "colours"))
        return True
    gray = pixels[..., 0]
    if lowest == 255 or (pixels.shape[2] == 4 and cv2.absdiff(np.ascontiguousarray(gray), opacity).max() <= _AGREE):
        return False
    if gray.min() < gray.max():
        raise ImageError(_TWO_MATTES.format(path, gray.min(), gray.max(), lowest, highest))
    return True


def _is_coloured(pixels: NDArray[np.uint8]) -> bool:
    red, green, blue = (np.ascontiguousarray(pixels[..., channel]) for channel in range(3))
    spread = np.maximum(cv2.absdiff(red, green), cv2.absdiff(green, blue))
    # In the dark, relative to the highest value: classes may have colours such as (1, 0, 0).
    return bool(spread.max() > min(_CHANNELS_DIFFER, pixels[..., :3].max() / 4) or spread.mean() > 8)


def _check_deep(path: Path, highest: int) -> None:
    bits = 8 if 0 < highest <= 255 else _FULL_SCALES.get(highest)
    if bits:
        raise ImageError(
            f"{path}: expected a 16-bit matte up to 65535, found values up to {highest}, that is {bits} bits stored in "
            "16; save it as 8-bit PNG, or scale it to 0..65535"
        )


def _check_values(path: Path, levels: list[int], lossy: bool) -> None:
    highest = levels[-1]
    if 0 < highest <= (_LOSSY_ONE if lossy else 1):
        found, cure = "values of 0 and 1", "multiply them by 255"
    elif highest == 100:
        found, cure = "values up to 100 (per cent?)", "multiply them by 2.55"
    elif len(levels) == 2 and levels[0] == 0 and highest < _ALMOST_FULL:
        found, cure = f"the values 0 and {highest} alone (class numbers?)", "store the person as 255"
    else:
        return
    raise ImageError(f"{path}: expected a matte from 0 to 255, found {found}; {cure}")
