"""Colours of the subject alone, without the old background that shines through soft edges."""

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.inference.resizing import resize
from matting.inference.tiles import soft, tiles

LONG_SIDE = 2048
"""The smooth colours are found at half the photograph's size, and never at more than this, in pixels."""

RADIUS = 1
"""Of the blur, in pixels of each level."""

PASSES = 2
"""Of blurring and fusing, at each level."""

_COARSEST = 4
_SIDE = 128
_ROWS = 256
"""Rows that are worked on at once at full size: what they need is what memory grows by."""
_HALF_A_STEP = np.float32(0.5 / 255)  # of a stored matte: beyond it alpha is 0 or 1
_EPSILON = np.float32(1e-5)
_RIDGE = np.float32(1e-2)

_Scalar = TypeVar("_Scalar", np.uint8, np.float32)
_Plane = NDArray[np.float32]
_Layers = list[list[_Plane]]  # foreground and background, each of three colour planes


def estimate_foreground(image: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Estimate the foreground of a photograph whose matte is known; the matte stays as it is.

    Blur-fusion (Forte and Pitié 2021, "Approximate Fast Foreground Colour Estimation"): with I the photograph and ‾ a
    box blur, ::

        F^ = ‾(α F) / ‾α        B^ = ‾((1-α) B) / ‾(1-α)        F = F^ + α r,  B = B^ + (1-α) r
        r = (I - α F^ - (1-α) B^) / (α² + (1-α)²)

    The paper blurs twice, with a wide window and a narrow one, and leaves out the divisor of r. Here a small window
    runs through the levels of an image pyramid, coarsest first (as in Germer et al. 2020, "Fast Multi-Level Foreground
    Estimation"), and the divisor makes every pass fulfil ``I = α F + (1-α) B``. F and B are smooth, so half the size
    is the finest level; one more fusion at full size carries the detail.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        alpha: ``(H, W)`` float32 in [0, 1].

    Returns:
        ``(H, W, 3)`` uint8: the photograph where alpha is 1, the subject's colours where it is soft, and where it is 0
        those of the subject nearby, so that a picture which is scaled later gets no fringe.
    """
    layers = _smooth_layers(image, alpha)
    size = (image.shape[1], image.shape[0])
    foreground, background = (cv2.resize(layer, size, interpolation=cv2.INTER_LINEAR) for layer in layers)
    for top in range(0, image.shape[0], _ROWS):
        rows = slice(top, top + _ROWS)
        _fuse_pixels(foreground[rows], background[rows], image[rows], alpha[rows])
    return np.asarray(foreground, np.uint8)


def _smooth_layers(image: NDArray[np.uint8], alpha: _Plane) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Foreground and background, ``(h, w, 3)`` uint8 each, at the size of the finest level."""
    height, width = image.shape[:2]
    scale = min(0.5, LONG_SIDE / max(height, width))
    pictures, mattes = [_resized(image, scale)], [_resized(alpha, scale)]
    while max(mattes[-1].shape) > _COARSEST:
        pictures.append(_resized(pictures[-1], 0.5))
        mattes.append(_resized(mattes[-1], 0.5))
    planes = [np.asarray(plane, np.float32) for plane in cv2.split(pictures[-1])]
    layers = [planes, planes]
    for picture, matte in zip(pictures[::-1], mattes[::-1], strict=True):
        layers = _fuse_level(layers, picture, matte)
    foreground, background = (cv2.merge([_to_bytes(plane) for plane in layer]) for layer in layers)
    return np.asarray(foreground, np.uint8), np.asarray(background, np.uint8)


def _fuse_level(layers: _Layers, picture: NDArray[np.uint8], alpha: _Plane) -> _Layers:
    """Bring both layers to the level's size and fuse them with its picture where the matte is soft."""
    size = (alpha.shape[1], alpha.shape[0])
    before = [[np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)) for plane in la] for la in layers]
    after = [[plane.copy() for plane in layer] for layer in before]
    planes = cv2.split(picture)
    for tile in tiles(soft(alpha, RADIUS), _SIDE, margin=RADIUS * PASSES):
        fusion = _Fusion(np.ascontiguousarray(alpha[tile.window]))
        for channel, plane in enumerate(planes):
            f, b = (layer[channel][tile.window] for layer in before)
            fused = fusion(f, b, plane[tile.window].astype(np.float32))
            for layer, result in zip(after, fused, strict=True):
                layer[channel][tile.core] = result[tile.inner]
    return after


class _Fusion:
    """Blur-fusion of one colour plane over one matte, whose terms are computed once."""

    def __init__(self, alpha: _Plane) -> None:
        self.alpha, self.rest = alpha, 1 - alpha
        seen = _blur(alpha)
        self.over_f, self.over_b = 1 / (seen + _EPSILON), 1 / (1 - seen + _EPSILON)
        share = 1 / (self.alpha * self.alpha + self.rest * self.rest + _RIDGE)
        self.share_f, self.share_b = self.alpha * share, self.rest * share

    def __call__(self, f: _Plane, b: _Plane, seen: _Plane) -> tuple[_Plane, _Plane]:
        for _ in range(PASSES):
            f, b = _blur(f * self.alpha), _blur(b * self.rest)
            f *= self.over_f
            b *= self.over_b
            residue = seen - self.alpha * f
            residue -= self.rest * b
            f += self.share_f * residue
            b += self.share_b * residue
        return np.clip(f, 0, 255), np.clip(b, 0, 255)


def _fuse_pixels(
    foreground: NDArray[np.uint8], background: NDArray[np.uint8], image: NDArray[np.uint8], alpha: _Plane
) -> None:
    """Fuse once more where alpha is soft, without a blur; where it is 1, the photograph is the foreground."""
    opaque = alpha > 1 - _HALF_A_STEP
    mixed = np.flatnonzero((alpha > _HALF_A_STEP) & ~opaque)
    cv2.copyTo(image, opaque.view(np.uint8), foreground)
    if not mixed.size:
        return
    a = alpha.ravel()[mixed][:, None]
    f, b, seen = (layer.reshape(-1, 3)[mixed].astype(np.float32) for layer in (foreground, background, image))
    residue = (seen - a * f - (1 - a) * b) / (a * a + (1 - a) ** 2)
    foreground.reshape(-1, 3)[mixed] = _to_bytes(f + a * residue)


def _blur(plane: _Plane) -> _Plane:
    window = (2 * RADIUS + 1, 2 * RADIUS + 1)
    return np.asarray(cv2.blur(plane, window, borderType=cv2.BORDER_REPLICATE), np.float32)


def _resized(picture: NDArray[_Scalar], scale: float) -> NDArray[_Scalar]:
    shape = (max(1, round(picture.shape[0] * scale)), max(1, round(picture.shape[1] * scale)))
    return resize(picture, shape)


def _to_bytes(layer: _Plane) -> NDArray[np.uint8]:
    return np.rint(np.clip(layer, 0, 255)).astype(np.uint8)
