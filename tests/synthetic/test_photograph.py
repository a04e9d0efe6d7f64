import numpy as np
import pytest

from matting.synthetic.defects import DEFECTS, VISIBLE, plant_defect, plant_defect_or_next, worst_error
from matting.synthetic.photograph import photograph
from matting.synthetic.plan import SCENARIOS
from matting.synthetic.scenes import FAMILIES, random_scene
from matting.synthetic.screenshot import screenshot


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_photos_carry_the_tags_of_their_scenario(scenario: str) -> None:
    photo = photograph(np.random.default_rng(5), 120, 96, scenario)
    assert photo.image.shape == (120, 96, 3) and photo.alpha.shape == (120, 96)
    assert photo.image.min() >= 0 and photo.image.max() <= 1
    expected = None if scenario == "plain" else scenario
    assert expected is None or expected in photo.tags
    if scenario == "backlit":
        assert photo.difficulty == "hard"


def test_visible_alphas_of_a_group_add_up_to_the_whole() -> None:
    photo = photograph(np.random.default_rng(2), 96, 120, "group")
    assert len(photo.persons) >= 2
    np.testing.assert_allclose(np.sum(photo.persons, axis=0), photo.alpha, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_scenes_are_valid_images_and_differ(family: str) -> None:
    first, second = (random_scene(np.random.default_rng(seed), 64, 80, family) for seed in (1, 2))
    assert first.shape == (64, 80, 3) and first.dtype == np.float32
    assert first.min() >= 0 and first.max() <= 1
    assert np.abs(first - second).mean() > 0.01


def test_a_screenshot_moves_image_and_alpha_alike_and_adds_no_foreground() -> None:
    rng = np.random.default_rng(3)
    photo = photograph(rng, 160, 128)
    shown = screenshot(rng, photo)
    assert shown.image.shape[:2] == shown.alpha.shape != photo.alpha.shape
    assert 0 < shown.alpha.sum() <= photo.alpha.sum() * 1.01
    np.testing.assert_allclose(np.sum(shown.persons, axis=0), shown.alpha, atol=1e-4)


@pytest.mark.parametrize("name", DEFECTS)
def test_every_defect_changes_image_or_matte(name: str) -> None:
    rng = np.random.default_rng(11)
    photo = photograph(rng, 160, 128, "backlit")
    planted = plant_defect(rng, name, photo.image, photo.alpha, photo.bare)
    assert planted is not None
    image, alpha = planted
    assert image.shape[:2] == alpha.shape
    assert image.min() >= 0 and image.max() <= 1 and alpha.min() >= 0 and alpha.max() <= 1
    if name == "small":
        assert min(alpha.shape) < 128
        return
    changed_picture = np.abs(image - photo.image).mean() > 1e-4
    changed_alpha = np.abs(alpha - photo.alpha).mean() > 1e-4
    matte = ("hard_cut", "shifted", "dilated", "filled_holes", "missing_limb", "swapped")
    assert (changed_picture, changed_alpha) == {"shadow_included": (True, True)}.get(
        name, (name not in matte, name in matte)
    )


def round_figure() -> np.typing.NDArray[np.float32]:
    """A bald figure: an anti-aliased disc on a stem, without hair or gaps."""
    y, x = np.mgrid[:160, :128] + 0.5
    disc = np.clip(30.5 - np.hypot(x - 64, y - 60), 0, 1)
    return np.maximum(disc, np.clip(12.5 - np.abs(x - 64), 0, 1) * (y > 60)).astype(np.float32)


@pytest.mark.parametrize("level", [0.03, 0.97])
def test_a_halo_contrasts_with_the_background(level: float) -> None:
    alpha, image = round_figure(), np.full((160, 128, 3), level, np.float32)
    faulty, _ = plant_defect(np.random.default_rng(0), "halo", image, alpha, alpha)
    assert np.abs(faulty - image).max() > 0.15
    middle = np.s_[50:70, 54:74]
    np.testing.assert_array_equal(faulty[middle], image[middle])


def hairy_figure() -> tuple[np.typing.NDArray[np.float32], np.typing.NDArray[np.float32]]:
    """The figure with hair on its head and with fingers as thin and as soft, and the same figure without the hair."""
    bare = round_figure()
    bare[100:125, 76:110] = np.tile([0.5, 1, 1, 1, 0.5], 5)[:, None]
    alpha = bare.copy()
    alpha[20:35, 40:90] = np.maximum(alpha[20:35, 40:90], np.random.default_rng(0).random((15, 50), np.float32) * 0.8)
    return alpha, bare


def test_a_hard_cut_takes_hair_and_leaves_fingers() -> None:
    alpha, bare = hairy_figure()
    pair = plant_defect(np.random.default_rng(0), "hard_cut", np.zeros((160, 128, 3), np.float32), alpha, bare)
    assert pair is not None
    soft = [((a[15:30] > 0.1) & (a[15:30] < 0.9)).sum() for a in (alpha, pair[1])]
    assert soft[1] < 0.35 * soft[0]
    np.testing.assert_array_equal(pair[1][60:], alpha[60:])


def test_hair_of_the_bald_is_not_cut_and_no_gap_is_filled_where_there_is_none() -> None:
    bald = round_figure()
    for name in ("hard_cut", "filled_holes"):
        assert plant_defect(np.random.default_rng(0), name, np.zeros((160, 128, 3), np.float32), bald, bald) is None


def test_a_defect_that_does_not_apply_is_replaced_by_the_next() -> None:
    image = np.random.default_rng(1).random((160, 128, 3), np.float32)
    alpha, bare = hairy_figure()
    kept = plant_defect_or_next(np.random.default_rng(0), "hard_cut", image, alpha, bare)
    assert kept[0] == "hard_cut"
    name, faulty, matte = plant_defect_or_next(np.random.default_rng(0), "hard_cut", image, bare, bare)
    assert name == list(DEFECTS)[list(DEFECTS).index("hard_cut") + 1] and np.abs(matte - bare).max() > 0.5
    nobody = np.zeros_like(bare)
    name, faulty, matte = plant_defect_or_next(np.random.default_rng(0), "hard_cut", image, nobody, nobody)
    assert worst_error(nobody, matte) >= VISIBLE or not np.array_equal(faulty, image)


def test_worst_error_is_that_of_a_window() -> None:
    truth, alpha = np.zeros((512, 600), np.float32), np.zeros((512, 600), np.float32)
    assert worst_error(truth, alpha) == 0
    alpha[30, 40] = 1
    assert worst_error(truth, alpha) == pytest.approx(1 / 225)
    alpha[20:40, 20:40] = 1
    assert worst_error(truth, alpha) == pytest.approx(1)
    small = np.zeros((128, 150), np.float32)
    small[30, 40] = 1
    assert worst_error(np.zeros_like(small), small) == pytest.approx(1 / 25)  # the window is as large a part


@pytest.mark.parametrize("scenario", ["plain", "motion_blur", "group"])
def test_bare_is_alpha_without_hair(scenario: str) -> None:
    photos = [photograph(np.random.default_rng([4, seed]), 160, 128, scenario) for seed in range(6)]
    for photo in photos:
        assert photo.bare.shape == photo.alpha.shape and photo.bare.dtype == np.float32
        assert (photo.bare <= photo.alpha + 1e-4).all() and photo.bare.sum() > 0.5 * photo.alpha.sum()
        hairy = any(who.style != "bald" or who.beard or who.collar == "fur" for who in photo.traits)
        assert hairy or np.abs(photo.alpha - photo.bare).max() < 1e-4
    assert max(float((photo.alpha - photo.bare).max()) for photo in photos) > 0.9


def test_filled_holes_fill_a_gap_between_arm_and_body_only() -> None:
    alpha = round_figure()
    alpha[90:150, 84:90] = 1  # an arm with a gap of 8 pixels
    alpha[90:96, 70:90] = 1
    _, matte = plant_defect(np.random.default_rng(0), "filled_holes", np.zeros((160, 128, 3), np.float32), alpha, alpha)
    assert matte[100:145, 78:83].min() > 0.9
    assert matte[:25].max() < 0.05 and matte[100:145, 10:40].max() < 0.05  # a convex outline would reach there


def test_shadows_are_labelled_with_different_opacities() -> None:
    alpha, image = round_figure(), np.full((160, 128, 3), 0.8, np.float32)
    opacities = []
    for seed in range(12):
        faulty, matte = plant_defect(np.random.default_rng(seed), "shadow_included", image, alpha, alpha)
        added = alpha == 0
        opacities.append(round(float(matte[added].max()), 2))
        assert faulty[added & (matte > 0.3)].mean() < 0.75
    assert len(set(opacities)) > 3 and max(opacities) == 1


def test_a_swapped_matte_belongs_to_another_person() -> None:
    alpha, image = round_figure(), np.zeros((160, 128, 3), np.float32)
    mattes = [plant_defect(np.random.default_rng(seed), "swapped", image, alpha, alpha)[1] for seed in (1, 2)]
    assert all(np.abs(matte - alpha).mean() > 0.03 for matte in mattes)
    assert np.abs(mattes[0] - mattes[1]).mean() > 0.03


def test_there_are_scenes_of_many_kinds() -> None:
    assert len(FAMILIES) >= 12
    assert {"crowd", "shop_window", "gallery", "fur", "hard_light", "night", "window"} <= set(FAMILIES)


def test_an_unknown_defect_is_named() -> None:
    image, alpha = np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.float32)
    with pytest.raises(ValueError, match="got 'dust'"):
        plant_defect(np.random.default_rng(0), "dust", image, alpha, alpha)
