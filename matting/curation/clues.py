"""The input of the critic: the pair, and the unlikeness of each pixel to the subject and the background around."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

CHANNELS = 10
"""Red, green, blue and alpha; then the unlikeness to the annotated subject at three scales, and to the background."""

SCALES = (8.0, 22.0, 60.0)
"""Standard deviations in pixels of the Gaussian windows in which colours are compared."""

_HALF, _GRID = 2, 4  # unlikeness is computed at half the size, means and variances at a quarter
_LEAST = np.array([9, 4, 4, 9], np.float32)  # variances below these are noise
_MEAN = np.full((1, 4), 0.25, np.float32)  # of the features
_UNLIKE = 3.0  # standard deviations at which the unlikeness is tanh(1)


def clues(photo: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Compute the critic's input for a pair.

    A pixel is described by CIE Lab and by the logarithm of its fine texture. Around it the annotated subject, weighted
    by alpha to the fourth, and the annotated background, weighted by 1 - alpha to the fourth, have a mean and a
    variance in Gaussian windows. The unlikeness is tanh of a third of the root mean square distance in standard
    deviations, and 1 where neither is in the window. A filled gap is like the background around it, a strand outside
    the matte is like the hair: this can be seen in any colour.

    Args:
        photo: ``(H, W, 3)`` uint8 RGB, about 720 pixels on the short side.
        alpha: ``(H, W)`` uint8, 255 = foreground.

    Returns:
        ``(H, W, 10)`` uint8, see `CHANNELS`; an unlikeness of 255 is 1.
    """
    features = _describe(photo)
    half = features.shape[1], features.shape[0]
    opacity = cv2.resize(alpha, half, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    planes = [*cv2.split(photo), alpha]
    for weight in (opacity**4, (1 - opacity) ** 4):
        planes += [cv2.resize(one, alpha.shape[::-1]) for one in _unlikeness(features, weight)]
    return np.asarray(cv2.merge(planes), np.uint8)


def _describe(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return ``(H / 2, W / 2, 4)``: Lab and texture."""
    height, width = photo.shape[:2]
    half = -(-width // _HALF), -(-height // _HALF)
    lab = cv2.cvtColor(cv2.resize(photo, half, interpolation=cv2.INTER_AREA) / np.float32(255), cv2.COLOR_RGB2LAB)
    luma = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = cv2.resize(cv2.absdiff(luma, cv2.GaussianBlur(luma, (0, 0), 2)), half, interpolation=cv2.INTER_AREA)
    texture = 12 * np.log1p(0.4 * cv2.GaussianBlur(fine, (0, 0), 1))
    return np.asarray(cv2.merge([*cv2.split(lab), texture]), np.float32)


def _unlikeness(features: NDArray[np.float32], weight: NDArray[np.float32]) -> Sequence[NDArray[np.uint8]]:
    height, width = weight.shape
    grid = -(-width * _HALF // _GRID), -(-height * _HALF // _GRID)
    weighted = features * weight[..., None]
    sums = [cv2.resize(one, grid, interpolation=cv2.INTER_AREA) for one in (weight, weighted, weighted * features)]
    found = []
    for scale in SCALES:
        window = (0, 0), scale / _GRID
        mass, first, second = (cv2.GaussianBlur(one, *window, borderType=cv2.BORDER_REFLECT) for one in sums)
        # Where a class is missing from the window, everything is 0 and the mean is black: not NaN, and faded out below.
        share = mass[..., None] + 1e-4
        mean = first / share
        # A variance as a difference of means can be negative by rounding.
        precision = 1 / (np.maximum(second / share - mean**2, 0) + _LEAST)
        mean, precision, known = (cv2.resize(one, (width, height)) for one in (mean, precision, mass))
        distance = np.sqrt(cv2.transform((features - mean) ** 2 * precision, _MEAN))
        # A class that fills less than 5 % of the window is known too little: its likeness fades to 0.
        likeness = (1 - np.tanh(distance / _UNLIKE)) * np.clip(20 * known, 0, 1)
        found.append(np.asarray(255 - 255 * likeness, np.uint8))
    return found
