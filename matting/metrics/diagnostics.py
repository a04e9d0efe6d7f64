"""What a single error score hides: errors by alpha and distance to the edge, holes, colours, backgrounds, confidence.

Where an image has none of the pixels concerned, a diagnosis is NaN, not 0 as a metric would be.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.metrics.inputs import ArrayLike, alpha_array, alpha_pair
from matting.trimap import erode

BANDS = ((0.1, 0.3), (0.3, 0.8), (0.8, 1.0))
"""Alpha ranges of hair in the annotation rules: blended inner zone, transition, dense strands."""


class Holes(NamedTuple):
    """Holes of a prediction in the sure foreground.

    Attributes:
        number: Number of 4-connected holes.
        share: Their area divided by that of the eroded foreground, in [0, 1]; NaN if nothing is left after erosion.
    """

    number: int
    share: float


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if values.size else float("nan")


def _floats(preds: ArrayLike, target: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    pair = alpha_pair(preds, target, np.dtype(np.float32))
    p, g = (alpha / np.float32(255) if alpha.dtype == np.uint8 else alpha for alpha in pair)
    return p, g


def band_errors(
    preds: ArrayLike, target: ArrayLike, bands: Sequence[tuple[float, float]] = BANDS
) -> dict[tuple[float, float], float]:
    """Compute the mean absolute difference in each band of the true alpha.

    Args:
        preds: ``(H, W)`` predicted alpha, uint8 or floating point in [0, 1].
        target: ``(H, W)`` true alpha, likewise.
        bands: Pairs (low, high); a pixel belongs to a band if low ≤ α < high, so opaque pixels belong to no band.

    Returns:
        The error of each band; NaN for a band without pixels.

    Example:
        >>> errors = band_errors(np.array([[0.2, 0.5, 1.0]]), np.array([[0.2, 0.7, 1.0]]))
        >>> {band: round(error, 3) for band, error in errors.items()}
        {(0.1, 0.3): 0.0, (0.3, 0.8): 0.2, (0.8, 1.0): nan}
    """
    p, g = _floats(preds, target)
    return {(low, high): _mean(np.abs(p - g)[(g >= low) & (g < high)]) for low, high in bands}


def distance_errors(preds: ArrayLike, target: ArrayLike, distances: Sequence[int] = (0, 4, 16, 64)) -> list[float]:
    """Compute the mean absolute difference by distance to the edge of the matte.

    The edge consists of all soft pixels of the true alpha and of all hard pixels next to one of the other value.

    Args:
        preds: ``(H, W)`` predicted alpha, uint8 or floating point in [0, 1].
        target: ``(H, W)`` true alpha, likewise.
        distances: Lower bounds of the rings in ascending order, in pixels, starting at 0.

    Returns:
        The error of each ring, from its distance up to the next (exclusive); the last ring has no upper bound. NaN for
        a ring without pixels, and for all rings of a matte without an edge.
    """
    p, g = _floats(preds, target)
    # Erosion by a pixel takes away the hard pixels that have a neighbour of another value.
    inside = erode(g == 1, 1) | erode(g == 0, 1)
    if inside.all():
        return [float("nan")] * len(distances)
    distance = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    rings = pairwise([*distances, np.inf])
    return [_mean(np.abs(p - g)[(distance >= low) & (distance < high)]) for low, high in rings]


def holes(preds: ArrayLike, target: ArrayLike, radius: int = 10, threshold: float = 0.9) -> Holes:
    """Find where a prediction is transparent well inside the subject.

    Args:
        preds: ``(H, W)`` predicted alpha, uint8 or floating point in [0, 1].
        target: ``(H, W)`` true alpha, likewise.
        radius: Radius, in pixels, by which the opaque part of the target is eroded first.
        threshold: A predicted alpha below it is a hole.

    Returns:
        The number and the share of the holes.

    Example:
        >>> target = np.ones((40, 40))
        >>> preds = target.copy()
        >>> preds[18:22, 18:22] = 0
        >>> holes(preds, target)
        Holes(number=1, share=0.01)
    """
    p, g = _floats(preds, target)
    core = erode(g == 1, radius)
    open_ = core & (p < threshold)
    count, _ = cv2.connectedComponents(open_.astype(np.uint8), connectivity=4)
    # OpenCV counts the background as a component.
    return Holes(count - 1, _mean(open_[core]))


def background_deviation(alphas: NDArray[Any]) -> float:
    """Compute how much the mattes of one subject vary between backgrounds.

    Args:
        alphas: ``(N, H, W)`` floating-point predictions in [0, 1] of one foreground on N ≥ 2 backgrounds.

    Returns:
        The standard deviation over backgrounds, averaged over the pixels where any of the mattes is above 0; 0 if the
        mattes do not depend on the background.

    Raises:
        ValueError: If there are fewer than two mattes.
    """
    if alphas.ndim != 3 or len(alphas) < 2:
        raise ValueError(f"alphas: expected shape (N, H, W) with N of 2 or more, found {alphas.shape}")
    return _mean(alphas.std(axis=0)[alphas.max(axis=0) > 0])


def _soft_colours(alpha: ArrayLike, *images: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Return the alphas, ``(N,)``, and the colours of the images, ``(N, 3)``, of all soft pixels, in [0, 1]."""
    alpha = alpha_array("alpha", alpha)
    alpha = alpha / (255 if alpha.dtype == np.uint8 else 1)
    for image in images:
        if image.shape != (*alpha.shape, 3) or image.dtype != np.uint8:
            found = f"{image.dtype} of shape {image.shape}"
            raise ValueError(f"colours: expected uint8 RGB of shape {(*alpha.shape, 3)}, found {found}")
    soft = (alpha > 0) & (alpha < 1)
    return [alpha[soft], *(image[soft] / 255 for image in images)]


def foreground_error(preds: NDArray[np.uint8], target: NDArray[np.uint8], alpha: ArrayLike) -> float:
    """Compute the error of estimated foreground colours at soft pixels.

    The composites of two foregrounds under one alpha differ by α·|F̂ − F| on any background, so this is the visible
    error after a change of background.

    Args:
        preds: ``(H, W, 3)`` uint8 RGB, the estimated foreground, straight (not premultiplied).
        target: ``(H, W, 3)`` uint8 RGB, the true foreground.
        alpha: ``(H, W)`` true matte, uint8 or floating point in [0, 1].

    Returns:
        The mean of α·|F̂ − F| over soft pixels and channels, in [0, 1]; NaN without soft pixels.

    Raises:
        ValueError: If an image is not uint8 RGB of the matte's size.
    """
    a, f, g = _soft_colours(alpha, preds, target)
    return _mean(a[:, None] * np.abs(f - g))


def spill(
    preds: NDArray[np.uint8], target: NDArray[np.uint8], background: NDArray[np.uint8], alpha: ArrayLike
) -> float:
    """Compute how much of the original background colour is left in an estimated foreground.

    Args:
        preds: ``(H, W, 3)`` uint8 RGB, the estimated foreground, straight.
        target: ``(H, W, 3)`` uint8 RGB, the true foreground.
        background: ``(H, W, 3)`` uint8 RGB, the original background.
        alpha: ``(H, W)`` true matte, uint8 or floating point in [0, 1].

    Returns:
        Σα(F̂ − F)·(B − F) / Σα‖B − F‖² over soft pixels: 0 for the true colours, 1 if the estimate equals
        the background, and the weighted mean of 1 − α if it equals the image. NaN if the background has the colours of
        the foreground or there are no soft pixels.

    Raises:
        ValueError: If an image is not uint8 RGB of the matte's size.
    """
    a, f, g, b = _soft_colours(alpha, preds, target, background)
    towards = b - g
    scale = float((a[:, None] * towards**2).sum())
    return float((a[:, None] * (f - g) * towards).sum()) / scale if scale > 0 else float("nan")


def calibration_error(probabilities: NDArray[Any], classes: NDArray[Any], bins: int = 15) -> float:
    """Compute the expected calibration error of a trimap head (Guo et al., ICML 2017, eq. 3).

    Args:
        probabilities: ``(3, H, W)`` floating point in [0, 1], the softmax over background, unknown and foreground.
        classes: ``(H, W)`` integer in 0..2, the true trimap.
        bins: Number of bins of equal width over the confidence.

    Returns:
        The mean over pixels of |accuracy − confidence| of the bin of each pixel, in [0, 1].

    Raises:
        ValueError: If the shapes do not match.
    """
    if probabilities.shape != (3, *classes.shape):
        raise ValueError(f"probabilities: expected shape {(3, *classes.shape)}, found {probabilities.shape}")
    confidence = probabilities.max(axis=0).ravel()
    correct = (probabilities.argmax(axis=0) == classes).ravel()
    # A confidence of exactly 1 belongs to the last bin.
    index = np.clip((confidence * bins).astype(int), 0, bins - 1)
    # The number of pixels in a bin cancels: it weighs the bin and divides its mean.
    gaps = np.bincount(index, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / confidence.size)
