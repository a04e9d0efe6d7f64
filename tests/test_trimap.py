import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matting.trimap import trimap_from_alpha


def by_brute_force(alpha, radius):
    y, x = np.mgrid[: alpha.shape[0], : alpha.shape[1]]
    near = (y[..., None, None] - y) ** 2 + (x[..., None, None] - x) ** 2 <= radius**2
    foreground = ~(near & (alpha != 255)).any((2, 3))
    background = ~(near & (alpha != 0)).any((2, 3))
    return np.where(foreground, 255, np.where(background, 0, 128))


@settings(max_examples=40)
@given(st.integers(0, 1000), st.integers(0, 6), st.sampled_from([0.1, 0.5, 0.95]))
def test_erodes_both_sides_by_a_disc(seed, radius, foreground):
    rng = np.random.default_rng(seed)
    alpha = np.where(rng.random((20, 24)) < foreground, 255, 0).astype(np.uint8)
    alpha[:, :12] = 255 * (seed % 2)
    alpha[rng.random((20, 24)) < 0.01] = 77
    trimap = trimap_from_alpha(alpha, radius)
    assert trimap.dtype == np.uint8
    np.testing.assert_array_equal(trimap, by_brute_force(alpha, radius))


def test_unknown_is_the_soft_pixels_dilated_and_the_band_at_a_hard_edge():
    alpha = np.zeros((40, 60), np.uint8)
    alpha[:, 30:] = 255
    np.testing.assert_array_equal(np.flatnonzero(trimap_from_alpha(alpha, 5)[20] == 128), np.arange(25, 35))
    assert (trimap_from_alpha(alpha, 0) == alpha).all()
    alpha[20, 10] = 1
    assert (trimap_from_alpha(alpha, 5)[15:26, 10] == 128).all()
    assert trimap_from_alpha(alpha, 5)[14, 10] == 0


@pytest.mark.parametrize("radius", [1, 5, 13, 100, 500])
def test_a_pixel_at_exactly_the_radius_is_unknown(radius):
    alpha = np.zeros((3, radius + 5), np.uint8)
    alpha[1, 0] = 128
    assert np.count_nonzero(trimap_from_alpha(alpha, radius)[1] == 128) == radius + 1


@pytest.mark.parametrize("value", [0, 255])
def test_a_matte_of_one_value_has_no_unknown_region(value):
    assert (trimap_from_alpha(np.full((5, 6), value, np.uint8), 3) == value).all()


def test_floats_and_codes_agree():
    alpha = np.random.default_rng(0).choice(np.array([0, 100, 255], np.uint8), (30, 30), p=[0.5, 0.01, 0.49])
    np.testing.assert_array_equal(trimap_from_alpha(alpha / 255, 1), trimap_from_alpha(alpha, 1))


@pytest.mark.parametrize("radius", [-1, 501])
def test_radius_is_checked(radius):
    with pytest.raises(ValueError, match="expected 0 to 500 pixels"):
        trimap_from_alpha(np.zeros((4, 4), np.uint8), radius)
