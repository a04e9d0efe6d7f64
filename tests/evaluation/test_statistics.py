import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from matting.evaluation import bootstrap_mean, difference_over_seeds, mean_over_seeds, paired_difference
from matting.evaluation.statistics import LARGE, wilson

finite = st.floats(-1e3, 1e3)


def test_interval_agrees_with_scipy():
    sample = np.random.default_rng(0).gamma(2.0, size=60)
    ours = bootstrap_mean(sample)
    theirs = stats.bootstrap((sample,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    assert ours.mean == pytest.approx(sample.mean())
    width = theirs.high - theirs.low
    assert abs(ours.low - theirs.low) < 0.06 * width and abs(ours.high - theirs.high) < 0.06 * width
    assert ours.images == 60


@pytest.mark.parametrize("skewed", [lambda rng: rng.gamma(0.3, size=LARGE), lambda rng: rng.random(LARGE) > 0.99])
def test_interval_of_a_large_sample_is_the_resampled_one_without_its_memory(skewed):
    sample = np.asarray(skewed(np.random.default_rng(0)), np.float64)
    tracemalloc.start()
    ours = bootstrap_mean(sample)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    resampled = mean_over_seeds([sample])
    width = resampled.high - resampled.low
    assert abs(ours.low - resampled.low) < 0.06 * width and abs(ours.high - resampled.high) < 0.06 * width
    assert ours.high - ours.mean > ours.mean - ours.low and peak < 50 * LARGE
    assert bootstrap_mean(np.ones(LARGE)) == (1, 1, 1, LARGE)


def test_interval_covers_the_true_mean_about_as_often_as_stated():
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
    with pytest.raises(ValueError, match="one finite score per image"):
        bootstrap_mean(values)


def test_pairs_of_different_length_are_refused():
    with pytest.raises(ValueError, match="found 2 and 1"):
        paired_difference([1, 2], [1])


def test_one_run_is_the_ordinary_bootstrap():
    first, second = np.random.default_rng(0).gamma(2.0, size=(2, 40))
    assert mean_over_seeds([first]) == pytest.approx(bootstrap_mean(first))
    assert difference_over_seeds([first], [second]) == pytest.approx(paired_difference(first, second))


def test_runs_that_disagree_widen_the_interval_and_equal_ones_do_not():
    images = np.random.default_rng(1).gamma(2.0, size=50)
    shifts = np.array([[-1.0], [0.0], [1.0], [0.2]])
    alone, equal = bootstrap_mean(images), mean_over_seeds([images] * 4)
    apart = mean_over_seeds(images + shifts)
    assert equal == pytest.approx(alone)
    assert apart.mean == pytest.approx((images + shifts).mean())
    assert apart.high - apart.low > 1.3 * (alone.high - alone.low)


def test_interval_over_runs_and_images_has_the_crossed_variance():
    generator = np.random.default_rng(2)
    runs, images = generator.normal(0, 1, (30, 1)), generator.normal(0, 2, (1, 100))
    found = mean_over_seeds(5 + runs + images)
    deviation = np.sqrt(runs.var() / 30 + images.var() / 100)  # of a mean over both, each level resampled
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(deviation, rel=0.06)


def test_interval_of_a_difference_covers_the_truth_where_one_run_misleads():
    generator = np.random.default_rng(3)
    covered = 0
    for trial in range(100):
        hardness = generator.gamma(1.0, 5.0, 60)
        first, second = (hardness + generator.normal(0, 1, (12, 1)) for _ in range(2))
        found = difference_over_seeds(first, second, seed=trial)
        covered += found.low <= 0 <= found.high
    assert 85 <= covered <= 99


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([[1.0, 2.0]], [[1.0]], "found 2 and 1 of them"),
        ([1.0, 2.0], [[1.0, 2.0]], r"\(runs, images\)"),
        ([[1.0, np.nan]], [[1.0, 2.0]], "finite"),
        (np.zeros((0, 2)), [[1.0, 2.0]], r"\(runs, images\)"),
    ],
)
def test_bad_tables_of_runs_are_refused(first, second, message):
    with pytest.raises(ValueError, match=message):
        difference_over_seeds(first, second)


@given(trials=st.integers(1, 400), share=st.floats(0, 1))
def test_wilson_interval_is_the_scipy_one(trials, share):
    hits = round(share * trials)
    reference = stats.binomtest(hits, trials).proportion_ci(0.95, method="wilson")
    assert wilson(hits, trials) == pytest.approx((reference.low, reference.high), abs=1e-9)


def test_wilson_needs_trials():
    with pytest.raises(ValueError, match="at least one"):
        wilson(0, 0)
