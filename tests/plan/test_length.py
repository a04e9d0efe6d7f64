"""How long a run is, against a loop that counts as Lightning does."""

from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matting.plan.length import run_length
from matting.plan.mixture import Mixture, apportion
from matting.plan.pairing import Pairing
from matting.plan.schedule import Schedule
from tests.plan.conftest import make_catalog
from tests.plan.test_plan import ARTICLE, THREE_STAGES


@pytest.mark.parametrize(
    ("max_epochs", "max_steps", "batches", "accumulate", "expected"),
    [
        (3, -1, 10, 1, (3, 30)),
        (3, -1, 10, 4, (3, 9)),  # the last step of an epoch is of two batches
        (None, 25, 10, 1, (3, 25)),
        (2, 25, 10, 1, (2, 20)),
        (9, 25, 10, 1, (3, 25)),
        (0, -1, 10, 1, (1, 1)),
    ],
)
def test_whichever_limit_comes_first_ends_a_run(max_epochs, max_steps, batches, accumulate, expected) -> None:
    length = run_length(8 * batches, 8, max_epochs, max_steps, accumulate=accumulate)
    assert (length.epochs, length.steps) == expected


LIMITS = st.one_of(st.none(), st.integers(1, 40), st.floats(0.2, 1.0))


def counted(batches: int, accumulate: int, max_epochs: int, max_steps: int) -> tuple[int, list[int]]:
    """Steps of a run and batches of each epoch: a loop over batches that steps as Lightning does."""
    steps, by_epoch = 0, []
    for _ in range(max_epochs):
        for batch in count(1):
            steps += batch % accumulate == 0 or batch == batches
            if batch == batches or steps == max_steps:
                break
        by_epoch.append(batch)
        if steps == max_steps:
            break
    return steps, by_epoch


@given(st.integers(80, 400), LIMITS, st.integers(1, 5), st.integers(1, 5), st.one_of(st.just(-1), st.integers(1, 99)))
def test_the_length_is_what_a_loop_counts(rows, limit, accumulate, max_epochs, max_steps) -> None:
    length = run_length(rows, 8, max_epochs, max_steps, limit, accumulate)
    whole = rows // 8
    batches = whole if limit is None else min(whole, limit) if isinstance(limit, int) else int(limit * whole)
    steps, by_epoch = counted(batches, accumulate, max_epochs, max_steps)
    assert (length.batches, length.steps, length.epochs) == (batches, steps, len(by_epoch))
    assert [length.rows_in(epoch) for epoch in range(length.epochs)] == [8 * n for n in by_epoch]


@given(st.integers(0, 99), st.integers(160, 600), LIMITS, st.integers(1, 3), st.sampled_from([0.0, 0.5]))
def test_plans_keep_the_ratio_and_the_pairs_under_limits(seed, rows, limit, accumulate, fraction) -> None:
    """Of a whole epoch the counts are exact; of one that the steps cut off, as close as in any window."""
    whole = run_length(rows, 8, 4, limit=limit, accumulate=accumulate)
    length = run_length(rows, 8, 4, max(1, whole.steps - whole.steps_per_epoch // 2), limit, accumulate)
    catalog = make_catalog(layered_portraits=25)
    schedule = Schedule(seed, length, catalog, Mixture(ARTICLE), THREE_STAGES, Pairing(fraction))
    for epoch in range(length.epochs):
        plan = schedule.plan(epoch)
        weights = [ARTICLE[name] for name in plan.streams]
        counts = np.bincount(plan.stream, minlength=len(weights))
        assert len(plan) == length.rows_in(epoch)
        if len(plan) == length.rows:
            assert counts.tolist() == apportion(weights, length.rows).tolist()
        assert (np.abs(counts - len(plan) * np.array(weights) / sum(weights)) <= 2).all()
        second = np.flatnonzero(plan.view == 1)
        assert (plan.pair[second] == plan.pair[second - 1]).all() and (second % 2 == 1).all()


def test_all_stages_are_reached_under_a_limit() -> None:
    length = run_length(48, 8, 3, limit=0.5)
    schedule = Schedule(0, length, make_catalog(), Mixture(ARTICLE), THREE_STAGES, Pairing(0))
    assert [schedule.plan(epoch).stage for epoch in range(3)] == ["foundation", "diversity", "robustness"]
    assert [len(schedule.plan(epoch)) for epoch in range(3)] == [24, 24, 24]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((7, 8, 3), "data.epoch_rows: expected at least one batch"),
        ((80, 8, None), "found neither"),
        ((80, 8, 3, -1, 0.01), "trainer.limit_train_batches: expected at least one batch, found 0.01 of 10"),
        ((80, 8, 3, -1, 0), "found 0 of 10"),
        ((80, 8, 3, -1, None, 0), "trainer.accumulate_grad_batches: expected at least 1, found 0"),
    ],
)
def test_a_run_without_a_length_is_refused(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        run_length(*arguments)
