import cv2
import numpy as np
import pytest

from matting.curation import quality
from matting.curation.checks import default_limits
from matting.curation.pair import AnnotatedPair
from tests.curation.conftest import disc, disc_alpha, levels


def test_low_resolution_is_a_ratio_to_512():
    pair = AnnotatedPair(np.zeros((256, 900, 3), np.uint8), np.zeros((256, 900), np.uint8))
    assert quality.low_resolution(pair).score == 2


def test_dark_subject_before_a_bright_window_is_not_underexposed():
    alpha = disc_alpha()
    silhouette = AnnotatedPair(disc(alpha, light=15, dark=235), levels(alpha))
    night = AnnotatedPair(disc(alpha, light=25, dark=5), levels(alpha))
    assert quality.underexposed(silhouette).score < 0.15
    assert quality.underexposed(night).score > 0.65


@pytest.mark.parametrize("fog", [0.0, 0.06])
def test_fog_fails_the_project_s_limit(fog):
    alpha = disc_alpha()
    flat = np.rint(128 + fog * (disc(alpha) - 128.0)).astype(np.uint8)
    assert quality.low_contrast(AnnotatedPair(flat, levels(alpha))).score > default_limits()["low_contrast"]
    assert quality.low_contrast(AnnotatedPair(disc(alpha), levels(alpha))).score < default_limits()["low_contrast"]


def test_white_backdrop_alone_is_not_overexposed():
    alpha = disc_alpha()
    studio = AnnotatedPair(disc(alpha, light=120, dark=255, noise=0), levels(alpha))
    burnt = AnnotatedPair(np.full((512, 512, 3), 255, np.uint8), levels(alpha))
    assert quality.overexposed(studio).score == 0
    assert quality.overexposed(burnt).score == 1


@pytest.mark.parametrize("sigma", [3.0, 5.0, 8.0])
def test_blur_measures_the_point_spread(sigma):
    alpha = disc_alpha(radius=200, width=1)
    inner = disc_alpha(radius=100, width=1)  # an edge within the subject
    blurred = cv2.GaussianBlur(disc(inner, noise=0), (0, 0), sigma)
    score = quality.blur(AnnotatedPair(blurred, levels(alpha))).score
    assert score * 512 / 100 == pytest.approx(sigma, rel=0.25)


def test_blurred_subject_with_a_sharp_rim_is_blurred():
    """It was cut out and set before another scene: its edge is as sharp as the knife."""
    alpha, checks = disc_alpha(radius=150, width=1), disc(disc_alpha(radius=60, width=1))
    subject = cv2.GaussianBlur(checks, (0, 0), 8)
    photo = np.clip(alpha[..., None] * subject + (1 - alpha[..., None]) * 20, 0, 255).astype(np.uint8)
    assert quality.blur(AnnotatedPair(photo, levels(alpha))).score > default_limits()["blur"]
    sharp = np.clip(alpha[..., None] * checks + (1 - alpha[..., None]) * 20, 0, 255).astype(np.uint8)
    assert quality.blur(AnnotatedPair(sharp, levels(alpha))).score < 0.3


def test_blur_is_robust_to_noise_and_ignores_a_soft_background():
    rng = np.random.default_rng(1)
    alpha = disc_alpha(width=2)
    checks = ((np.indices((512, 512)) // 32).sum(0) % 2 * 120 + 60).astype(np.float32)
    soft = cv2.GaussianBlur(checks, (0, 0), 12)
    photo = alpha * checks + (1 - alpha) * soft + rng.normal(0, 1.5, alpha.shape)
    sharp = AnnotatedPair(np.repeat(np.clip(photo, 0, 255).astype(np.uint8)[..., None], 3, 2), levels(alpha))
    everything = cv2.GaussianBlur(alpha * checks + (1 - alpha) * soft, (0, 0), 6) + rng.normal(0, 1.5, alpha.shape)
    blurred = AnnotatedPair(np.repeat(np.clip(everything, 0, 255).astype(np.uint8)[..., None], 3, 2), levels(alpha))
    assert quality.blur(sharp).score < 0.3
    assert quality.blur(blurred).score > 0.6


@pytest.mark.parametrize(
    ("defect", "check"),
    [
        ("small", quality.low_resolution),
        ("underexposed", quality.underexposed),
        ("overexposed", quality.overexposed),
        ("blurred", quality.blur),
    ],
)
def test_planted_defects_raise_their_score(portrait, spoiled, defect, check):
    assert check(spoiled(defect)).score > 1.15 * check(portrait).score


def test_pair_of_two_sizes_is_refused():
    with pytest.raises(ValueError, match="expected a photo"):
        AnnotatedPair(np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4), np.uint8))
