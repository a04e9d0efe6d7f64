import subprocess
import sys
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from matting.evaluation import CORRUPTIONS, corrupt

BY_NAME = {corruption.name: corruption for corruption in CORRUPTIONS}


def scene(height=96, width=80):
    """Return a scene with smooth light, a hard edge and texture, away from black and white."""
    generator = np.random.default_rng(0)
    ramp = np.linspace(60, 150, width) * np.ones((height, 1))
    ramp[:, width // 2 :] += 40
    texture = ndimage.gaussian_filter(generator.normal(0, 30, (height, width, 3)), (1, 1, 0))
    return np.clip(ramp[..., None] * [1.0, 0.8, 0.6] + texture, 0, 255).astype(np.uint8)


PHOTO = scene()


def distance(image, other=PHOTO):
    return float(np.abs(image.astype(float) - other).mean())


def test_there_are_a_dozen_with_unique_names():
    assert len(BY_NAME) == len(CORRUPTIONS) >= 12
    assert {"gaussian noise", "motion blur", "jpeg", "low light", "white balance"} <= BY_NAME.keys()


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=BY_NAME)
def test_every_severity_returns_an_image_and_is_stronger_than_the_last(corruption):
    before = PHOTO.copy()
    found = [corrupt(PHOTO, corruption, severity, "x") for severity in range(1, 6)]
    assert np.array_equal(PHOTO, before)
    assert all(image.shape == PHOTO.shape and image.dtype == np.uint8 for image in found)
    assert distance(found[0]) > 0.5
    if corruption.name == "saturation":  # fades up to 3, then exaggerates
        assert distance(found[0]) < distance(found[1]) < distance(found[2]) and distance(found[3]) < distance(found[4])
    else:
        assert sorted(map(distance, found)) == list(map(distance, found))


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=BY_NAME)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 2)])
def test_tiny_black_and_white_images_are_accepted(corruption, shape):
    for level in (0, 255):
        image = np.full((*shape, 3), level, np.uint8)
        assert corrupt(image, corruption, 5, "x").shape == image.shape


@given(st.text(), st.sampled_from(CORRUPTIONS), st.integers(1, 5))
def test_the_name_alone_decides_what_is_random(name, corruption, severity):
    image = PHOTO[:8, :8]
    np.random.seed(severity)  # noqa: NPY002  the global state must not matter
    assert np.array_equal(corrupt(image, corruption, severity, name), corrupt(image, corruption, severity, name))


def test_other_names_get_other_noise_and_severities_share_it():
    noise = BY_NAME["gaussian noise"]
    assert not np.array_equal(corrupt(PHOTO, noise, 3, "a"), corrupt(PHOTO, noise, 3, "b"))
    weak, strong = (corrupt(PHOTO, noise, severity, "a").astype(float) - PHOTO for severity in (1, 2))
    assert np.corrcoef(weak.ravel(), strong.ravel())[0, 1] > 0.99


def test_another_process_makes_the_same_images():
    code = (
        "import sys; from zlib import crc32; from matting.evaluation import CORRUPTIONS, corrupt\n"
        "from tests.evaluation.test_corruptions import PHOTO\n"
        "print(*[crc32(corrupt(PHOTO, c, 4, 'ü').tobytes()) for c in reversed(CORRUPTIONS)])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [str(crc32(corrupt(PHOTO, c, 4, "ü").tobytes())) for c in reversed(CORRUPTIONS)]


def test_noise_has_the_stated_strength():
    gray = np.full((200, 200, 3), 128, np.uint8)
    gaussian = corrupt(gray, BY_NAME["gaussian noise"], 3, "x") / 255
    assert gaussian.std() == pytest.approx(0.11, rel=0.03) and gaussian.mean() == pytest.approx(128 / 255, abs=0.003)
    shot = corrupt(gray, BY_NAME["shot noise"], 2, "x") / 255
    assert shot.var() == pytest.approx(128 / 255 / 80, rel=0.05)
    impulse = corrupt(gray, BY_NAME["impulse noise"], 5, "x")
    assert ((impulse == 0) | (impulse == 255)).mean() == pytest.approx(0.18, abs=0.005)
    assert (impulse == 0).sum() == pytest.approx((impulse == 255).sum(), rel=0.05)


@pytest.mark.parametrize("name", ["defocus blur", "motion blur"])
def test_blurs_preserve_light_and_spread_a_point_to_the_stated_radius(name):
    point = np.zeros((81, 81, 3), np.uint8)
    point[40, 40] = 255
    for severity, strength in enumerate(BY_NAME[name].strengths, start=1):
        blurred = corrupt(point, BY_NAME[name], severity, "x")
        y, x = np.nonzero(blurred[..., 0])
        reach = strength if name == "defocus blur" else strength / 2
        assert reach - 1 <= np.hypot(y - 40, x - 40).max() <= reach + 2
    flat = np.full((30, 30, 3), 77, np.uint8)
    assert np.array_equal(corrupt(flat, BY_NAME[name], 5, "x"), flat)


def test_light_follows_stops_of_linear_light():
    gray = np.full((4, 4, 3), 100, np.uint8)
    linear = lambda level: ((level / 255 + 0.055) / 1.055) ** 2.4  # noqa: E731
    brighter = corrupt(gray, BY_NAME["brightness"], 2, "x")
    assert np.log2(linear(brighter[0, 0, 0]) / linear(100)) == pytest.approx(0.8, abs=0.02)
    red, green, blue = corrupt(gray, BY_NAME["white balance"], 2, "x")[0, 0]
    assert green == 100 and abs(np.log2(linear(red) / linear(blue))) == pytest.approx(0.8, abs=0.05)


def test_colours_fade_and_levels_are_counted():
    faded = corrupt(PHOTO, BY_NAME["saturation"], 3, "x")
    assert np.ptp(faded.astype(int), axis=2).max() <= 1
    assert max(len(np.unique(corrupt(PHOTO, BY_NAME["banding"], 5, "x")[..., c])) for c in range(3)) <= 4
    contrast = corrupt(PHOTO, BY_NAME["contrast"], 5, "x")
    assert contrast.std() == pytest.approx(0.12 * PHOTO.std(), rel=0.05)


def test_the_documented_strengths_are_those_of_the_code():
    text = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text()
    for corruption in CORRUPTIONS:
        strengths = ", ".join(f"{strength:g}" for strength in corruption.strengths)
        assert f"| {corruption.name} | {strengths}: " in text


@pytest.mark.parametrize("severity", [0, 6, -1])
def test_other_severities_are_refused(severity):
    with pytest.raises(ValueError, match=f"expected 1 to 5, found {severity}"):
        corrupt(PHOTO, CORRUPTIONS[0], severity, "x")
