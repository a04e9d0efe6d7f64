"""The critic: its input, and its results on pairs that it was not trained on."""

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from matting.curation.clues import CHANNELS, SCALES, clues
from matting.curation.critic import FAULTS, Critic, criticise, frame_around, narrow_resnet, peaks
from matting.synthetic.camera import to_uint8
from matting.synthetic.defects import plant_defect
from matting.synthetic.photograph import Photograph, photograph
from tests.curation.conftest import disc, disc_alpha, levels

TAUGHT = {
    "hard_cut": "cut_hair",
    "filled_holes": "filled_gap",
    "shadow_included": "included_shadow",
    "missing_limb": "missing_part",
    "shifted": "displaced",
}


def patterned(rng: np.random.Generator, colour: tuple[int, int, int]) -> np.ndarray:
    """``(512, 512, 3)`` float32: a colour with smooth blotches and noise."""
    blotches = cv2.GaussianBlur(rng.standard_normal((512, 512)).astype(np.float32), (0, 0), 12)
    return np.float32(colour) + 250 * blotches[..., None] + rng.normal(0, 4, (512, 512, 3)).astype(np.float32)


def test_unlikeness_is_the_distance_from_what_is_around():
    """Against a slow version in float64, at half the size and without the coarse grid."""
    rng = np.random.default_rng(0)
    alpha = disc_alpha(width=40)
    mixed = alpha[..., None] * patterned(rng, (90, 60, 160)) + (1 - alpha[..., None]) * patterned(rng, (120, 140, 90))
    photo = np.clip(mixed, 0, 255).astype(np.uint8)
    found = clues(photo, levels(alpha)).astype(float) / 255
    assert found.shape == (512, 512, CHANNELS)
    np.testing.assert_array_equal(found[..., :4] * 255, np.dstack([photo, levels(alpha)]))

    def half(plane):
        return plane.reshape(256, 2, 256, 2, -1).mean(axis=(1, 3))

    lab = cv2.cvtColor((half(photo.astype(float)) / 255).astype(np.float32), cv2.COLOR_RGB2LAB).astype(float)
    luma = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(float)
    fine = half(np.abs(luma - gaussian_filter(luma, 2, mode="mirror")))[..., 0]
    features = np.dstack([lab, 12 * np.log1p(0.4 * gaussian_filter(fine, 1, mode="mirror"))])
    opacity = half(levels(alpha) / 255)[..., 0]
    for side, weight in enumerate((opacity**4, (1 - opacity) ** 4)):
        for number, scale in enumerate(SCALES):
            blur = [gaussian_filter(weight * one, scale / 2) for one in (1, *np.moveaxis(features, -1, 0))]
            squares = [gaussian_filter(weight * one**2, scale / 2) for one in np.moveaxis(features, -1, 0)]
            mean = np.stack(blur[1:]) / (blur[0] + 1e-4)
            variance = np.stack(squares) / (blur[0] + 1e-4) - mean**2
            variance = np.maximum(variance, 0) + np.array([9, 4, 4, 9])[:, None, None]
            distance = np.sqrt(((np.moveaxis(features, -1, 0) - mean) ** 2 / variance).mean(axis=0))
            expected = 1 - (1 - np.tanh(distance / 3)) * np.clip(20 * blur[0], 0, 1)
            ours = half(found[..., 4 + 3 * side + number])[..., 0]
            assert np.abs(ours - expected).mean() < 0.02, (side, scale)


def test_filled_gap_is_like_the_background_around_it():
    rng = np.random.default_rng(1)
    ring = disc_alpha(radius=150) - disc_alpha(radius=50)
    scene = patterned(rng, (70, 120, 150))
    photo = np.clip(ring[..., None] * patterned(rng, (190, 90, 60)) + (1 - ring[..., None]) * scene, 0, 255)
    found = clues(photo.astype(np.uint8), levels(disc_alpha(radius=150)))
    unlike_scene = found[..., 4 + 3 + 2].astype(float)
    gap, solid = disc_alpha(radius=40) > 0.5, (disc_alpha(radius=140) > 0.5) & (disc_alpha(radius=60) < 0.5)
    assert unlike_scene[gap].mean() < 0.6 * unlike_scene[solid].mean()


def test_peaks_are_local_means():
    maps = torch.zeros(1, 2, 20, 24)
    maps[0, 0, 3, 3] = 100  # one cell is noise: a 25th of it is left, and 16 windows hold it
    maps[0, 1, 4:16, 4:16] = 2
    assert peaks(maps)[0].tolist() == pytest.approx([4, 2])


@pytest.mark.parametrize("size", [(512, 512), (321, 643), (64, 33)])
def test_a_map_has_a_cell_for_four_pixels(size):
    with torch.inference_mode():
        maps = Critic(narrow_resnet()).eval()(torch.rand(1, CHANNELS, *size))
    assert maps.shape == (1, len(FAULTS), -(-size[0] // 4), -(-size[1] // 4))


@pytest.mark.parametrize("shape", [(1, 1), (3, 4000), (40, 30), (1200, 700)])
def test_criticism_has_the_size_of_the_pair(shape):
    found = criticise(np.full((*shape, 3), 90, np.uint8), np.full(shape, 255, np.uint8))
    assert list(found.score) == list(found.cells) == list(FAULTS)
    for fault in FAULTS:
        assert 0 <= found.score[fault] <= 1
        where = found.where(fault)
        assert where.shape == shape and where.dtype == np.float32 and 0 <= where.min() <= where.max() <= 1


def test_frame_is_the_subject_with_what_is_around():
    alpha = np.zeros((1000, 600), np.uint8)
    alpha[300:500, 200:300] = 255
    frame = frame_around(alpha)
    assert (frame.top, frame.bottom, frame.left, frame.right) == (240, 560, 140, 360)  # a tenth of 600 on each side
    assert frame.size == (720, 1047)
    assert frame.cut(alpha).shape == (1047, 720) and frame.cut(np.dstack([alpha] * 3)).shape == (1047, 720, 3)
    placed = frame.put(frame.cut(alpha).astype(np.float32) / 255, alpha.shape)
    assert np.abs(placed - alpha / 255).mean() < 0.005  # where it was, at its size

    tall = np.zeros((1000, 600), np.uint8)
    tall[50:950, 200:300] = 255
    frame = frame_around(tall)
    assert (frame.top, frame.bottom) == (0, 1000)  # cut by the image
    assert (frame.left, frame.right) == (20, 480)  # a fifth of 900 on each side


@pytest.mark.parametrize("value", [0, 100, 255])
def test_frame_of_an_even_matte_is_the_whole_image(value):
    frame = frame_around(np.full((90, 160), value, np.uint8))
    assert (frame.top, frame.bottom, frame.left, frame.right) == (0, 90, 0, 160)


def test_speck_is_not_enlarged_beyond_sense():
    alpha = np.zeros((2000, 3000), np.uint8)
    alpha[900, 40] = 255
    frame = frame_around(alpha)
    assert frame.bottom - frame.top == 401 and frame.left == 0


def test_what_is_far_from_the_person_does_not_matter():
    """A person in a wide room is judged as if the room ended nearby."""
    taken = photograph(np.random.default_rng([77, 1]), 512, 1600, "plain")
    photo, alpha = to_uint8(taken.image), to_uint8(taken.alpha)
    frame = frame_around(alpha)
    part = np.s_[frame.top : frame.bottom, frame.left : frame.right]
    assert alpha[part].size < alpha.size / 2
    whole, near = criticise(photo, alpha), criticise(photo[part], alpha[part])
    assert whole.score == near.score
    where = whole.where("displaced")
    np.testing.assert_array_equal(where[part], near.where("displaced"))
    where[part] = 0
    assert not where.any()


def test_number_of_threads_does_not_matter(portrait):
    said = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            said.append(criticise(portrait.photo, portrait.alpha).score)
    finally:
        torch.set_num_threads(before)
    assert said[0] == said[1] == said[2]


@pytest.fixture(scope="module")
def people() -> list[Photograph]:
    """Six people that the critic has not seen."""
    return [photograph(np.random.default_rng([77, k]), 640, 512, "plain") for k in range(6)]


def scores(people, defect: str | None, fault: str) -> np.ndarray:
    found = []
    for number, taken in enumerate(people):
        pair = taken.image, taken.alpha
        if defect:
            pair = plant_defect(np.random.default_rng([78, number]), defect, *pair, taken.bare)
        if not pair:  # no hair to cut
            continue
        image, alpha = pair
        found.append(criticise(to_uint8(image), to_uint8(alpha)).score[fault])
    return np.array(found)


@pytest.mark.parametrize(("defect", "fault"), TAUGHT.items())
def test_planted_faults_are_distinguished_from_clean_mattes(people, defect, fault):
    clean, faulty = scores(people, None, fault), scores(people, defect, fault)
    assert (faulty[:, None] > clean).mean() > 0.8  # area under the curve; 0.5 by chance
    assert np.median(faulty) > clean.max()


def test_a_missing_part_is_located(people):
    alpha = people[0].alpha
    photo, faulty = to_uint8(people[0].image), to_uint8(alpha)
    rows = np.flatnonzero((faulty > 127).any(axis=1))
    middle = int(rows[0] + 0.6 * len(rows))
    faulty[middle : middle + 60] = 0
    where = criticise(photo, faulty).where("missing_part")
    lost = np.zeros_like(faulty, bool)
    lost[middle : middle + 60] = to_uint8(alpha)[middle : middle + 60] > 200
    assert where[lost].mean() > 5 * where[~lost].mean()


def test_disc_is_no_person_and_no_reason_to_fail():
    found = criticise(disc(disc_alpha()), levels(disc_alpha()))
    assert max(found.score.values()) < 0.99
