import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matting.data.formats.approximate import approximate_matte, trimap_from_mask

SIZE = (96, 80)


def disc(radius: float, row: float = 48, column: float = 40) -> np.ndarray:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.hypot(rows - row, columns - column) <= radius


@given(st.floats(8, 35), st.floats(0.02, 0.15))
def test_the_unknown_band_follows_the_outline(radius, band):
    mask = disc(radius)
    trimap = trimap_from_mask(mask, band)
    width = max(2.0, band * np.sqrt(mask.sum()))
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    distance = np.hypot(rows - 48, columns - 40)
    assert (trimap[distance < radius - width - 1.5] == 255).all()
    assert (trimap[np.abs(distance - radius) < 1] == 128).all()
    assert (trimap[distance > radius + 1.5 * width + 1.5] == 0).all()
    assert mask[trimap == 255].all() and not mask[trimap == 0].any()


def test_a_body_continues_beyond_the_image_edge():
    mask = np.zeros(SIZE, bool)
    mask[30:, 20:60] = True
    trimap = trimap_from_mask(mask)
    assert (trimap[-1, 30:50] == 255).all(), "the image's edge is no outline"


@pytest.mark.slow
def test_closed_form_recovers_a_disc_from_a_coarse_outline():
    softness = np.clip(
        (25.5 - np.hypot(*(np.mgrid[: SIZE[0], : SIZE[1]] - np.array([[[48]], [[40]]])))) / 3 + 0.5, 0, 1
    )
    photo = (softness[..., None] * [220, 180, 150] + (1 - softness[..., None]) * [20, 60, 90]).astype(np.uint8)
    coarse = (
        cv2.resize(cv2.resize(disc(25).astype(np.uint8), (10, 12)), SIZE[::-1], interpolation=cv2.INTER_NEAREST) > 0
    )
    alpha = approximate_matte(photo, coarse)
    before = np.abs(coarse * 255.0 - softness * 255).mean()
    after = np.abs(alpha - softness * 255).mean()
    assert after < 0.25 * before


def test_the_refinement_is_kept_to_the_unknown_band():
    photo = np.zeros((*SIZE, 3), np.uint8)
    trimaps = []

    def refine(part, trimap):
        trimaps.append(trimap)
        assert part.shape[:2] == trimap.shape
        return np.full(trimap.shape, 0.25)

    alpha = approximate_matte(photo, disc(20), refine)
    expected = np.where(trimap_from_mask(disc(20)) == 128, 64, trimap_from_mask(disc(20)))
    assert np.array_equal(alpha, expected)
    assert trimaps[0].size < alpha.size, "only the surroundings of the band are solved"


@pytest.mark.parametrize("mask", [np.zeros(SIZE, bool), np.ones((5, 5), bool)])
def test_an_empty_or_foreign_mask_is_refused(mask):
    with pytest.raises(ValueError, match="expected a mask of"):
        approximate_matte(np.zeros((*SIZE, 3), np.uint8), mask)
