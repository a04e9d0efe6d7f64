import cv2
import numpy as np
import pytest

from matting.curation import editing
from matting.curation.pair import AnnotatedPair
from matting.synthetic.camera import compress, to_uint8
from tests.curation.conftest import disc, disc_alpha, levels


@pytest.mark.parametrize("earlier", [10, 16])
def test_an_earlier_coarse_jpeg_leaves_a_ghost(portrait, earlier):
    image = portrait.photo.astype(np.float32) / 255
    once = to_uint8(compress(image, 92))
    twice = to_uint8(compress(compress(image, earlier), 92))
    assert editing.jpeg_ghost(AnnotatedPair(once, portrait.alpha)).score == 0
    assert editing.jpeg_ghost(AnnotatedPair(twice, portrait.alpha)).score > 0.02


def test_cloned_region_is_found_and_located():
    rng = np.random.default_rng(2)
    photo = cv2.GaussianBlur(rng.integers(0, 256, (512, 512, 3)).astype(np.uint8), (0, 0), 2)
    photo = cv2.normalize(photo, None, 0, 255, cv2.NORM_MINMAX)
    alpha = levels(disc_alpha())
    clean = editing.cloned(AnnotatedPair(photo, alpha))
    edited = photo.copy()
    edited[300:420, 280:400] = photo[60:180, 40:160]
    found = editing.cloned(AnnotatedPair(edited, alpha))
    assert found.score > 10 * max(1, clean.score)
    inside = found.where[300:420, 280:400].sum() + found.where[60:180, 40:160].sum()
    assert inside > 0.8 * found.where.sum()


def test_repeated_wall_is_no_clone():
    tile = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 256, (64, 64)).astype(np.uint8), (0, 0), 2)
    wall = np.tile(cv2.normalize(tile, None, 0, 255, cv2.NORM_MINMAX), (8, 8))
    pair = AnnotatedPair(np.repeat(wall[..., None], 3, 2), levels(disc_alpha()))
    assert editing.cloned(pair).score <= 3


@pytest.mark.parametrize("seam", [0, 255])
def test_seam_outside_the_subject_is_a_halo(seam):
    alpha = disc_alpha(width=2)
    photo = disc(alpha, noise=1, light=150)
    ring = disc_alpha(radius=126) - disc_alpha(radius=121)
    pasted = photo * (1 - 0.7 * ring[..., None]) + seam * 0.7 * ring[..., None]
    assert editing.halo(AnnotatedPair(photo, levels(alpha))).score == 0
    assert editing.halo(AnnotatedPair(pasted.astype(np.uint8), levels(alpha))).score > 0.9
