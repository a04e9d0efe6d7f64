import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from matting.augment.randomness import Stream, dirichlet, fold, gamma, normal, uniform

SEEDS = torch.arange(4096)  # consecutive seeds are the hardest case: their keys differ in a few low bits


def splitmix64(state: int) -> int:
    """Vigna's splitmix64.c in Python integers, one step."""
    mask = (1 << 64) - 1
    z = (state + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


@given(st.integers(0, 2**63 - 1))
def test_uniform_is_splitmix64(seed: int) -> None:
    drawn = uniform(torch.tensor([seed]), 4)[0]
    step, mask = 0x9E3779B97F4A7C15, (1 << 64) - 1
    words = [splitmix64(seed), splitmix64((seed + step) & mask)]
    halves = [half for word in words for half in (word & 0xFFFFFFFF, word >> 32)]
    assert drawn.tolist() == [(half >> 8) * 2.0**-24 for half in halves]


def test_known_first_output_of_splitmix64() -> None:
    assert splitmix64(1234567) == 6457827717110365317  # published with the reference implementation


@pytest.mark.parametrize("part", [0, 1, Stream.WARP, 77])
def test_uniform_across_consecutive_seeds(part: int) -> None:
    drawn = uniform(fold(SEEDS, part), 4).numpy()
    for column in drawn.T:
        counts, _ = np.histogram(column, bins=64, range=(0, 1))
        assert stats.chisquare(counts).pvalue > 1e-4
        assert stats.kstest(column, "uniform").pvalue > 1e-4


def test_columns_parts_views_and_neighbouring_seeds_are_uncorrelated() -> None:
    keys = [fold(SEEDS, part) for part in (*Stream, *(fold(SEEDS, view) for view in (0, 1)))]
    columns = [uniform(key, 2) for key in keys]
    table = torch.cat([*columns, uniform(SEEDS, 2), uniform(SEEDS + 1, 2)], dim=1)
    correlations = torch.corrcoef(table.T).fill_diagonal_(0)
    assert correlations.abs().max() < 5 / len(SEEDS) ** 0.5


def test_pairs_of_numbers_fill_the_square() -> None:
    drawn = uniform(fold(SEEDS, 3), 8).numpy()
    for left, right in zip(drawn.T[:-1], drawn.T[1:], strict=True):
        counts, _, _ = np.histogram2d(left, right, bins=8, range=[[0, 1], [0, 1]])
        assert stats.chisquare(counts.ravel()).pvalue > 1e-4


def test_neighbouring_pixels_of_a_field_are_independent() -> None:
    field = normal(torch.tensor([5]), 256, 256)[0]
    for axis in (0, 1):
        shifted = torch.roll(field, 1, axis)
        assert abs(torch.corrcoef(torch.stack([field.flatten(), shifted.flatten()]))[0, 1]) < 0.02
    assert stats.kstest(field.flatten().numpy(), "norm").pvalue > 1e-4


@given(st.integers(0, 2**62), st.integers(1, 5))
def test_a_row_does_not_depend_on_its_neighbours(seed: int, neighbours: int) -> None:
    alone = torch.tensor([seed])
    crowd = torch.cat([alone, torch.arange(neighbours)])
    for draw in (uniform, normal):
        assert torch.equal(draw(fold(alone, 1), 3, 5)[0], draw(fold(crowd, 1), 3, 5)[0])


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5)])
def test_shape_and_range(shape: tuple[int, ...]) -> None:
    drawn = uniform(SEEDS, *shape)
    assert drawn.shape == (len(SEEDS), *shape) and drawn.dtype == torch.float32
    assert drawn.min() >= 0 and drawn.max() < 1
    assert normal(SEEDS, *shape).shape == drawn.shape and normal(SEEDS, *shape).isfinite().all()


def test_fold_leaves_its_key_alone() -> None:
    key = torch.tensor([3])
    fold(key, 1)
    assert key.item() == 3


@pytest.mark.parametrize("concentration", [0.3, 1.0, 4.0])
def test_gamma_against_scipy(concentration: float) -> None:
    drawn = gamma(SEEDS, concentration, 2).numpy()
    assert stats.kstest(drawn.ravel(), "gamma", args=(concentration,)).pvalue > 1e-4


def test_dirichlet_one_is_uniform_on_the_simplex() -> None:
    weights = dirichlet(SEEDS, 1.0, 3)
    torch.testing.assert_close(weights.sum(1), torch.ones(len(SEEDS)))
    assert stats.kstest(weights[:, 0].numpy(), "beta", args=(1, 2)).pvalue > 1e-4


def test_gamma_refuses_a_concentration_of_zero() -> None:
    with pytest.raises(ValueError, match="concentration > 0"):
        gamma(SEEDS, 0.0, 2)
