import math

import numpy as np
import pytest
import torch

from matting.metrics.diagnostics import (
    background_deviation,
    band_errors,
    calibration_error,
    distance_errors,
    foreground_error,
    holes,
    spill,
)


def disc(size=100, radius=30):
    y, x = np.mgrid[:size, :size]
    return np.where((x - size // 2) ** 2 + (y - size // 2) ** 2 <= radius**2, 255, 0).astype(np.uint8)


def test_bands_are_half_open_and_nan_when_empty():
    target = np.array([[0.1, 0.3, 0.8, 1.0, 0.0]])
    errors = band_errors(target - [[0.05, 0.2, 0.4, 1.0, 0.0]], target)
    assert errors == pytest.approx({(0.1, 0.3): 0.05, (0.3, 0.8): 0.2, (0.8, 1.0): 0.4})
    assert math.isnan(band_errors(target, target, [(0.5, 0.6)])[0.5, 0.6])


def test_an_error_is_found_at_its_distance_from_the_edge():
    target = np.zeros((20, 200), np.uint8)
    target[:, 100:] = 255
    preds = target.copy()
    preds[:, 120:125] = 0  # columns 100 and 99 are the edge: 20 to 24 pixels away
    near, close, middle, far = distance_errors(preds, target)
    assert (near, close, far) == (0, 0, 0)
    ring = 48 + 48  # columns 16 to 63 away, on both sides
    assert middle == pytest.approx(5 / ring, rel=1e-6)
    assert all(math.isnan(error) for error in distance_errors(target * 0, target * 0))


def test_holes_are_counted_inside_the_eroded_subject_only():
    target = disc()
    preds = target.copy()
    preds[48:51, 40:43] = 100
    preds[60:62, 60:62] = 0
    preds[50, 78] = 0  # at the rim
    found = holes(preds, target, radius=10)
    assert found.number == 2
    assert found.share == pytest.approx(13 / np.count_nonzero(disc(radius=20)), rel=0.05)
    assert holes(target, target) == (0, 0.0)
    assert math.isnan(holes(target, target, radius=40).share)
    assert holes(torch.from_numpy(preds), target, radius=10, threshold=0.3).number == 1


def test_a_matte_that_ignores_the_background_has_no_deviation():
    alpha = disc() / 255
    assert background_deviation(np.stack([alpha, alpha, alpha])) == 0
    assert background_deviation(np.stack([alpha, alpha * 0.5])) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="N of 2 or more"):
        background_deviation(alpha[None])


def layers(seed=0):
    rng = np.random.default_rng(seed)
    foreground, background = (rng.integers(0, 256, (30, 30, 3)).astype(np.uint8) for _ in range(2))
    return foreground, background, rng.uniform(0.05, 0.95, (30, 30))


def mix(a, foreground, background):
    return np.uint8(np.rint(a[..., None] * foreground + (1 - a[..., None]) * background))


def test_spill_is_the_share_of_the_background_in_the_foreground():
    foreground, background, alpha = layers()
    assert spill(foreground, foreground, background, alpha) == 0
    assert spill(background, foreground, background, alpha) == pytest.approx(1)
    half = mix(np.full((30, 30), 0.75), foreground, background)
    assert spill(half, foreground, background, alpha) == pytest.approx(0.25, abs=0.01)
    codes = np.uint8(np.rint(alpha * 255))
    assert spill(half, foreground, background, codes) == pytest.approx(spill(half, foreground, background, codes / 255))
    kept = mix(alpha, foreground, background)
    weights = (alpha[..., None] * (background / 255.0 - foreground / 255.0) ** 2).sum(-1)
    assert spill(kept, foreground, background, alpha) == pytest.approx(np.average(1 - alpha, weights=weights), abs=0.01)
    assert math.isnan(spill(foreground, foreground, foreground, alpha))
    assert math.isnan(spill(foreground, foreground, background, np.ones((30, 30))))


@pytest.mark.parametrize("value", [0, 128, 255])
def test_foreground_error_is_what_a_new_background_shows(value):
    foreground, background, alpha = layers()
    spilled = mix(np.full((30, 30), 0.6), foreground, background)
    new = np.full((30, 30, 3), value / 255)
    shown = [alpha[..., None] * f / 255 + (1 - alpha[..., None]) * new for f in (spilled, foreground)]
    assert foreground_error(spilled, foreground, alpha) == pytest.approx(np.abs(shown[0] - shown[1]).mean())
    with pytest.raises(ValueError, match="expected uint8 RGB"):
        foreground_error(spilled / 255, foreground, alpha)


def test_calibration_of_calibrated_overconfident_and_underconfident_probabilities():
    classes = np.arange(300).reshape(10, 30) % 3
    sure = np.stack([classes == k for k in range(3)]).astype(float)
    assert calibration_error(sure, classes) == 0
    assert calibration_error(sure, (classes + 1) % 3) == 1
    assert calibration_error(sure * 0.4 + 0.2, classes) == pytest.approx(0.4)
    with pytest.raises(ValueError, match=r"expected shape \(3, 10, 30\)"):
        calibration_error(sure[:2], classes)
