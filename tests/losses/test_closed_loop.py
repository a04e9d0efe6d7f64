import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from matting.augment import trimap_labels
from matting.losses import ClosedLoop, closed_loop_loss, trimap_plausibility

from .conftest import matte


def one_hot(trimap):
    return F.one_hot(trimap, 3).permute(0, 3, 1, 2).double()


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("radius", [(0, 0), (1, 3), (3, 15)])
def test_definite_labels_are_the_erosion_of_the_matte(radius):
    alpha = random(2, 1, 40, 33)
    background, _, foreground = trimap_plausibility(alpha, torch.ones_like(alpha), radius).unbind(1)
    side = 2 * radius[0] + 1
    for k in range(2):
        image = alpha[k, 0].numpy()
        np.testing.assert_allclose(foreground[k], ndimage.minimum_filter(image, side))
        np.testing.assert_allclose(background[k], 1 - ndimage.maximum_filter(image, side))


def test_unknown_is_implausible_only_far_from_anything_soft():
    alpha = (torch.arange(64) < 20).double().expand(1, 1, 64, 64)
    unknown = trimap_plausibility(alpha, torch.ones_like(alpha), (3, 15))[0, 1, 0]
    assert torch.equal(unknown > 0, (torch.arange(64) >= 5) & (torch.arange(64) < 35))
    veil = torch.full((1, 1, 64, 64), 0.9, dtype=torch.float64)
    assert trimap_plausibility(veil, torch.ones_like(veil))[:, 1].min() == 1


@settings(max_examples=15)
@given(st.integers(0, 99), st.integers(3, 15))
def test_a_matte_agrees_with_all_of_its_trimaps(seed, radius):
    alpha = matte(rows=2, seed=seed)
    logits = 60 * one_hot(trimap_labels(alpha, torch.tensor([radius, radius])))
    loss = closed_loop_loss(alpha, logits, torch.ones_like(alpha)).item()
    # The outermost unknown pixels of the widest bands reach only what is hardly soft, such as 254 of 255.
    assert loss < (1e-9 if radius <= 12 else 5e-3)


@settings(max_examples=15)
@given(st.integers(0, 99), st.integers(17, 24))
def test_a_trimap_of_another_width_disagrees(seed, radius):
    alpha = matte(rows=2, seed=seed)
    logits = 60 * one_hot(trimap_labels(alpha, torch.tensor([radius, radius])))
    assert closed_loop_loss(alpha, logits, torch.ones_like(alpha)).item() > 0


def test_loss_is_the_probability_of_a_contradiction():
    alpha, logits, weight = random(2, 1, 16, 16), random(2, 3, 16, 16, seed=1), random(2, 1, 16, 16, seed=2).round()
    plausible = trimap_plausibility(alpha, weight, (1, 4))
    contradiction = (logits.softmax(1) * (1 - plausible)).sum(1, keepdim=True) * weight
    expected = (contradiction.flatten(1).sum(1) / weight.flatten(1).sum(1)).mean()
    loss = closed_loop_loss(alpha, logits, weight, (1, 4))
    torch.testing.assert_close(loss, expected)
    assert 0 <= loss.item() <= 1


def test_gradients():
    # One check per head: the plausibility of unknown carries no gradient to alpha, by design.
    alpha, logits, weight = random(1, 1, 10, 10), random(1, 3, 10, 10, seed=1), torch.ones(1, 1, 10, 10)
    sure = 60 * one_hot(torch.randint(0, 2, (1, 10, 10)) * 2)
    assert torch.autograd.gradcheck(lambda x: closed_loop_loss(x, sure, weight, (1, 2)), alpha.clone().requires_grad_())
    assert torch.autograd.gradcheck(lambda x: closed_loop_loss(alpha, x, weight, (1, 2)), logits.requires_grad_())


def test_a_sure_trimap_fills_holes_and_a_sure_alpha_corrects_the_trimap():
    alpha = torch.ones(1, 1, 32, 32, dtype=torch.float64)
    alpha[..., 16, 16] = 0.1
    alpha.requires_grad_()
    logits = (8 * one_hot(torch.full((1, 32, 32), 2))).requires_grad_()
    closed_loop_loss(alpha, logits, torch.ones(1, 1, 32, 32)).backward()
    # Erosion by 3 pixels: all 49 windows that contain the hole count against it.
    assert alpha.grad[0, 0, 16, 16].item() == pytest.approx(-49 / 32**2, rel=0.01)
    assert alpha.grad.max() <= 1e-6
    assert logits.grad[0, 2, 16, 16] > 0 > logits.grad[0, 1, 16, 16]


@pytest.mark.parametrize(("grad_to_alpha", "grad_to_trimap"), [(True, False), (False, True), (True, True)])
def test_stop_gradient_each_way(grad_to_alpha, grad_to_trimap, batch, guess):
    loss = ClosedLoop(grad_to_alpha=grad_to_alpha, grad_to_trimap=grad_to_trimap)([guess], batch)
    loss.backward()
    moved = [part.grad is not None and part.grad.abs().max() > 0 for part in (guess.alpha, guess.trimap_logits)]
    assert moved == [grad_to_alpha, grad_to_trimap]
    assert loss.item() == pytest.approx(ClosedLoop()([guess], batch).item())


def test_needs_no_label(batch, guess):
    unlabelled = batch._replace(
        alpha=torch.rand_like(batch.alpha), trimap=torch.zeros_like(batch.trimap), valid=torch.zeros_like(batch.valid)
    )
    labelled = batch._replace(valid=torch.ones_like(batch.valid))
    assert ClosedLoop()([guess], unlabelled).item() == pytest.approx(ClosedLoop()([guess], labelled).item())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"radius": (5, 3)}, "expected 0 <= low <= high"),
        ({"grad_to_alpha": False, "grad_to_trimap": False}, "expected grad_to_alpha or grad_to_trimap"),
    ],
)
def test_wrong_settings_are_explained(settings, message):
    with pytest.raises(ValueError, match=message):
        ClosedLoop(**settings)
