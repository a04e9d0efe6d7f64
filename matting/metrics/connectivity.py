"""The error map of Conn: how differently the pixels of two mattes are connected to their common core."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.metrics.definition import LEVELS, STEP, THETA, Definition
from matting.metrics.windows import ErrorMap, windows

_Point = tuple[int, int]
_FILLS = 4
"""Number of flood fills to try before a level is labelled in full, which costs as much as a dozen of them."""
_CELL = 16
"""Sampling step, in pixels, of the search for a seed."""


def _deepest(mask: NDArray[np.uint8]) -> _Point:
    """Find a pixel (x, y) where a mask (0 or 1) is thick, from every 16th pixel, which is approximate but enough."""
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
    areas[0] = 0  # OpenCV labels the background too; it is never the largest component
    largest = np.flatnonzero(areas == areas.max())
    if len(largest) == 1:
        component: NDArray[np.bool_] = labels == largest[0]
        return component
    order = labels.T if column_major else labels
    # Of equally large ones the first: MATLAB scans by columns, Python by rows.
    return np.asarray(labels == order[np.isin(order, largest)][0])


def _largest_component(mask: NDArray[np.uint8], seed: _Point, column_major: bool) -> tuple[NDArray[np.bool_], _Point]:
    """Find the largest 4-connected component of a mask (0 or 1) and a point in it; modifies the mask.

    A component larger than all pixels left unfilled is the largest one, so the first flood fill, from the core of the
    subject, is nearly always enough.
    """
    seeds, areas, left = [seed], [], cv2.countNonZero(mask)
    # Labels begin at 2, because 1 marks what is not filled yet.
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

    Each component of a level is part of one component of the level below. So the largest ones are nested until, at
    some level, another island becomes the largest; from there on no pixel belongs to all of them.

    Args:
        height: ``(H, W)`` minimum of the two alphas, uint8 or floating point.
        thresholds: Thresholds in ascending order, in the unit of `height`.
        column_major: Whether the first of several equally large components is the first by columns or by rows.

    Returns:
        ``(H, W)`` uint8 in 0..len(thresholds).
    """
    levels = np.zeros(height.shape, np.uint8)
    # Everything below the first threshold is outside all components, often most of the image.
    x, y, w, h = cv2.boundingRect((height >= thresholds[0]).view(np.uint8))
    height, inner = height[y : y + h, x : x + w], levels[y : y + h, x : x + w]
    seed: _Point = (0, 0)
    for level, threshold in enumerate(thresholds):
        mask = (height >= threshold).view(np.uint8)
        if not mask.any():
            break
        # The core of the level below is mostly in the largest component too. Seeds are (x, y), arrays (y, x).
        component, seed = _largest_component(mask, seed if mask[seed[::-1]] else _deepest(mask), column_major)
        # The seed was outside of an earlier component: another island has become the largest.
        if inner[seed[::-1]] < level:
            break
        inner += component.view(np.uint8)
    return levels


def _thresholds(dtype: np.dtype[Any], definition: Definition) -> NDArray[Any]:
    thresholds: NDArray[Any] = (np.arange(1, LEVELS + 1) * STEP).astype(definition.conn_dtype)
    if dtype != np.uint8:
        return thresholds
    codes: NDArray[Any] = np.arange(256, dtype=definition.conn_dtype) / 255
    # The smallest code that reaches each threshold in the protocol's precision: comparing codes gives the same result.
    return np.searchsorted(codes, thresholds).astype(np.uint8)


def _phi(alpha: NDArray[Any], level: NDArray[Any]) -> NDArray[Any]:
    distance = alpha - level
    phi: NDArray[Any] = 1 - distance * (distance >= THETA)
    return phi


def connectivity_difference(preds: NDArray[Any], target: NDArray[Any], definition: Definition) -> ErrorMap:
    """Compute φ(p) − φ(g), the difference between the degrees of connectedness of two mattes.

    With l the highest multiple of 0.1 up to which a pixel belongs to the largest 4-connected component of
    (p ≥ t) ∧ (g ≥ t) at every t, and d = α − l, it is φ = 1 − d·[d ≥ 0.15] (Rhemann et al., "A Perceptually Motivated
    Online Benchmark for Image Matting", CVPR 2009; distances as in Xu et al., CVPR 2017). A level without a component
    ends the count, so a prediction that is too weak to have one gets the full error.

    Args:
        preds: ``(H, W)`` predicted alpha, uint8, or float32 or float64 in [0, 1].
        target: ``(H, W)`` true alpha of the same dtype.
        definition: Precision and component order of the protocol.

    Returns:
        The error map by windows, in the precision of the protocol.
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
