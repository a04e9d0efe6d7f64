from dataclasses import replace

import numpy as np
import pytest

from matting.evaluation import background_deviations
from matting.evaluation.background_invariance import BACKGROUNDS, SIDE


def before(pair, level, subject="anna"):
    """Replace the background by a constant."""

    def load():
        example = pair.load()
        share = example.alpha[..., None] / 255
        return example._replace(image=np.rint(share * 200 + (1 - share) * level).astype(np.uint8))

    return replace(pair, name=f"{pair.name}_{level}", load=load, subject=subject)


def corner(example):
    """Return a matte that is everywhere as opaque as the background is bright."""
    return np.full(example.alpha.shape, example.image[0, 0, 0] / 255, np.float32)


def truth(example):
    return example.alpha / np.float32(255)


def test_only_a_matte_that_depends_on_the_background_deviates(discs):
    pairs = [before(discs[0], level) for level in (51, 153)]
    found = {each.method: each for each in background_deviations(pairs, {"corner": corner, "truth": truth})}
    assert found["truth"].deviation == 0 and found["truth"].backgrounds == 2 and found["truth"].subject == "anna"
    assert found["corner"].deviation == pytest.approx(0.2, abs=1e-6)  # of 0.2 and 0.6


def test_subjects_are_kept_apart_and_need_one_matte_and_two_images(discs):
    pairs = [before(discs[0], 51), before(discs[1], 51), before(discs[2], 9, "bert"), discs[3]]
    assert background_deviations(pairs, {"corner": corner}) == []
    pairs += [
        before(discs[0], 153),
        before(discs[2], 60, "bert"),
        replace(before(discs[2], 99, "bert"), dataset="other"),
    ]
    found = background_deviations(pairs, {"corner": corner})
    assert [(each.subject, each.backgrounds) for each in found] == [("anna", 2), ("bert", 2)]


def test_few_backgrounds_and_small_mattes_suffice(discs):
    loads = []

    def enlarged(pair):
        example = pair.load()
        layers = {"image": example.image, "alpha": example.alpha, "trimap": example.trimap}
        large = {name: layer.repeat(20, 0).repeat(20, 1) for name, layer in layers.items()}
        return replace(pair, load=lambda: example._replace(**large))

    def counted(example):
        loads.append(example.name)
        return corner(example)

    pairs = [enlarged(before(discs[0], level)) for level in range(0, 250, 25)]
    (found,) = background_deviations(pairs, {"large": counted})
    assert len(loads) == found.backgrounds == BACKGROUNDS and SIDE < 48 * 20
    assert found.deviation == pytest.approx(np.std(np.arange(5) * 25 / 255), abs=1e-4)


def test_a_matte_of_another_size_is_left_out(discs):
    pairs = [before(discs[0], level) for level in (51, 153, 204)]

    def wrong_size_once(example):
        return corner(example)[: 20 if example.name.endswith("153") else None]

    (found,) = background_deviations(pairs, {"m": wrong_size_once})
    assert found.backgrounds == 2
