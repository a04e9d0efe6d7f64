"""The error map of Grad: the difference between the gradient magnitudes of two mattes."""

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
    # A constant matte has no gradient in any unit, so it takes the unit of the other.
    return p or g or 1.0, g or p or 1.0


def _derivatives(image: NDArray[Any], depth: int, definition: Definition) -> tuple[NDArray[Any], NDArray[Any]]:
    """Differentiate an image along x and y and cut off the halo of the kernels.

    The derivative is the column pass both times, on a transposed image for x: only there does OpenCV subtract taps of
    opposite sign before it multiplies. Its row pass finds a small slope in a flat image, which float32 sums would keep.
    """
    kernels, inner = (definition.smoothing, definition.derivative), slice(definition.radius, -definition.radius)
    along_x = cv2.transpose(cv2.sepFilter2D(cv2.transpose(image), depth, *kernels))
    along_y = cv2.sepFilter2D(image, depth, *kernels)
    return along_x[inner, inner], along_y[inner, inner]


def _magnitude(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Take the root of x² + y²; `cv2.magnitude` rounds in ways that depend on the address of the arrays."""
    squares = x * x
    squares += y * y
    root: NDArray[Any] = np.sqrt(squares, out=squares)
    return root


def _magnitude_difference(
    target: NDArray[Any], excess: NDArray[Any], unit: float, definition: Definition
) -> NDArray[Any]:
    depth = cv2.CV_64F if excess.dtype == np.float64 else cv2.CV_32F
    tx, ty = _derivatives(target, depth, definition)
    ex, ey = _derivatives(excess, depth, definition)
    px, py = tx + ex, ty + ey
    norms = _magnitude(px, py) + _magnitude(tx, ty)
    # The smallest normal number turns 0 / 0, where both mattes are flat, into 0.
    norms = norms * unit + np.finfo(np.float32).tiny
    difference: NDArray[Any] = (ex * (px + tx) + ey * (py + ty)) / norms
    return difference


def gradient_difference(preds: NDArray[Any], target: NDArray[Any], definition: Definition) -> ErrorMap:
    """Compute ‖∇p‖ − ‖∇g‖ with Gaussian derivatives of σ = 1.4 px.

    With e = p − g the filters are applied to e, and the difference follows from
    (‖∇p‖² − ‖∇g‖²) / (‖∇p‖ + ‖∇g‖) = ∇e · (∇p + ∇g) / (‖∇p‖ + ‖∇g‖): no two nearly equal numbers are subtracted, so
    float32 is precise enough, and where p = g nothing has to be computed.

    Args:
        preds: ``(H, W)`` predicted alpha, uint8, or float32 or float64 in [0, 1].
        target: ``(H, W)`` true alpha of the same dtype.
        definition: Kernels, border and scaling of the protocol.

    Returns:
        The error map by windows, float64 for float64 mattes, else float32.
    """
    p_range, g_range = _ranges(preds, target, definition)
    # Each is multiplied by the range of the other instead of divided by its own: codes stay integers, hence exact.
    p_scale, g_scale = (1.0, 1.0) if p_range == g_range else (g_range, p_range)
    p_low, g_low = preds.min(), target.min()  # an offset has no gradient
    dtype = np.float64 if target.dtype == np.float64 else np.float32
    # Stretched by different factors, equal alphas have different gradients.
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
