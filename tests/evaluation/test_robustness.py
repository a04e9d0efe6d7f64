from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from matting.data.test_sets import Pair
from matting.errors import MattingError
from matting.evaluation import CORRUPTIONS, corrupt, corrupted_pairs, degradations, evaluate
from matting.evaluation.corruptions import SIDE


def test_every_image_comes_clean_and_in_every_condition(discs):
    pairs = list(corrupted_pairs(discs[:2]))
    assert len(pairs) == 2 * (1 + 5 * len(CORRUPTIONS)) and len({pair.dataset for pair in pairs}) == 71
    assert {pair.name for pair in pairs} == {"toy/disc0", "toy/disc1"} and all(pair.groups[1:] == () for pair in pairs)
    clean, noisy = pairs[0].load(), pairs[3].load()
    example = discs[0].load()
    assert pairs[0].dataset == "clean" and np.array_equal(clean.image, example.image)
    assert pairs[3].dataset == "gaussian noise 3"
    assert np.array_equal(noisy.image, corrupt(example.image, CORRUPTIONS[0], 3, "disc0"))
    assert np.array_equal(noisy.alpha, example.alpha) and np.array_equal(noisy.trimap, example.trimap)


def test_large_images_are_reduced_with_every_layer(discs):
    tall = discs[0].load()
    layers = {role: np.repeat(np.repeat(getattr(tall, role), 30, 0), 20, 1) for role in ("image", "alpha", "trimap")}
    example = tall._replace(**layers, ignore=layers["trimap"], foreground=layers["image"])
    small = next(corrupted_pairs([Pair("tall", lambda: example, "toy")])).load()
    assert small.alpha.shape == (SIDE, round(SIDE * 2 / 3)) == small.image.shape[:2] == small.trimap.shape
    assert set(np.unique(small.trimap)) <= {0, 128, 255} and small.ignore.shape == small.alpha.shape
    assert small.foreground is None


def test_an_image_is_read_once_for_all_conditions(discs):
    reads = Counter()

    def counted(pair):
        return replace(pair, load=lambda: reads.update([pair.name]) or discs[0].load())

    for pair in corrupted_pairs(map(counted, discs[:3])):
        pair.load()
    assert set(reads.values()) == {1} and len(reads) == 3


def test_degradation_is_the_error_over_that_of_the_clean_image(discs):
    def sensitive(example):
        """Return a matte whose error is 0.1 plus the distance of the image from the clean one."""
        clean_image = discs[0].load().image.astype(np.float32)
        distance = np.abs(example.image.astype(np.float32) - clean_image).mean() / 255
        return np.abs(example.alpha / np.float32(255) - np.float32(min(0.1 + distance, 1)))

    evaluation = evaluate({"m": sensitive}, corrupted_pairs(discs[:1]))
    found = degradations(evaluation, "m")
    assert list(found) == [corruption.name for corruption in CORRUPTIONS]
    noise = found["gaussian noise"]
    assert list(noise.means) == sorted(noise.means)
    clean = evaluation.scores("m", "clean", "whole", "mad")[0]
    assert noise.means[1] == pytest.approx(evaluation.scores("m", "gaussian noise 2", "whole", "mad")[0])
    assert noise.ratios == pytest.approx([mean / clean for mean in noise.means])
    assert noise.relative == pytest.approx(np.mean(noise.ratios)) and noise.relative > 1


def test_a_perfect_clean_matte_has_no_ratio(discs):
    evaluation = evaluate({"m": lambda example: example.alpha / np.float32(255)}, corrupted_pairs(discs[:1]))
    assert degradations(evaluation, "m")["jpeg"].relative is None


def test_a_condition_without_a_score_has_no_mean(discs):
    def refuses_noise(example):
        if "noise" in example.dataset:
            raise MattingError("too noisy")
        return np.zeros(example.alpha.shape, np.float32)

    found = degradations(evaluate({"m": refuses_noise}, corrupted_pairs(discs[:1])), "m")
    assert found["shot noise"] == ((None,) * 5, (None,) * 5, None) and found["jpeg"].relative == 1
