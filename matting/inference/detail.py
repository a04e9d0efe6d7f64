"""Upsample a matte from the working size to the photo's size, with edges that follow the photo."""

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.inference.resizing import resize
from matting.tiles import Tile, soft, tiles

RADIUS = 1
"""Radius of the guided filter's window, in pixels of the working image: a local model spans only three of them."""

EPSILON = 1e-4
"""Variance of colours in [0, 1] below which a window counts as flat."""

_SIDE = 512  # of a tile at full size, in pixels

_Floats = NDArray[np.float32]


def refine(image: NDArray[np.uint8], coarse: NDArray[np.float32]) -> NDArray[np.float32]:
    """Upsample a matte to the size of its photo.

    The matte is enlarged by cubic interpolation, and where it is soft by guided upsampling: within each window of the
    working image alpha is modelled as a linear function of the colour (the guided filter, He et al. 2013, eq. 14-16,
    colour guide), whose coefficients are enlarged and applied to the photo's own pixels (He and Sun 2015, "Fast Guided
    Filter"). One step of back-projection (Irani and Peleg 1991) follows, so that the result, scaled down
    again, is the network's prediction: detail is added and nothing moves. Tiles without soft pixels are skipped.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        coarse: ``(h, w)`` float32 in [0, 1], the matte at the working size.

    Returns:
        ``(H, W)`` float32 in [0, 1]. A photo no larger than the working size is only resized.
    """
    height, width = image.shape[:2]
    alpha = resize(coarse, (height, width))
    # Cubic interpolation overshoots. Where the sizes are equal, `resize` has returned the caller's own array, which
    # must not be changed here.
    np.clip(alpha, 0, 1, out=alpha if alpha is not coarse else None)
    if height <= coarse.shape[0] and width <= coarse.shape[1]:
        return alpha
    band = soft(coarse, RADIUS + 1)
    rows, columns = _interpolation(height, band.shape[0]), _interpolation(width, band.shape[1])
    weight = cv2.blur(band.astype(np.float32), (3, 3))
    enlarged = cv2.resize(band.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST).view(np.bool_)
    todo = list(tiles(enlarged, _SIDE))
    model = np.dstack([_colour_model(resize(image, (band.shape[0], band.shape[1])), coarse), weight])
    for tile in todo:
        _apply(alpha[tile.core], image[tile.core], _enlarged(model, rows, columns, tile))
    # Only after all tiles: a pixel of the working image may cover parts of several.
    missing = np.dstack([coarse - resize(alpha, (band.shape[0], band.shape[1])), weight])
    for tile in todo:
        share, within = _enlarged(missing, rows, columns, tile)
        part = alpha[tile.core]
        np.clip(part + within * share, 0, 1, out=part)
    return alpha


def _colour_model(image: NDArray[np.uint8], alpha: _Floats) -> _Floats:
    """Return the coefficients of ``alpha = a · colour + b`` around each pixel, ``(h, w, 4)``: three of a, then b."""
    colour: _Floats = image.astype(np.float32) / np.float32(255)
    mean = _box(colour)
    mean_alpha = _box(alpha)
    outer = colour[..., None] * colour[..., None, :]
    covariance = _box(outer.reshape(*alpha.shape, 9)).reshape(outer.shape) - mean[..., None] * mean[..., None, :]
    # Without it the matrix of a window of one colour would be singular.
    covariance += np.float32(EPSILON) * np.eye(3, dtype=np.float32)
    joint = _box(colour * alpha[..., None]) - mean * mean_alpha[..., None]
    a = np.linalg.solve(covariance, joint[..., None])[..., 0]
    b = mean_alpha - (a * mean).sum(axis=-1)
    return _box(np.dstack([a, b]).astype(np.float32))


def _box(values: _Floats) -> _Floats:
    window = (2 * RADIUS + 1, 2 * RADIUS + 1)
    return np.asarray(cv2.blur(values, window, borderType=cv2.BORDER_REFLECT), np.float32)


def _interpolation(length: int, coarse: int) -> _Floats:
    """Return the matrix of cubic convolution (Keys 1981, a = -3/4 as in OpenCV), ``(length, coarse)``."""
    position = (np.arange(length) + 0.5) * coarse / length - 0.5
    first = np.floor(position).astype(int)
    matrix = np.zeros((length, coarse))
    for offset in (-1, 0, 1, 2):
        d = np.abs(position - first - offset)
        near, far = 1.25 * d**3 - 2.25 * d**2 + 1, -0.75 * (d**3 - 5 * d**2 + 8 * d - 4)
        # Pixels past the border repeat the border pixel.
        matrix[np.arange(length), np.clip(first + offset, 0, coarse - 1)] += np.where(d < 1, near, far)
    return matrix.astype(np.float32)


def _enlarged(values: _Floats, rows: _Floats, columns: _Floats, tile: Tile) -> _Floats:
    """Interpolate ``(h, w, C)`` values to a tile at full size, ``(C, height, width)``."""
    # Not cv2.resize of a part: it would scale by the sizes of the part, and tiles would not fit together.
    down, across = rows[tile.core[0]], columns[tile.core[1]]
    used_rows, used_columns = (np.flatnonzero(matrix.any(axis=0)) for matrix in (down, across))
    top, bottom, left, right = used_rows[0], used_rows[-1] + 1, used_columns[0], used_columns[-1] + 1
    planes = np.ascontiguousarray(values[top:bottom, left:right].transpose(2, 0, 1))
    return np.asarray(down[:, top:bottom] @ planes @ across[:, left:right].T, np.float32)


def _apply(alpha: _Floats, image: NDArray[np.uint8], model: _Floats) -> None:
    """Blend a tile of the matte with the colour model's prediction, by its weight (the last plane)."""
    guided = model[3]
    for channel in range(3):
        guided += model[channel] * (image[..., channel] * np.float32(1 / 255))
    np.clip(guided, 0, 1, out=guided)
    alpha += model[4] * (guided - alpha)
