import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatting import estimate_foreground_ml

from matting.foreground import estimate_foreground
from tests.inference.test_detail import hair


def composite(seed=0):
    """A photo whose foreground is known: a coloured gradient in front of another one."""
    rng = np.random.default_rng(seed)
    _, alpha = hair(seed=seed)
    height, width = alpha.shape
    layers = [cv2.resize(rng.random((4, 3, 3), np.float32) * 255, (width, height)) for _ in range(2)]
    foreground, background = layers[0] * 0.5, 100 + layers[1] * 0.5
    image = alpha[..., None] * foreground + (1 - alpha[..., None]) * background
    return np.rint(image).astype(np.uint8), alpha, foreground


@pytest.mark.parametrize("seed", range(3))
def test_error_is_no_more_than_that_of_pymatting(seed):
    image, alpha, foreground = composite(seed)
    mixed = (alpha > 0) & (alpha < 1)
    ours = estimate_foreground(image, alpha)[mixed] - foreground[mixed]
    reference = (
        np.clip(estimate_foreground_ml(image / 255.0, alpha.astype(float)), 0, 1)[mixed] * 255 - foreground[mixed]
    )
    untouched = image[mixed] - foreground[mixed]
    assert (
        np.abs(ours).mean() <= 1.15 * np.abs(reference).mean() and np.abs(ours).mean() < 0.25 * np.abs(untouched).mean()
    )
    assert (ours**2).mean() <= 1.15 * (reference**2).mean()


def test_the_old_background_is_gone_and_the_subject_untouched():
    alpha = hair()[1]
    red, green = np.float32([200, 20, 20]), np.float32([10, 220, 30])
    image = np.rint(alpha[..., None] * red + (1 - alpha[..., None]) * green).astype(np.uint8)
    before = image.copy()
    found = estimate_foreground(image, alpha)
    assert np.abs(found[alpha > 0.05].astype(int) - red).max() <= 6
    assert np.array_equal(found[alpha == 1], image[alpha == 1]) and np.array_equal(image, before)


def test_the_subjects_colours_extend_into_transparent_regions():
    alpha = hair()[1]
    red, green = np.float32([200, 20, 20]), np.float32([10, 220, 30])
    image = np.rint(alpha[..., None] * red + (1 - alpha[..., None]) * green).astype(np.uint8)
    away = cv2.distanceTransform(np.uint8(alpha == 0), cv2.DIST_L2, 5)
    difference = np.abs(estimate_foreground(image, alpha) - red).max(axis=-1)
    assert away.max() > 100 and difference[away <= 8].max() <= 10 and difference.max() <= 50


def test_levels_too_large_to_be_blurred_are_fused_pixel_by_pixel(monkeypatch):
    image, alpha, foreground = composite()
    mixed = (alpha > 0) & (alpha < 1)
    monkeypatch.setattr("matting.foreground.LONG_SIDE", 250)  # half the image's
    estimate = estimate_foreground(image, alpha)
    untouched = np.abs(image[mixed] - foreground[mixed]).mean()
    assert np.abs(estimate[mixed] - foreground[mixed]).mean() < 0.25 * untouched
    assert np.array_equal(estimate[alpha == 1], image[alpha == 1])


@settings(max_examples=40)
@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([1, 64, 1024]), st.integers(0, 99))
def test_any_size(height, width, blurred, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    alpha = np.clip(rng.normal(0.5, 1, (height, width)), 0, 1).astype(np.float32)
    before = image.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matting.foreground.LONG_SIDE", blurred)
        found = estimate_foreground(image, alpha)
    assert found.shape == image.shape and found.dtype == np.uint8
    assert np.array_equal(found[alpha == 1], image[alpha == 1]) and np.array_equal(image, before)


@pytest.mark.parametrize("value", [0, 1])
def test_mattes_without_an_edge(value):
    image = hair()[0]
    found = estimate_foreground(image, np.full(image.shape[:2], value, np.float32))
    assert found.shape == image.shape and (value == 0 or np.array_equal(found, image))
