import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matting.inference import refine, resize, working_shape
from matting.tiles import soft, tiles


def hair(height=480, width=360, seed=0):
    """A disc with strands thinner than a pixel of the working image, dark in front of a bright scene."""
    rng = np.random.default_rng(seed)
    alpha = np.zeros((height * 4, width * 4), np.uint8)
    centre = (width * 2, height * 2)
    cv2.circle(alpha, centre, width, 255, -1)
    for angle in rng.uniform(0, 2 * np.pi, 60):
        tip = (int(centre[0] + 1.6 * width * np.cos(angle)), int(centre[1] + 1.6 * width * np.sin(angle)))
        cv2.line(alpha, centre, tip, 255, 5)
    matte = resize(alpha, (height, width)).astype(np.float32) / 255
    scene = 150 + 80 * cv2.resize(rng.random((5, 4, 3), np.float32), (width, height))
    image = matte[..., None] * np.float32([60, 40, 30]) + (1 - matte[..., None]) * scene
    return np.rint(image).astype(np.uint8), matte


def test_detail_is_closer_to_the_truth_than_enlarging():
    image, alpha = hair()
    coarse = resize(alpha, working_shape(480, 360, 96))
    unknown = (alpha > 0) & (alpha < 1)
    plain = np.clip(resize(coarse, alpha.shape), 0, 1)
    assert np.abs(refine(image, coarse) - alpha)[unknown].mean() < 0.6 * np.abs(plain - alpha)[unknown].mean()


def test_scaled_down_again_it_is_what_the_network_predicted():
    image, alpha = hair()
    coarse = resize(alpha, (96, 64))
    plain = np.abs(resize(np.clip(resize(coarse, alpha.shape), 0, 1), coarse.shape) - coarse).max()
    assert np.abs(resize(refine(image, coarse), coarse.shape) - coarse).max() < max(plain, 0.1)


@settings(max_examples=40)
@given(st.integers(1, 700), st.integers(1, 700), st.sampled_from([32, 64]), st.integers(0, 99))
def test_any_size_stays_a_matte(height, width, size, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    coarse = np.clip(rng.normal(0.5, 1, working_shape(height, width, size)), 0, 1).astype(np.float32)
    before = coarse.copy()
    alpha = refine(image, coarse)
    assert alpha.shape == (height, width) and alpha.dtype == np.float32
    assert alpha.min() >= 0 and alpha.max() <= 1 and np.array_equal(coarse, before)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.4])
def test_a_constant_matte_takes_nothing_from_the_photo(value):
    image, _ = hair()
    assert np.allclose(refine(image, np.full((96, 64), value, np.float32)), value, atol=1e-6)


def test_tiles_cover_the_region_once():
    region = np.random.default_rng(0).random((70, 50)) > 0.97
    covered = np.zeros(region.shape, int)
    for tile in tiles(region, 16, margin=3):
        covered[tile.core] += 1
        assert np.array_equal(region[tile.window][tile.inner], region[tile.core]) and region[tile.core].any()
    assert covered.max() == 1 and (covered[region] == 1).all()


def test_a_hard_edge_counts_as_soft():
    step = np.repeat(np.float32([[0, 0, 0, 1, 1, 1]]), 6, axis=0)
    assert soft(step, 1)[0].tolist() == [False, False, True, True, False, False]
