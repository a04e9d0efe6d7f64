import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr, softmax

from matting.losses import AugMixConsistency, alpha_spread, jensen_shannon


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_divergence_against_scipy(seed, views):
    logits = np.random.default_rng(seed).normal(scale=3, size=(views, 2, 3, 4, 4))
    probability = softmax(logits, axis=2)
    divergence = rel_entr(probability, probability.mean(axis=0)).sum(axis=2).mean()
    assert jensen_shannon(torch.from_numpy(logits), torch.ones(2, 1, 4, 4)).item() == pytest.approx(divergence)
    assert -1e-12 <= divergence <= np.log(views)
    if views == 2:
        by_scipy = (jensenshannon(probability[0], probability[1], axis=1) ** 2).mean()
        assert divergence == pytest.approx(by_scipy)


def test_spread_is_measured_from_the_clean_view():
    alphas = torch.tensor([0.5, 0.7, 0.1]).view(3, 1, 1, 1, 1).expand(3, 2, 1, 4, 4)
    assert alpha_spread(alphas, torch.ones(2, 1, 4, 4)).item() == pytest.approx(0.3)


def test_gradients():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 1, 3, 3, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    alphas = torch.rand(3, 1, 1, 3, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.ones(1, 1, 3, 3)
    assert torch.autograd.gradcheck(lambda x: jensen_shannon(x, weight), logits)
    assert torch.autograd.gradcheck(lambda x: alpha_spread(x, weight), alphas)


def test_equal_views_have_zero_loss_and_their_order_matters_only_for_the_matte(batch, guess, perfect):
    term = AugMixConsistency(alpha=2.0)
    assert term([guess, guess, guess], batch).item() == pytest.approx(0, abs=1e-12)
    loss = term([perfect, guess], batch)
    weight = batch.valid
    parts = [torch.stack(pair) for pair in zip(perfect[:2], guess[:2], strict=True)]
    torch.testing.assert_close(loss, jensen_shannon(parts[1], weight) + 2 * alpha_spread(parts[0], weight))
