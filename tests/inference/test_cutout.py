import tracemalloc

import numpy as np
import pytest

from matting.inference import Style, cutout, finish, place_on, refine
from matting.inference.jobs import pixels_within

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (5, 7, 3), np.uint8)
ALPHA = RNG.random((5, 7), np.float32)


def test_cutout_keeps_the_colours_and_rounds_the_matte():
    rgba = cutout(IMAGE, ALPHA)
    assert np.array_equal(rgba[..., :3], IMAGE)
    assert np.abs(rgba[..., 3] / 255 - ALPHA).max() <= 0.5 / 255 + 1e-6


def test_place_on_follows_the_compositing_equation():
    background = RNG.integers(0, 256, IMAGE.shape, np.uint8)
    expected = ALPHA[..., None].astype(float) * IMAGE + (1 - ALPHA[..., None].astype(float)) * background
    assert np.abs(place_on(IMAGE, ALPHA, background) - expected).max() <= 0.501
    assert np.array_equal(place_on(IMAGE, np.ones_like(ALPHA), (1, 2, 3)), IMAGE)
    assert (place_on(IMAGE, np.zeros_like(ALPHA), (1, 2, 3)) == (1, 2, 3)).all()


@pytest.mark.parametrize("make", [cutout, lambda image, alpha: place_on(image, alpha, (0, 0, 0))])
def test_sizes_must_agree(make):
    with pytest.raises(ValueError, match="of one size"):
        make(IMAGE, ALPHA[:-1])


@pytest.mark.parametrize("background", [None, (1, 2, 3), RNG.integers(0, 256, (90, 70, 3), np.uint8)])
def test_memory_stays_within_the_limits_estimate(monkeypatch, background):
    """Use the matte that needs the most memory: noise, which is soft everywhere."""
    monkeypatch.setattr("matting.foreground.LONG_SIDE", 500)  # the largest levels of a large photo have no blur
    image, coarse = RNG.integers(0, 256, (1601, 1203, 3), np.uint8), RNG.random((64, 64), np.float32)
    style = Style() if background is None else Style("composite", background)
    tracemalloc.start()
    finish(image, refine(image, coarse), style)
    peak = tracemalloc.get_traced_memory()[1] + image.nbytes
    tracemalloc.stop()
    per_pixel = 1e6 / (pixels_within(1001, 512) - pixels_within(1000, 512))
    assert 10 < peak / (1601 * 1203) < per_pixel
