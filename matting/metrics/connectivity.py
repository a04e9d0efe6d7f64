"""Conn's error map: how differently two mattes hang together with their common core."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.metrics.definition import LEVELS, STEP, THETA, Definition
from matting.metrics.windows import ErrorMap, windows

_Point = tuple[int, int]
_FILLS = 4
"""Flood fills tried before a level is labelled in full, which costs as much as a dozen of them."""
_CELL = 16


def _deepest(mask: NDArray[np.uint8]) -> _Point:
    """Find a pixel (x, y) of a mask (0 or 1) where the mask is thick, by every sixteenth pixel: a good guess only."""
    samples = mask[::_CELL, ::_CELL].astype(np.float32)
    thickness = cv2.GaussianBlur(samples, (0, 0), 3) * samples
    _, thickest, _, (column, row) = cv2.minMaxLoc(thickness)
    if thickest > 0:
        return column * _CELL, row * _CELL
    point: _Point = cv2.minMaxLoc(mask)[3]
    return point


def _by_label(mask: NDArray[np.uint8], column_major: bool) -> NDArray[np.bool_]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0  # the background is never a component
    largest = np.flatnonzero(areas == areas.max())
    if len(largest) == 1:
        component: NDArray[np.bool_] = labels == largest[0]
        return component
    order = labels.T if column_major else labels
    return np.asarray(labels == order[np.isin(order, largest)][0])


def _largest_component(mask: NDArray[np.uint8], seed: _Point, column_major: bool) -> tuple[NDArray[np.bool_], _Point]:
    """Find the largest 4-connected component of a mask (0 or 1), which is painted on, and a point of it.

    A component larger than all that is left unfilled is the largest, so the first fill from the core of the subject
    nearly always settles it.
    """
    seeds, areas, left = [seed], [], cv2.countNonZero(mask)
    for label in range(2, 2 + _FILLS):
        areas.append(cv2.floodFill(mask, None, seeds[-1], label)[0])
        left -= areas[-1]
        best = max(areas)
        if best > left and areas.count(best) == 1:
            winner = areas.index(best)
            return np.asarray(mask == 2 + winner), seeds[winner]
        if left == 0:
            break
        seeds.append(_deepest((mask == 1).view(np.uint8)))
    component = _by_label(mask, column_major)
    return component, _deepest(component.view(np.uint8))


def connected_levels(height: NDArray[Any], thresholds: NDArray[Any], column_major: bool) -> NDArray[np.uint8]:
    """Count the thresholds up to which each pixel belongs to the largest component.

    A component of a level lies within one component of the level below. So the largest ones are nested until, at
    some level, another island becomes the largest; from there on no pixel has been in all of them.

    Args:
        height: ``(H, W)``, the smaller of the two alphas at each pixel.
        thresholds: Ascending, in the units of `height`.
        column_major: Whether the first of several largest components is found by columns or by rows.

    Returns:
        ``(H, W)`` uint8 in 0..len(thresholds).
    """
    levels = np.zeros(height.shape, np.uint8)
    x, y, w, h = cv2.boundingRect((height >= thresholds[0]).view(np.uint8))
    height, inner = height[y : y + h, x : x + w], levels[y : y + h, x : x + w]
    seed: _Point = (0, 0)
    for level, threshold in enumerate(thresholds):
        mask = (height >= threshold).view(np.uint8)
        if not mask.any():
            break
        component, seed = _largest_component(mask, seed if mask[seed[::-1]] else _deepest(mask), column_major)
        if inner[seed[::-1]] < level:
            break
        inner += component.view(np.uint8)
    return levels


def _thresholds(dtype: np.dtype[Any], definition: Definition) -> NDArray[Any]:
    thresholds: NDArray[Any] = (np.arange(1, LEVELS + 1) * STEP).astype(definition.conn_dtype)
    if dtype != np.uint8:
        return thresholds
    codes: NDArray[Any] = np.arange(256, dtype=definition.conn_dtype) / 255
    return np.searchsorted(codes, thresholds).astype(np.uint8)


def _phi(alpha: NDArray[Any], level: NDArray[Any]) -> NDArray[Any]:
    distance = alpha - level
    phi: NDArray[Any] = 1 - distance * (distance >= THETA)
    return phi


def connectivity_difference(preds: NDArray[Any], target: NDArray[Any], definition: Definition) -> ErrorMap:
    """Compute φ(p) − φ(g), the difference of two mattes' degrees of connectedness.

    With l the highest multiple of 0.1 up to which a pixel belongs to the largest 4-connected component of
    (p ≥ t) ∧ (g ≥ t) at every t, and d = α − l, it is φ = 1 − d·[d ≥ 0.15] (Rhemann et al., "A Perceptually Motivated
    Online Benchmark for Image Matting", CVPR 2009; distances as in Xu et al., CVPR 2017). A level without a component
    ends the count, so a prediction that is too weak to have one is charged in full.

    Args:
        preds: ``(H, W)`` uint8, or float32 or float64 in [0, 1].
        target: Likewise, of the same dtype.
        definition: The protocol's precision and its order of components.

    Returns:
        The map by its windows, in the protocol's precision.
    """
    dtype, unit = definition.conn_dtype, 255 if target.dtype == np.uint8 else 1
    if unit == 1:
        preds, target = preds.astype(dtype, copy=False), target.astype(dtype, copy=False)
    levels = connected_levels(cv2.min(preds, target), _thresholds(target.dtype, definition), definition.column_major)
    difference: ErrorMap = []
    for window in windows((preds != target).view(np.uint8), margin=0):
        level: NDArray[Any] = levels[window].astype(dtype) / LEVELS
        p, g = (alpha[window].astype(dtype) / unit for alpha in (preds, target))
        difference.append((window, _phi(p, level) - _phi(g, level)))
    return difference
