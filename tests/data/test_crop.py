import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matting.data.crop import choose_box, full_box, resize, scene_box


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**31), st.floats(0.05, 1.0))
def test_boxes_are_inside_and_are_square_as_far_as_they_fit(
    height: int, width: int, seed: int, smallest: float
) -> None:
    rng = np.random.default_rng(seed)
    alpha = rng.integers(0, 256, (height, width)).astype(np.uint8)
    box = choose_box(alpha, rng, smallest)
    assert 0 <= box.top <= box.top + box.height <= height
    assert 0 <= box.left <= box.left + box.width <= width
    assert box.cut(alpha).shape == (box.height, box.width)
    long, short = max(box.height, box.width), min(box.height, box.width)
    assert long == short or short == min(height, width)
    assert long <= round(1.5 * short)
    assert long >= min(round(smallest * max(height, width)), round(1.5 * min(height, width)), max(height, width))


def test_people_keep_their_proportions_in_most_crops() -> None:
    """Of a 4:5 image, every crop up to the short side is a square of its pixels."""
    boxes = [choose_box(np.zeros((100, 80), np.uint8), np.random.default_rng(seed), 0.5) for seed in range(400)]
    squares = np.mean([box.height == box.width for box in boxes])
    assert 0.5 < squares < 0.7  # shares from 0.5 to 0.8 of 0.5 to 1
    assert max(box.height for box in boxes) > 97


@given(st.integers(0, 2**31))
def test_a_crop_contains_a_soft_pixel(seed: int) -> None:
    alpha = np.zeros((80, 120), np.uint8)
    alpha[8:12, 100:104] = 128
    assert choose_box(alpha, np.random.default_rng(seed), 0.3).cut(alpha).max() == 128


def test_all_soft_pixels_are_reached_eventually() -> None:
    alpha = np.zeros((64, 64), np.uint8)
    alpha[::4, ::4] = 128
    covered = np.zeros_like(alpha, dtype=bool)
    for seed in range(300):
        choose_box(alpha, np.random.default_rng(seed), 0.3).cut(covered)[:] = True
    assert covered.all()


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 2**31))
def test_scene_boxes_are_squares_inside(height: int, width: int, seed: int) -> None:
    box = scene_box(height, width, np.random.default_rng(seed))
    assert box.height == box.width >= round(min(height, width) / 2)
    assert box.top + box.height <= height and box.left + box.width <= width


def test_shrinking_averages_and_does_not_alias() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    np.testing.assert_array_equal(resize(stripes, 16), np.full((16, 16), 128))


@pytest.mark.parametrize("size", [1, 7, 20])
def test_the_full_box_changes_nothing(size: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    np.testing.assert_array_equal(resize(full_box(size, size).cut(image), size), image)
