import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from matting.losses import AlphaL1, Composition, Holes, alpha_l1, composition_loss, hole_loss

unit = st.floats(0, 1)
planes = arrays(np.float64, (2, 1, 4, 5), elements=unit)
masks = arrays(np.float64, (2, 1, 4, 5), elements=st.sampled_from([0.0, 1.0]))


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def per_image(values, weight):
    """Mean by weight within each image, 0 for one without weight, then the plain mean."""
    return np.mean([np.average(v, weights=w) if w.any() else 0 for v, w in zip(values, weight, strict=True)])


@given(planes, planes, arrays(np.float64, (2, 1, 4, 5), elements=st.sampled_from([0, 0.5, 1, 3])))
def test_alpha_l1_is_the_weighted_mean_of_each_image(preds, target, weight):
    loss = alpha_l1(*map(torch.from_numpy, (preds, target, weight))).item()
    assert loss == pytest.approx(per_image(np.abs(preds - target), weight))


@given(planes, planes, masks, st.integers(0, 2**32 - 1))
def test_composition_compares_composites(preds, target, valid, seed):
    foreground, background = np.random.default_rng(seed).random((2, 2, 3, 4, 5))
    images = [alpha * foreground + (1 - alpha) * background for alpha in (preds, target)]
    error = np.abs(images[0] - images[1]).mean(axis=1, keepdims=True)
    loss = composition_loss(*map(torch.from_numpy, (preds, target, foreground, background, valid))).item()
    assert loss == pytest.approx(per_image(error, valid), abs=1e-12)


def test_the_loss_of_a_batch_is_the_mean_of_its_halves():
    preds, target, weight = random(4, 1, 6, 6), random(4, 1, 6, 6, seed=1), random(4, 1, 6, 6, seed=2)
    halves = [alpha_l1(preds[k], target[k], weight[k]) for k in (slice(2), slice(2, 4))]
    torch.testing.assert_close(alpha_l1(preds, target, weight), (halves[0] + halves[1]) / 2)


def test_composition_of_an_uncomposed_photo_is_zero():
    photo, alpha = random(2, 3, 4, 4), random(2, 1, 4, 4)
    assert composition_loss(alpha, 1 - alpha, photo, photo, torch.ones_like(alpha)).item() == 0


@settings(max_examples=50)
@given(planes, planes, masks)
def test_holes_are_relative_to_each_persons_inside(preds, target, inside):
    shares = [
        np.average(np.maximum(t - p, 0), weights=i) if i.any() else 0
        for p, t, i in zip(preds, target, inside, strict=True)
    ]
    loss = hole_loss(*map(torch.from_numpy, (preds, target, inside))).item()
    assert loss == pytest.approx(np.mean(shares))


def test_a_hole_costs_the_same_however_small_the_person_is():
    whole, small = torch.ones(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    small[..., :4, :4] = 1
    missing = [hole_loss(0.5 * inside, inside, inside).item() for inside in (whole, small)]
    assert missing == [0.5, 0.5]


@pytest.mark.parametrize(
    "loss",
    [
        lambda preds: alpha_l1(preds, random(2, 1, 4, 4, seed=1), random(2, 1, 4, 4, seed=2)),
        lambda preds: composition_loss(
            preds, random(2, 1, 4, 4, seed=1), *random(2, 2, 3, 4, 4), torch.ones(2, 1, 4, 4)
        ),
        lambda preds: hole_loss(preds, random(2, 1, 4, 4, seed=1), torch.ones(2, 1, 4, 4, dtype=torch.float64)),
    ],
)
def test_gradients(loss):
    assert torch.autograd.gradcheck(loss, random(2, 1, 4, 4).requires_grad_())


def test_unknown_pixels_have_more_weight(batch, guess):
    error = (guess.alpha - batch.alpha).abs() * batch.valid
    unknown = (batch.trimap == 1)[:, None] * batch.valid
    total, weights = ((x + 3 * x * unknown).flatten(1).sum(1) for x in (error, batch.valid))
    expected = (total / weights).mean()
    torch.testing.assert_close(AlphaL1(unknown=4.0)([guess], batch), expected)


@pytest.mark.parametrize("term", [AlphaL1(), Composition(), Holes()])
def test_terms_are_zero_at_the_truth_and_above_elsewhere(term, batch, perfect, guess):
    assert term([perfect], batch).item() == 0
    assert term([guess], batch).item() > 0.05


def test_hole_term_counts_only_missing_alpha_inside(batch, perfect):
    rim = (batch.trimap == 1)[:, None]
    assert Holes()([perfect._replace(alpha=torch.where(rim, 0.0, perfect.alpha))], batch).item() == 0
    assert Holes()([perfect._replace(alpha=torch.ones_like(perfect.alpha))], batch).item() == 0
    assert Holes()([perfect._replace(alpha=torch.where(rim, perfect.alpha, 0.0))], batch).item() == pytest.approx(1)
