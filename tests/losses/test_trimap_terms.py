import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from matting.losses import TrimapCrossEntropy, trimap_cross_entropy


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(st.integers(0, 2**32 - 1), st.floats(0, 4))
def test_against_numpy(seed, focal_gamma):
    generator = np.random.default_rng(seed)
    logits, target = generator.normal(size=(2, 3, 4, 5)), generator.integers(0, 3, (2, 4, 5))
    valid = generator.integers(0, 2, (2, 1, 4, 5)).astype(float)
    probability = np.take_along_axis(softmax(logits, axis=1), target[:, None], axis=1)
    pixels = -((1 - probability) ** focal_gamma) * np.log(probability)
    expected = np.mean([np.average(p, weights=v) if v.any() else 0 for p, v in zip(pixels, valid, strict=True)])
    loss = trimap_cross_entropy(*map(torch.from_numpy, (logits, target, valid)), focal_gamma=focal_gamma)
    assert loss.item() == pytest.approx(expected)


@pytest.mark.parametrize("focal_gamma", [0.0, 2.0])
def test_gradients(focal_gamma):
    target, valid = torch.randint(3, (2, 4, 4)), torch.ones(2, 1, 4, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda logits: trimap_cross_entropy(logits, target, valid, focal_gamma), random(2, 3, 4, 4).requires_grad_()
    )


def test_scores_are_relative():
    logits, target, valid = random(1, 3, 4, 4), torch.randint(3, (1, 4, 4)), torch.ones(1, 1, 4, 4)
    shifted = logits + random(1, 1, 4, 4, seed=1)
    torch.testing.assert_close(
        trimap_cross_entropy(shifted, target, valid), trimap_cross_entropy(logits, target, valid)
    )


@pytest.mark.parametrize("focal_gamma", [0.0, 2.0])
def test_term_is_zero_at_the_truth_and_a_guess_costs_what_it_should(focal_gamma, batch, perfect):
    term = TrimapCrossEntropy(focal_gamma)
    assert term([perfect], batch).item() < 1e-12
    undecided = perfect._replace(trimap_logits=torch.zeros_like(perfect.trimap_logits))
    assert term([undecided], batch).item() == pytest.approx((2 / 3) ** focal_gamma * np.log(3))
