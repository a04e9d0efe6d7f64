"""Where the error of a method is: in hair or in the body, at the edge or far from it, in holes, in colours."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.data.test_sets.examples import Example
from matting.evaluation.prediction import Prediction
from matting.foreground import estimate_foreground
from matting.metrics.diagnostics import (
    BANDS,
    band_errors,
    calibration_error,
    distance_errors,
    foreground_error,
    holes,
    spill,
)
from matting.trimap import labels_of, without_jpeg_noise

DISTANCES = (0, 4, 16, 64)
"""Distances to the matte's edge, in pixels, at which the rings begin."""

BAND_TITLES = tuple(f"alpha {low}-{high}" for low, high in BANDS)
RING_TITLES = ("0-4 px", "4-16 px", "16-64 px", "64 px on")
HOLES, HOLE_AREA = "holes", "hole area"
CALIBRATION, COLOUR, SPILL = "trimap calibration error", "foreground colour error", "spill"
PLACES = (*BAND_TITLES, *RING_TITLES, HOLES, HOLE_AREA)
QUANTITIES = (*PLACES, CALIBRATION, COLOUR, SPILL)


def diagnose(example: Example, prediction: Prediction) -> dict[str, float]:
    """Break down the error of one prediction.

    JPEG noise around 0 and 255 is removed from the true matte first, because it would count as an edge.

    Args:
        example: The test image.
        prediction: What a method predicted for it.

    Returns:
        Mean absolute difference in the bands of the true alpha (`BAND_TITLES`) and by distance to the edge
        (`RING_TITLES`), number of `HOLES` in the sure foreground and their share of it (`HOLE_AREA`), expected
        `CALIBRATION` error of the trimap, error of the cutout's colours (`COLOUR`) and `SPILL` of the background into
        them; NaN where the image has no such pixels, or no ground truth for the quantity.
    """
    clean, alpha = without_jpeg_noise(example.alpha), prediction.alpha
    bands = dict(zip(BAND_TITLES, band_errors(alpha, clean).values(), strict=True))
    rings = dict(zip(RING_TITLES, distance_errors(alpha, clean, DISTANCES), strict=True))
    found = holes(alpha, clean)
    counts = {HOLES: float(found.number), HOLE_AREA: found.share, CALIBRATION: _calibration(example, prediction)}
    return {**bands, **rings, **counts, **_colours(example, alpha)}


def _calibration(example: Example, prediction: Prediction) -> float:
    if prediction.trimap is None:
        return math.nan
    height, width = prediction.trimap.shape[1:]
    # At the size of the probabilities: resizing those would blend them and change their confidence.
    trimap = cv2.resize(example.trimap, (width, height), interpolation=cv2.INTER_NEAREST)
    return calibration_error(prediction.trimap, labels_of(np.asarray(trimap, np.uint8)))


def _colours(example: Example, alpha: NDArray[np.float32]) -> dict[str, float]:
    """Compare the colours a cutout with this matte would have, estimated from image and matte, with the true ones."""
    if example.foreground is None:
        return {COLOUR: math.nan, SPILL: math.nan}
    estimate = estimate_foreground(example.image, alpha)
    colours, behind, target = example.foreground, example.background, example.alpha
    return {
        COLOUR: foreground_error(estimate, colours, target),
        SPILL: math.nan if behind is None else spill(estimate, colours, behind, target),
    }
