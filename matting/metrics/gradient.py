"""Grad's error map: the difference of two mattes' gradient magnitudes."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.metrics.definition import Definition
from matting.metrics.windows import ErrorMap, windows

_BORDERS = {"edge": cv2.BORDER_REPLICATE, "symmetric": cv2.BORDER_REFLECT}


def _ranges(preds: NDArray[Any], target: NDArray[Any], definition: Definition) -> tuple[float, float]:
    if not definition.min_max:
        unit = 255.0 if target.dtype == np.uint8 else 1.0
        return unit, unit
    p, g = (float(alpha.max()) - float(alpha.min()) for alpha in (preds, target))
    # A constant matte has no gradient in whatever unit, so it takes the other's.
    return p or g or 1.0, g or p or 1.0


def _derivatives(image: NDArray[Any], depth: int, definition: Definition) -> tuple[NDArray[Any], NDArray[Any]]:
    """Filter an image along x and y and cut the kernels' halo off.

    The derivative is the column pass both times, on a transposed image for x: only there does OpenCV pair the taps of
    opposite sign before it multiplies. Its row pass finds a slope in a flat image, which float32 sums would keep.
    """
    kernels, inner = (definition.smoothing, definition.derivative), slice(definition.radius, -definition.radius)
    along_x = cv2.transpose(cv2.sepFilter2D(cv2.transpose(image), depth, *kernels))
    along_y = cv2.sepFilter2D(image, depth, *kernels)
    return along_x[inner, inner], along_y[inner, inner]


def _magnitude_difference(
    target: NDArray[Any], excess: NDArray[Any], unit: float, definition: Definition
) -> NDArray[Any]:
    depth = cv2.CV_64F if excess.dtype == np.float64 else cv2.CV_32F
    tx, ty = _derivatives(target, depth, definition)
    ex, ey = _derivatives(excess, depth, definition)
    px, py = tx + ex, ty + ey
    norms = cv2.magnitude(px, py) + cv2.magnitude(tx, ty)
    # The smallest normal number keeps 0 / 0, where both mattes are flat, at 0.
    norms = norms * unit + np.finfo(np.float32).tiny
    difference: NDArray[Any] = (ex * (px + tx) + ey * (py + ty)) / norms
    return difference


def gradient_difference(preds: NDArray[Any], target: NDArray[Any], definition: Definition) -> ErrorMap:
    """Compute ‖∇p‖ − ‖∇g‖ with Gaussian derivatives of σ = 1.4 px.

    With e = p − g it is e's derivatives that are filtered, and the difference comes from
    (‖∇p‖² − ‖∇g‖²) / (‖∇p‖ + ‖∇g‖) = ∇e · (∇p + ∇g) / (‖∇p‖ + ‖∇g‖): no two nearly equal numbers are subtracted, so
    float32 is enough, and wherever p = g nothing need be computed.

    Args:
        preds: ``(H, W)`` uint8, or float32 or float64 in [0, 1].
        target: Likewise, of the same dtype.
        definition: The protocol's kernels, border and scaling.

    Returns:
        The map by its windows, float64 for float64 mattes, else float32.
    """
    p_range, g_range = _ranges(preds, target, definition)
    # Crosswise, not divided: codes stay integers, hence exact. And an offset has no gradient.
    p_scale, g_scale = (1.0, 1.0) if p_range == g_range else (g_range, p_range)
    p_low, g_low = preds.min(), target.min()
    dtype = np.float64 if target.dtype == np.float64 else np.float32
    active = np.ones(target.shape, np.uint8) if p_range != g_range else (preds != target).view(np.uint8)
    radius = definition.radius
    border = (*[radius] * 4, _BORDERS[definition.border])
    preds, target = cv2.copyMakeBorder(preds, *border), cv2.copyMakeBorder(target, *border)
    difference: ErrorMap = []
    for rows, cols in windows(active, radius):
        halo = slice(rows.start, rows.stop + 2 * radius), slice(cols.start, cols.stop + 2 * radius)
        base = np.subtract(target[halo], g_low, dtype=dtype) * g_scale
        excess = np.subtract(preds[halo], p_low, dtype=dtype) * p_scale - base
        tile = _magnitude_difference(base, excess, g_range * g_scale, definition)
        difference.append(((rows, cols), tile))
    return difference
