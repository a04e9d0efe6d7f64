import numpy as np
import pytest

from matting.inference import cutout, place_on

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (5, 7, 3), np.uint8)
ALPHA = RNG.random((5, 7), np.float32)


def test_cutout_keeps_the_colours_and_rounds_the_matte():
    rgba = cutout(IMAGE, ALPHA)
    assert np.array_equal(rgba[..., :3], IMAGE)
    assert np.abs(rgba[..., 3] / 255 - ALPHA).max() <= 0.5 / 255 + 1e-6


def test_place_on_follows_the_compositing_equation():
    ground = RNG.integers(0, 256, IMAGE.shape, np.uint8)
    expected = ALPHA[..., None].astype(float) * IMAGE + (1 - ALPHA[..., None].astype(float)) * ground
    assert np.abs(place_on(IMAGE, ALPHA, ground) - expected).max() <= 0.501
    assert np.array_equal(place_on(IMAGE, np.ones_like(ALPHA), (1, 2, 3)), IMAGE)
    assert (place_on(IMAGE, np.zeros_like(ALPHA), (1, 2, 3)) == (1, 2, 3)).all()


@pytest.mark.parametrize("make", [cutout, lambda image, alpha: place_on(image, alpha, (0, 0, 0))])
def test_sizes_must_agree(make):
    with pytest.raises(ValueError, match="of one size"):
        make(IMAGE, ALPHA[:-1])
