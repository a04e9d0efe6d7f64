import numpy as np
import pytest

from matting.corpus.defects import DEFECTS, plant_defect
from matting.corpus.photograph import photograph
from matting.corpus.plan import SCENARIOS
from matting.corpus.scenes import FAMILIES, random_scene
from matting.corpus.screenshot import screenshot


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_photographs_carry_the_tags_of_their_scenario(scenario: str) -> None:
    photo = photograph(np.random.default_rng(5), 120, 96, scenario)
    assert photo.picture.shape == (120, 96, 3) and photo.alpha.shape == (120, 96)
    assert photo.picture.min() >= 0 and photo.picture.max() <= 1
    expected = None if scenario == "plain" else scenario
    assert expected is None or expected in photo.tags
    if scenario == "backlit":
        assert photo.difficulty == "hard"


def test_visible_alphas_of_a_group_add_up_to_the_whole() -> None:
    photo = photograph(np.random.default_rng(2), 96, 120, "group")
    assert len(photo.persons) >= 2
    np.testing.assert_allclose(np.sum(photo.persons, axis=0), photo.alpha, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_scenes_are_pictures_and_differ(family: str) -> None:
    first, second = (random_scene(np.random.default_rng(seed), 64, 80, family) for seed in (1, 2))
    assert first.shape == (64, 80, 3) and first.dtype == np.float32
    assert first.min() >= 0 and first.max() <= 1
    assert np.abs(first - second).mean() > 0.01


def test_a_screenshot_moves_picture_and_alpha_alike_and_adds_no_foreground() -> None:
    rng = np.random.default_rng(3)
    photo = photograph(rng, 160, 128)
    shown = screenshot(rng, photo)
    assert shown.picture.shape[:2] == shown.alpha.shape != photo.alpha.shape
    assert 0 < shown.alpha.sum() <= photo.alpha.sum() * 1.01
    np.testing.assert_allclose(np.sum(shown.persons, axis=0), shown.alpha, atol=1e-4)


@pytest.mark.parametrize("name", DEFECTS)
def test_every_defect_changes_what_it_says(name: str) -> None:
    rng = np.random.default_rng(11)
    photo = photograph(rng, 160, 128, "backlit")
    picture, alpha = plant_defect(rng, name, photo.picture, photo.alpha)
    assert picture.shape[:2] == alpha.shape
    assert picture.min() >= 0 and picture.max() <= 1 and alpha.min() >= 0 and alpha.max() <= 1
    if name == "small":
        assert min(alpha.shape) < 128
        return
    changed_picture = np.abs(picture - photo.picture).mean() > 1e-4
    changed_alpha = np.abs(alpha - photo.alpha).mean() > 1e-4
    matte = ("hard_cut", "shifted", "dilated", "filled_holes", "missing_limb", "swapped")
    assert (changed_picture, changed_alpha) == {"shadow_included": (True, True)}.get(
        name, (name not in matte, name in matte)
    )


def test_an_unknown_defect_is_named() -> None:
    with pytest.raises(ValueError, match="got 'dust'"):
        plant_defect(np.random.default_rng(0), "dust", np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.float32))
