from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matting.synthetic.body import _arm, _swung
from matting.synthetic.garments import render_collar, render_earrings
from matting.synthetic.hair import render_hair, render_hair_behind
from matting.synthetic.layers import Frame, extent
from matting.synthetic.person import occlude, render_person
from matting.synthetic.strands import blown
from matting.synthetic.textures import random_light
from matting.synthetic.traits import STYLES, random_traits

FRAME = Frame(160, 128, 50.0, (64.0, 45.0))
FRAME_TORSO = np.zeros((160, 128), np.float32)


@pytest.mark.parametrize("seed", range(6))
def test_a_person_is_a_valid_layer_with_a_solid_middle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layer = render_person(rng, FRAME, random_traits(rng), random_light(rng)).layer
    assert layer.dtype == np.float32 and layer.shape == (160, 128, 4)
    assert layer.min() >= 0 and layer.max() <= 1 + 1e-5
    assert (layer[..., :3] <= layer[..., 3:] + 1e-3).all()  # premultiplied
    assert layer[45, 64, 3] == pytest.approx(1, abs=1e-3)  # the head
    assert layer[0, 0, 3] == 0


def test_finer_sampling_hardly_changes_the_alpha() -> None:
    differences = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        traits, light = random_traits(rng), random_light(rng)
        coarse, fine = (
            render_person(np.random.default_rng(seed), replace(FRAME, supersample=factor), traits, light).layer[..., 3]
            for factor in (3, 6)
        )
        differences.append(np.abs(coarse - fine).mean() * 255)
    assert np.mean(differences) < 2


@pytest.mark.parametrize("style", [style for style in STYLES if style != "bald"])
def test_every_hair_style_leaves_soft_edges(style: str) -> None:
    rng = np.random.default_rng(1)
    traits = replace(random_traits(rng), style=style, hair_length=1.2, yaw=0.2)
    light = random_light(rng)
    layers = [render_hair(rng, FRAME, traits, light), render_hair_behind(rng, FRAME, traits, light)]
    soft = [((layer[..., 3] > 0.05) & (layer[..., 3] < 0.95)).sum() for layer in layers if layer is not None]
    assert sum(soft) > 100


def test_bald_people_have_no_hair() -> None:
    rng = np.random.default_rng(1)
    traits = replace(random_traits(rng), style="bald")
    assert render_hair(rng, FRAME, traits, random_light(rng)) is None


def test_lace_and_earrings_are_open_to_what_is_behind() -> None:
    rng = np.random.default_rng(4)
    traits = replace(random_traits(rng), collar="lace", yaw=0.1)
    frame = replace(FRAME, head=70.0)
    lace = render_collar(rng, frame, traits, random_light(rng))[..., 3]
    rows, columns = extent(lace)
    inside = lace[rows, columns][5:-5, 20:-20]
    assert inside.min() < 0.3 and inside.max() > 0.9
    large = render_earrings(np.random.default_rng(1), Frame(400, 400, 300.0, (200.0, 200.0)), traits)
    assert large is not None
    rows, columns = extent(large[:, :200, 3])
    ring = large[rows, columns, 3]
    assert 0 < (ring > 0.5).mean() < 0.5  # a hoop, not a disc


def test_a_fur_collar_has_soft_edges() -> None:
    rng = np.random.default_rng(4)
    traits = replace(random_traits(rng), collar="fur")
    alpha = render_collar(rng, FRAME, traits, random_light(rng))[..., 3]
    assert ((alpha > 0.05) & (alpha < 0.95)).sum() > 0.2 * (alpha > 0.05).sum()


def test_a_part_shades_what_is_below_and_leaves_its_alpha() -> None:
    below = np.full((60, 60, 4), 0.5, np.float32)
    below[..., 3] = 1
    cover = np.zeros((60, 60), np.float32)
    cover[20:40, 20:40] = 1
    before = below.copy()
    occlude(below, cover, 40.0, random_light(np.random.default_rng(0)))
    assert below[30, 30, 0] < 0.48
    np.testing.assert_array_equal(below[..., 3], before[..., 3])
    np.testing.assert_array_equal(below[0], before[0])


@given(wind=st.floats(-0.9, 0.9), seed=st.integers(0, 100))
def test_wind_turns_strands_about_their_roots(wind: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    paths = np.cumsum(rng.normal(0.1, 0.05, (400, 9, 2)), axis=1)
    before, after = ((p - p[:, :1])[:, 1:] @ [1, -1j] for p in (paths, blown(rng, paths, wind)))  # y points down
    np.testing.assert_allclose(abs(after), abs(before))  # no strand is stretched
    turn = np.angle(after / before).mean(axis=0)
    assert (np.diff(abs(turn)) >= -1e-9).all()  # the tip turns most
    assert turn[-1] == pytest.approx(wind, abs=0.12 * abs(wind) + 1e-9)


def test_an_arm_in_motion_is_transparent_at_its_edges_and_as_large_as_before() -> None:
    rng = np.random.default_rng(0)
    traits = replace(random_traits(rng), arms=("wide", "wide"), held=None)
    still = _arm(rng, FRAME, traits, random_light(rng), np.ones((160, 128, 3), np.float32), 1, "wide", FRAME_TORSO)
    still[:, :10] = still[:, -10:] = 0  # nothing at the image's edge
    moved = _swung(rng, still, FRAME.head)
    soft = [((alpha > 0.05) & (alpha < 0.95)).sum() for alpha in (still[..., 3], moved[..., 3])]
    assert soft[1] > 1.5 * soft[0]
    np.testing.assert_allclose(moved.sum(axis=(0, 1)), still.sum(axis=(0, 1)), rtol=1e-3)
