import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matting.plan.pairing import Pairing, antagonists, pair_count


@given(st.integers(0, 2000), st.integers(1, 300), st.floats(0, 1), st.data())
def test_the_share_of_paired_rows_is_as_requested(rows: int, items: int, fraction: float, data: st.DataObject) -> None:
    layered = data.draw(st.integers(0, items))
    pairs = pair_count(rows, layered, items, fraction)
    units = rows - pairs
    layered_rows = units * layered / items + pairs
    assert 0 <= pairs <= rows // 2
    assert 2 * pairs <= fraction * layered_rows + 1e-6
    if layered == items:
        assert 2 * pairs > fraction * rows - 2


def test_the_antagonist_is_the_most_different_candidate() -> None:
    statistics = np.array([[0.0, 5.0], [0.1, 5.0], [9.0, 5.0], [0.2, 5.0]])
    first, candidates = np.array([0, 2]), np.array([[1, 2, 3], [3, 2, 0]])
    assert antagonists(first, candidates, statistics).tolist() == [2, 0]


def test_units_of_the_statistics_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    statistics, first = rng.random((30, 3)), rng.integers(0, 30, 50)
    candidates = rng.integers(0, 30, (50, 6))
    scaled = statistics * [1, 1000, 0.001] + [5, -3, 0]
    np.testing.assert_array_equal(antagonists(first, candidates, statistics), antagonists(first, candidates, scaled))


def test_a_background_is_never_paired_with_itself_if_there_is_another() -> None:
    statistics = np.zeros((3, 2))
    assert antagonists(np.array([1]), np.array([[1, 1, 2]]), statistics).tolist() == [2]


@pytest.mark.parametrize("settings", [{"fraction": 1.1}, {"fraction": -0.1}, {"candidates": 0}])
def test_impossible_settings_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="pairing"):
        Pairing(**settings)
