from dataclasses import replace

import numpy as np
import pytest

from matting.synthetic.body import SEATED
from matting.synthetic.headwear import render_hat
from matting.synthetic.held import THINGS, render_thing
from matting.synthetic.layers import Frame, extent, tinted
from matting.synthetic.props import hidden, render_support, render_table, surface
from matting.synthetic.textures import random_light
from matting.synthetic.traits import HATS, OBJECTS, STANCES, WRAPS, random_traits

FRAME = Frame(160, 128, 30.0, (64.0, 45.0))


def test_what_is_behind_a_table_is_no_part_of_the_matte() -> None:
    rng = np.random.default_rng(0)
    table = render_table(rng, FRAME, random_light(rng))
    person = tinted(np.ones((160, 128), np.float32), (0.5, 0.4, 0.3))
    seen = hidden(person, table[..., 3])
    assert (seen[table[..., 3] == 1] == 0).all() and (seen[table[..., 3] == 0] == person[0, 0]).all()
    assert 0.05 < table[..., 3].mean() < 0.7
    np.testing.assert_array_equal(hidden(person[..., 3], table[..., 3]), seen[..., 3])


@pytest.mark.parametrize("stance", STANCES)
def test_most_who_sit_sit_on_something(stance: str) -> None:
    supports = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        traits = replace(random_traits(rng), stance=stance)
        supports.append(render_support(rng, FRAME, traits, random_light(rng)))
    drawn = [layer for layer in supports if layer is not None]
    assert all((layer[..., :3] <= layer[..., 3:] + 1e-5).all() for layer in drawn)
    assert (len(drawn) > 18) == (stance in SEATED)


@pytest.mark.parametrize("hat", HATS)
def test_a_hat_covers_the_crown_and_leaves_the_face_free(hat: str) -> None:
    rng = np.random.default_rng(2)
    traits = replace(random_traits(rng), hat=hat, yaw=0.0)
    frame = replace(FRAME, centre=(64.0, 80.0))
    alpha = render_hat(rng, frame, traits, random_light(rng))[..., 3]
    assert alpha[80 - 13, 64] > 0.9 and alpha[80 + 5, 64] == 0
    if hat in WRAPS[:2]:
        behind = render_hat(rng, frame, replace(traits, yaw=np.pi), random_light(rng))[..., 3]
        assert behind[80 + 5, 64] == 1


@pytest.mark.parametrize("name", OBJECTS)
def test_everything_held_is_rendered_near_the_hand(name: str) -> None:
    assert set(OBJECTS) == set(THINGS)
    rng = np.random.default_rng(3)
    traits = replace(random_traits(rng), held=name, arms=("held", "down"))
    rows, columns = extent(render_thing(rng, FRAME, traits, random_light(rng), -1)[..., 3])
    assert rows.start < 45 + 1.7 * 30 < rows.stop + 25 and columns.start < 64 - 0.4 * 30 < columns.stop + 5


def test_surfaces_are_textured() -> None:
    for seed in range(10):
        image = surface(np.random.default_rng(seed), 61, 47, 9.0)
        assert image.shape == (61, 47, 3) and image.min() >= 0 and image.max() <= 1 and image.std() > 0.005
