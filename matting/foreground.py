"""Estimate the subject's own colours, without the old background that shows through soft edges."""

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.tiles import tiles

VERSION = 3
"""Increase it whenever the estimate changes: cached estimates of another version are not used."""

LONG_SIDE = 512
"""Pyramid levels with a longer side, in pixels, are fused without a blur, which would take most of the time."""

PASSES = 6
"""Number of blur-and-fuse passes at each level that is blurred."""

_RADIUS = 1  # of the blur window, in pixels of each level
_SIDE = 64  # of a tile, in pixels: small enough that its arrays stay in the processor's cache
_ROWS = 128  # per strip, where pixels are fused one by one
_HALF_A_STEP = 0.5 / 255  # of an 8-bit matte: closer to 0 or 1 than this, alpha is rounded to it
_ONE = np.float32(1)
_LEAST = np.float32(1e-3)  # lower bound of alpha, so that no blur divides by zero; the noise of an image is larger

_Scalar = TypeVar("_Scalar", np.uint8, np.float32)
_Bytes = NDArray[np.uint8]
_Floats = NDArray[np.float32]


def estimate_foreground(image: _Bytes, alpha: _Floats) -> _Bytes:
    """Estimate the foreground of a photo whose matte is known; the matte stays as it is.

    Blur-fusion (Forte and Pitié 2021, "Approximate Fast Foreground Colour Estimation"): with I the photo and ‾ a
    box blur, ::

        F^ = ‾(α F) / ‾α        B^ = ‾((1-α) B) / ‾(1-α)        F = F^ + α r,  B = B^ + (1-α) r
        r = (I - α F^ - (1-α) B^) / (α² + (1-α)²)

    The paper blurs twice, with a wide window and a narrow one, and omits the divisor of r. Here a small window is
    applied at each level of an image pyramid, coarsest first (as in Germer et al. 2020, "Fast Multi-Level Foreground
    Estimation"), and with the divisor every fusion satisfies ``I = α F + (1-α) B``. Each level starts with a fusion
    without blur, so that opaque pixels have their own colours before these spread. Large levels have only that one
    fusion, with the background of the last small level. Only soft pixels are processed.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        alpha: ``(H, W)`` float32 in [0, 1].

    Returns:
        ``(H, W, 3)`` uint8: the photo's colours where alpha is 1, the subject's where it is soft, and where it is 0
        those of the nearest part of the subject, so that scaling the cutout later makes no fringe.
    """
    levels = [(image, alpha)]
    while max(levels[-1][1].shape) > 1:
        levels.append((_halved(levels[-1][0]), _halved(levels[-1][1])))
    foreground = background = levels[-1][0]
    for level_image, level_alpha in reversed(levels):
        size = (level_alpha.shape[1], level_alpha.shape[0])
        foreground = np.asarray(cv2.resize(foreground, size, interpolation=cv2.INTER_LINEAR), np.uint8)
        if max(size) <= LONG_SIDE:
            background = np.asarray(cv2.resize(background, size, interpolation=cv2.INTER_LINEAR), np.uint8)
            _fuse_level(foreground, background, level_image, level_alpha)
        else:
            _fuse_pixels(foreground, background, level_image, level_alpha)
    cv2.copyTo(image, (alpha >= 1 - _HALF_A_STEP).view(np.uint8), foreground)
    return foreground


def _fuse_level(foreground: _Bytes, background: _Bytes, image: _Bytes, alpha: _Floats) -> None:
    """Fuse both layers with the image of their level, in place, in the tiles where the matte is soft."""
    soft = cv2.inRange(alpha, _HALF_A_STEP, 1 - _HALF_A_STEP) > 0
    todo = list(tiles(soft, _SIDE, margin=_RADIUS * PASSES))
    # Windows overlap: all tiles are computed before one is written, so that each sees its neighbours unchanged.
    windows = [tile.window for tile in todo]
    fused = [_fuse(foreground[w], background[w], image[w], alpha[w]) for w in windows]
    for tile, (tile_f, tile_b) in zip(todo, fused, strict=True):
        foreground[tile.core], background[tile.core] = tile_f[tile.inner], tile_b[tile.inner]


def _fuse_pixels(foreground: _Bytes, background: _Bytes, image: _Bytes, alpha: _Floats) -> None:
    """Fuse the soft pixels of a foreground one by one, in place; the background may be of a coarser level."""
    (height, width), (rows, columns) = alpha.shape, background.shape[:2]
    for top in range(0, height, _ROWS):
        strip = slice(top, top + _ROWS)
        a = alpha[strip].reshape(-1)
        soft = np.flatnonzero((a > _HALF_A_STEP) & (a < 1 - _HALF_A_STEP))
        if not soft.size:
            continue
        y, x = np.divmod(soft.astype(np.uint32), np.uint32(width))  # takes half the time of 64 bits
        nearest = (y + top) * rows // height * columns + x * columns // width
        found = foreground[strip].reshape(-1, 3)
        f, b = _taken(found, soft).astype(np.float32), _taken(background, nearest).astype(np.float32)
        a = np.take(a, soft)
        rest = _ONE - a
        residual = _taken(image[strip], soft) - b
        residual -= _coloured(a[None])[0] * (f - b)
        residual *= _coloured((a / (a * a + rest * rest))[None])[0]
        found[soft] = cv2.add(f, residual, dtype=cv2.CV_8U)  # rounds and clips


def _fuse(foreground: _Bytes, background: _Bytes, image: _Bytes, alpha: _Floats) -> tuple[_Bytes, _Bytes]:
    """Fuse one tile, first without a blur, then `PASSES` times with one.

    Fused layers satisfy I = α F + (1-α) B, so αF determines both, and blurring it blurs (1-α) B = I - αF as well.
    With c = α² / (α² + (1-α)²) a fusion is then ``αF = c I + (1-c) α F^ - c (1-α) B^``, linear in the blurred layer.
    """
    f, b, seen = (layer.astype(np.float32) for layer in (foreground, background, image))
    alpha = np.clip(alpha, _LEAST, _ONE - _LEAST)
    rest = _ONE - alpha
    share = alpha * alpha
    share /= share + rest * rest
    own = _coloured(share) * seen
    f *= _coloured((_ONE - share) * alpha)
    b *= _coloured(share * rest)
    premultiplied = f + own
    premultiplied -= b
    around = _blurred(alpha)
    behind = share * rest / (_ONE - around)
    through = _coloured((_ONE - share) * alpha / around + behind)
    own -= _coloured(behind) * _blurred(image)  # blurred as bytes, which takes half the time
    for _ in range(PASSES):
        premultiplied = _blurred(premultiplied)
        premultiplied *= through
        premultiplied += own
    seen -= premultiplied
    f = cv2.divide(premultiplied, _coloured(alpha), dtype=cv2.CV_8U)  # rounds and clips
    b = cv2.divide(seen, _coloured(rest), dtype=cv2.CV_8U)
    return np.asarray(f, np.uint8), np.asarray(b, np.uint8)


def _blurred(image: NDArray[_Scalar]) -> _Floats:
    window = (2 * _RADIUS + 1, 2 * _RADIUS + 1)
    return np.asarray(cv2.blur(image, window, borderType=cv2.BORDER_REPLICATE), np.float32)


def _coloured(plane: _Floats) -> _Floats:
    """Repeat a plane for each colour channel: OpenCV multiplies arrays of equal shape only."""
    return np.asarray(cv2.cvtColor(plane, cv2.COLOR_GRAY2BGR), np.float32)


def _taken(image: _Bytes, where: NDArray[np.integer]) -> _Bytes:
    """Return the colours at indices into the flattened image, ``(N, 3)``; `take` is twice as fast as indexing."""
    return np.take(image.reshape(-1, 3), where, axis=0)


def _halved(image: NDArray[_Scalar]) -> NDArray[_Scalar]:
    height, width = image.shape[:2]
    # Linear interpolation at half the size is the mean of four pixels, and is not slower where a side is odd.
    half = cv2.resize(image, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_LINEAR)
    return np.asarray(half, image.dtype)
