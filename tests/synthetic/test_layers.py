import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from matting.synthetic.camera import motion_blur
from matting.synthetic.layers import Frame, compose, extent, fill, over, padded, paint, straight, tinted, tube
from matting.synthetic.strands import Strands, render

UNIT = st.floats(0, 1, width=32)


def layer_of(seed: int, height: int = 24, width: int = 20) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    alpha = np.clip(rng.normal(0.5, 0.6, (height, width)), 0, 1).astype(np.float32)
    return tinted(alpha, rng.random((height, width, 3)))


@given(st.integers(0, 500))
@settings(max_examples=40)
def test_colours_and_alpha_compose_to_the_premultiplied_layer(seed: int) -> None:
    layer = layer_of(seed)
    background = np.random.default_rng(seed + 1).random((24, 20, 3), np.float32)
    foreground, alpha = straight(layer)
    expected = layer[..., :3] + background * (1 - layer[..., 3:])
    np.testing.assert_allclose(compose(foreground, alpha, background), expected, atol=1 / 255)


@given(st.integers(0, 500))
@settings(max_examples=20)
def test_over_is_associative_and_keeps_what_is_opaque(seed: int) -> None:
    a, b, c = (layer_of(seed + k) for k in range(3))
    np.testing.assert_allclose(over(over(a, b), c), over(a, over(b, c)), atol=1e-5)
    opaque = a[..., 3] == 1
    np.testing.assert_array_equal(over(a, b)[opaque], a[opaque])


@given(st.integers(0, 500))
@settings(max_examples=20)
def test_painting_in_place_is_over(seed: int) -> None:
    top, canvas = layer_of(seed), layer_of(seed + 1)
    expected = over(top, canvas)
    paint(canvas, top)
    np.testing.assert_allclose(canvas, expected, atol=1e-6)


def test_colours_continue_beyond_the_subject() -> None:
    alpha = np.zeros((64, 64), np.float32)
    alpha[20:40, 20:40] = 1
    foreground, _ = straight(tinted(alpha, (0.8, 0.2, 0.1)))
    np.testing.assert_allclose(foreground, np.broadcast_to(np.float32((0.8, 0.2, 0.1)), foreground.shape), atol=0.01)


def test_coverage_of_a_square_is_its_area() -> None:
    frame = Frame(20, 30, 10.0, (15.0, 10.0), supersample=8)
    half = 0.525
    coverage = fill(frame, np.array([(-half, -half), (half, -half), (half, half), (-half, half)]))
    np.testing.assert_array_equal(coverage[5:15, 10:20], 1)
    np.testing.assert_allclose(coverage[5:15, [9, 20]], 0.25, atol=0.12)  # OpenCV adds most of a canvas pixel of border
    assert coverage.sum() == pytest.approx(coverage[4:16, 9:21].sum())


@given(x=st.floats(-5, 35), y=st.floats(-5, 25), head=st.floats(2, 12), roll=st.floats(-0.5, 0.5))
@settings(max_examples=40)
def test_a_window_shows_the_same_as_the_whole_image(x: float, y: float, head: float, roll: float) -> None:
    frame = Frame(20, 30, head, (x, y), roll, 2)
    outline = tube([(0, 0), (0.5, 0.8), (0.2, 1.5)], [0.2, 0.3, 0.1])
    canvas = np.zeros((40, 60), np.uint8)
    cv2.fillPoly(canvas, [frame.fixed_point(outline)], 255.0, cv2.LINE_AA, 4)
    np.testing.assert_allclose(fill(frame, outline), frame.shrink(canvas), atol=0.02)


@pytest.mark.parametrize("width", [0.2, 0.35, 0.9, 1.9])
def test_a_strand_covers_its_width(width: float) -> None:
    frame = Frame(40, 40, 20.0, (20.0, 20.0), supersample=4)
    path = np.array([np.column_stack([np.linspace(-0.8, 0.8, 21), np.full(21, 0.013)])])
    layer = render(frame, Strands(path, np.array([[1.0, 0.5, 0.0]]), width / 20))
    assert layer[:, 10, 3].sum() == pytest.approx(width, abs=0.27)  # OpenCV's thicknesses are half a pixel apart here
    assert layer[:, 35, 3].sum() <= layer[:, 6, 3].sum() + 1e-6  # it tapers
    np.testing.assert_allclose(layer[..., 0], layer[..., 3], atol=0.01)  # premultiplied: red is 1
    np.testing.assert_allclose(layer[..., 2], 0, atol=0.01)


def test_no_strands_are_an_empty_layer() -> None:
    layer = render(Frame(8, 9, 4.0, (4.0, 4.0)), Strands(np.zeros((0, 5, 2)), np.zeros((0, 3)), 0.1))
    assert layer.shape == (8, 9, 4) and not layer.any()


def test_motion_blur_keeps_the_matte_and_stays_premultiplied() -> None:
    alpha = np.zeros((60, 60), np.float32)
    alpha[25:35, 25:35] = 1
    layer = tinted(alpha, (0.9, 0.6, 0.3))
    blurred = motion_blur(layer, 11, 0.0)
    assert blurred[..., 3].sum() == pytest.approx(layer[..., 3].sum(), rel=1e-3)
    np.testing.assert_allclose(blurred[..., 0], 0.9 * blurred[..., 3], atol=1e-4)
    columns = np.flatnonzero(blurred[30, :, 3] > 1e-3)
    rows = np.flatnonzero(blurred[:, 30, 3] > 1e-3)
    assert len(columns) > len(rows)


def test_the_extent_of_nothing_is_empty() -> None:
    assert np.zeros((4, 5))[extent(np.zeros((4, 5), np.float32))].size == 0


@given(st.integers(0, 500), st.floats(0.9, 1))
@settings(max_examples=40)
def test_the_extent_is_the_smallest_box_with_everything(seed: int, sparse: float) -> None:
    plane = np.random.default_rng(seed).random((13, 17), np.float32)
    plane[plane < sparse] = 0
    rows, columns = np.nonzero(plane)
    rows_box, columns_box = extent(plane)
    if len(rows):
        assert (rows_box.start, rows_box.stop) == (rows.min(), rows.max() + 1)
        assert (columns_box.start, columns_box.stop) == (columns.min(), columns.max() + 1)
    else:
        assert plane[rows_box, columns_box].size == 0


def test_a_padded_box_stays_in_the_image() -> None:
    assert padded(np.s_[1:4, 5:9], 3, (10, 10, 4)) == np.s_[0:7, 2:10]
