"""Colours of the subject alone, without the old background that shines through soft edges."""

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.tiles import tiles

VERSION = 2
"""Raise it with every change of what is estimated: cached estimates of another version are not used."""

LONG_SIDE = 2048
"""Levels with a longer side, in pixels, are fused without a blur: strands of hair are several pixels wide there."""

PASSES = 2
"""Of blurring and fusing, at each level."""

_RADIUS = 1  # of the blur, in pixels of each level
_SIDE = 64  # of a tile: what is done with it stays in the processor's cache
_HALF_A_STEP = 0.5 / 255  # of a stored matte: beyond it alpha is 0 or 1
_ONE = np.float32(1)
_LEAST = np.float32(1e-3)  # alpha is taken for no less, so that every blur has a weight; the picture's noise is larger

_Scalar = TypeVar("_Scalar", np.uint8, np.float32)
_Bytes = NDArray[np.uint8]
_Floats = NDArray[np.float32]


def estimate_foreground(image: _Bytes, alpha: _Floats) -> _Bytes:
    """Estimate the foreground of a photograph whose matte is known; the matte stays as it is.

    Blur-fusion (Forte and Pitié 2021, "Approximate Fast Foreground Colour Estimation"): with I the photograph and ‾ a
    box blur, ::

        F^ = ‾(α F) / ‾α        B^ = ‾((1-α) B) / ‾(1-α)        F = F^ + α r,  B = B^ + (1-α) r
        r = (I - α F^ - (1-α) B^) / (α² + (1-α)²)

    The paper blurs twice, with a wide window and a narrow one, and leaves out the divisor of r. Here a small window
    runs through the levels of an image pyramid, coarsest first (as in Germer et al. 2020, "Fast Multi-Level Foreground
    Estimation"), and the divisor makes every fusion fulfil ``I = α F + (1-α) B``. A level starts with a fusion without
    blur, so that what is opaque has its own colours before they spread. Only tiles with a soft pixel are worked on.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        alpha: ``(H, W)`` float32 in [0, 1].

    Returns:
        ``(H, W, 3)`` uint8: the photograph where alpha is 1, the subject's colours where it is soft, and where it is 0
        those of the subject nearby, so that a picture which is scaled later gets no fringe.
    """
    levels = [(image, alpha)]
    while max(levels[-1][1].shape) > 1:
        levels.append((_halved(levels[-1][0]), _halved(levels[-1][1])))
    foreground = background = levels[-1][0]
    for picture, matte in reversed(levels):
        passes = PASSES if max(matte.shape) <= LONG_SIDE else 0
        foreground, background = _fuse_level(foreground, background, picture, matte, passes)
    cv2.copyTo(image, (alpha >= 1 - _HALF_A_STEP).view(np.uint8), foreground)
    return foreground


def _fuse_level(
    foreground: _Bytes, background: _Bytes, picture: _Bytes, alpha: _Floats, passes: int
) -> tuple[_Bytes, _Bytes]:
    """Bring both layers to the level's size and fuse them with its picture where the matte is soft."""
    size = (alpha.shape[1], alpha.shape[0])
    f, b = (cv2.resize(layer, size, interpolation=cv2.INTER_LINEAR) for layer in (foreground, background))
    soft = cv2.inRange(alpha, _HALF_A_STEP, 1 - _HALF_A_STEP) > 0
    todo = tiles(soft, _SIDE, margin=_RADIUS * passes)
    fused = ((t, _fuse(f[t.window], b[t.window], picture[t.window], alpha[t.window], passes)) for t in todo)
    # A blur must see the neighbours as they were: then, and only on small levels, all are done before one is written.
    for tile, (tile_f, tile_b) in list(fused) if passes else fused:
        f[tile.core], b[tile.core] = tile_f[tile.inner], tile_b[tile.inner]
    return np.asarray(f, np.uint8), np.asarray(b, np.uint8)


def _fuse(
    foreground: _Bytes, background: _Bytes, picture: _Bytes, alpha: _Floats, passes: int
) -> tuple[_Bytes, _Bytes]:
    """Fuse one tile, first without a blur, then `passes` times with one.

    Fused layers fulfil I = α F + (1-α) B, so αF says all, and blurring it blurs (1-α) B = I - αF as well. With
    c = α² / (α² + (1-α)²) a fusion is then ``αF = c I + (1-c) α F^ - c (1-α) B^``: linear in what was blurred.
    """
    f, b, seen = (layer.astype(np.float32) for layer in (foreground, background, picture))
    alpha = np.clip(alpha, _LEAST, _ONE - _LEAST)
    rest = _ONE - alpha
    share = alpha * alpha
    share /= share + rest * rest
    own = cv2.multiply(_coloured(share), seen)
    premultiplied = own.copy()
    cv2.accumulateProduct(_coloured((_ONE - share) * alpha), f, premultiplied)
    cv2.accumulateProduct(_coloured(-share * rest), b, premultiplied)
    if passes:
        around = _blurred(alpha)
        behind = share * rest / (_ONE - around)
        through = _coloured((_ONE - share) * alpha / around + behind)
        cv2.accumulateProduct(_coloured(-behind), _blurred(seen), own)
    for _ in range(passes):
        premultiplied = cv2.add(cv2.multiply(through, _blurred(premultiplied)), own)
    behind = cv2.subtract(seen, premultiplied)
    f = cv2.divide(premultiplied, _coloured(alpha), dtype=cv2.CV_8U)  # rounded, and cut to 0 to 255
    b = cv2.divide(behind, _coloured(rest), dtype=cv2.CV_8U)
    return np.asarray(f, np.uint8), np.asarray(b, np.uint8)


def _blurred(picture: _Floats) -> _Floats:
    window = (2 * _RADIUS + 1, 2 * _RADIUS + 1)
    return np.asarray(cv2.blur(picture, window, borderType=cv2.BORDER_REPLICATE), np.float32)


def _coloured(plane: _Floats) -> _Floats:
    """The plane once for each colour: OpenCV multiplies arrays of one shape only."""
    return np.asarray(cv2.merge([plane] * 3), np.float32)


def _halved(picture: NDArray[_Scalar]) -> NDArray[_Scalar]:
    height, width = picture.shape[:2]
    # Linear at twice the distance: the mean of four pixels, and hardly more work where a side is odd.
    half = cv2.resize(picture, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_LINEAR)
    return np.asarray(half, picture.dtype)
