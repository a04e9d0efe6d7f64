import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from matting.evaluation import bootstrap_mean, paired_difference

finite = st.floats(-1e3, 1e3)


def test_interval_agrees_with_scipy():
    sample = np.random.default_rng(0).gamma(2.0, size=60)
    ours = bootstrap_mean(sample)
    theirs = stats.bootstrap((sample,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    assert ours.mean == pytest.approx(sample.mean())
    width = theirs.high - theirs.low
    assert abs(ours.low - theirs.low) < 0.06 * width and abs(ours.high - theirs.high) < 0.06 * width
    assert ours.pictures == 60


def test_interval_covers_the_true_mean_about_as_often_as_it_says():
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        estimate = bootstrap_mean(generator.normal(3.0, 1.0, 40), seed=int(generator.integers(1000)))
        covered += estimate.low <= 3.0 <= estimate.high
    assert 0.88 <= covered / 200 <= 0.99


@given(st.lists(finite, min_size=1, max_size=30), st.integers(0, 3))
def test_interval_is_seeded_ordered_and_inside_the_sample(values, seed):
    estimate = bootstrap_mean(values, seed)
    assert estimate == bootstrap_mean(values, seed)
    slack = 1e-9 * (1 + max(map(abs, values)))
    assert min(values) - slack <= estimate.low <= estimate.high <= max(values) + slack


def test_paired_difference_sees_what_single_intervals_hide():
    generator = np.random.default_rng(2)
    hardness = generator.gamma(1.0, 10.0, 50)
    first, second = hardness + generator.normal(0, 0.1, 50), hardness + 0.2
    assert bootstrap_mean(first).high > bootstrap_mean(second).low
    difference = paired_difference(first, second)
    assert difference.mean == pytest.approx((first - second).mean())
    assert difference.high < 0


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [[1.0]], [float("inf")]])
def test_bad_samples_are_refused(values):
    with pytest.raises(ValueError, match="one finite figure per picture"):
        bootstrap_mean(values)


def test_pairs_of_different_length_are_refused():
    with pytest.raises(ValueError, match="found 2 and 1"):
        paired_difference([1, 2], [1])
