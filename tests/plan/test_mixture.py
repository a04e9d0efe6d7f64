from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matting.plan.mixture import Mixture, apportion, spread

WEIGHTS = st.lists(st.integers(0, 15), min_size=1, max_size=5).filter(any)


def windows(stream: np.ndarray, length: int, streams: int) -> np.ndarray:
    """Count each stream in every window of `length` rows: (windows, streams)."""
    totals = np.vstack([np.zeros((1, streams), int), np.cumsum(stream[:, None] == np.arange(streams), axis=0)])
    return totals[length:] - totals[:-length]


@given(WEIGHTS, st.integers(0, 500))
def test_apportion_rounds_each_exact_quota_and_spends_every_row(weights: list[int], rows: int) -> None:
    counts = apportion(weights, rows)
    assert counts.sum() == rows
    for count, weight in zip(counts, weights, strict=True):
        quota = Fraction(weight * rows, sum(weights))
        assert abs(count - quota) < 1
        assert weight or count == 0


def test_apportion_takes_decimals_as_written() -> None:
    assert apportion([0.1, 0.2, 0.7], 10).tolist() == [1, 2, 7]


def test_apportion_gives_the_largest_remainders_the_odd_rows() -> None:
    assert apportion([1, 8, 5, 12], 27).tolist() == [1, 8, 5, 13]


@given(WEIGHTS, st.integers(1, 4), st.integers(0, 60))
def test_every_window_of_the_weights_sum_is_within_one_row(weights: list[int], periods: int, extra: int) -> None:
    length = sum(weights)
    stream = spread(weights, periods * length + extra)
    assert np.abs(windows(stream, length, len(weights)) - weights).max() <= 1


@pytest.mark.parametrize("rows", [26, 27, 51, 52, 100, 519, 2600])
def test_the_articles_ratio_holds_in_every_window_of_26(rows: int) -> None:
    stream = spread([1, 8, 5, 12], rows)
    assert np.abs(windows(stream, 26, 4) - [1, 8, 5, 12]).max() <= 1
    assert np.bincount(stream, minlength=4).tolist() == apportion([1, 8, 5, 12], rows).tolist()


@pytest.mark.parametrize(
    ("weights", "message"),
    [({"rwp": -1}, "rwp: -1"), ({"rwp": 0}, "positive weight"), ({"augmented": 1}, "augmented_from")],
)
def test_impossible_mixtures_are_refused(weights: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Mixture(weights)


def test_augmented_draws_from_the_sources_by_their_weights() -> None:
    mixture = Mixture({"composition1k": 1, "rwp": 8, "coco_matting": 0, "augmented": 12})
    assert mixture.origins() == {"composition1k": 1, "rwp": 8}
    assert mixture.sources() == {"composition1k", "rwp"}
    assert Mixture({"augmented": 1}, augmented_from={"rwp": 2}).sources() == {"rwp"}
