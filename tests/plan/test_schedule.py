from collections import Counter
from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matting.plan.curriculum import Curriculum
from matting.plan.length import RunLength
from matting.plan.mixture import Mixture
from matting.plan.pairing import Pairing
from matting.plan.plan import EpochPlan
from matting.plan.schedule import Schedule, summarise
from tests.plan.conftest import make_catalog
from tests.plan.test_plan import ARTICLE, THREE_STAGES


def make_schedule(
    curriculum: Curriculum = THREE_STAGES, fraction: float = 0.5, epochs: int = 6, length: RunLength | None = None
) -> Schedule:
    """Epochs of 104 rows by default."""
    length = length or RunLength(epochs * 13, 13, 8)
    return Schedule(3, length, make_catalog(layered_portraits=30), Mixture(ARTICLE), curriculum, Pairing(fraction))


def rows(plan: EpochPlan, *, without: tuple[str, ...] = ()) -> Counter:
    """Rows as a multiset; streams by name, since their numbers depend on the stage."""
    names = [name for name in EpochPlan.columns() if name not in ("stream", *without)]
    streams = [plan.streams[k] for k in plan.stream]
    return Counter(zip(streams, *(getattr(plan, name).tolist() for name in names), strict=True))


@pytest.mark.parametrize("fraction", [0.0, 0.5])
def test_the_shuffled_control_draws_the_same_rows_in_another_order(fraction: float) -> None:
    ordered = make_schedule(fraction=fraction)
    shuffled = make_schedule(Curriculum("shuffled", THREE_STAGES.stages, shuffled=True), fraction)
    plans = [[schedule.plan(epoch) for epoch in range(6)] for schedule in (ordered, shuffled)]
    totals = [sum((rows(plan, without=("pair",)) for plan in run), Counter()) for run in plans]
    assert totals[0] == totals[1]
    assert [rows(p, without=("pair",)) for p in plans[0]] != [rows(p, without=("pair",)) for p in plans[1]]
    assert {len(plan) for plan in plans[1]} == {104}


def test_the_shuffled_control_keeps_pairs_whole() -> None:
    shuffled = make_schedule(Curriculum("shuffled", THREE_STAGES.stages, shuffled=True))
    for epoch in range(6):
        plan = shuffled.plan(epoch)
        second = np.flatnonzero(plan.view == 1)
        assert (second % 2 == 1).all()
        assert (plan.pair[second] == plan.pair[second - 1]).all() and (plan.pair[second] >= 0).all()
        assert len(set(plan.pair[second])) == len(second)


def test_the_stage_is_known_without_planning() -> None:
    schedule = make_schedule()
    assert [schedule.stage_name(epoch) for epoch in range(6)] == [schedule.plan(epoch).stage for epoch in range(6)]


def test_the_summary_counts_by_hand() -> None:
    plan = make_schedule().plan(5)
    summary = summarise(plan)
    assert summary.rows == 104 == sum(summary.stream.values()) == sum(summary.severity.values())
    assert summary.stream == {"studio": 4, "portraits": 32, "coarse": 20, "augmented": 48}
    for stream, count in summary.stream.items():
        assert count == sum(n for name, n in summary.difficulty.items() if name.startswith(f"{stream}/"))
    assert summary.severity["0"] == 56
    assert summary.pairs == len(set(plan.pair.tolist()) - {-1})
    composition = (plan.stream == 0) & (plan.view == 0)
    times = Counter(plan.item[composition].tolist()).values()
    assert summary.repeats["studio"] == {"items": len(times), "fewest": min(times), "most": max(times)}


@given(st.integers(1, 6), st.integers(1, 13), st.integers(1, 5), st.booleans())
def test_a_run_that_ends_inside_an_epoch_draws_a_part_of_the_longer_run(
    epochs: int, batches: int, accumulate: int, shuffled: bool
) -> None:
    """Its stages, counts and rows are those of the whole epochs, up to where the steps end."""
    curriculum = Curriculum("c", THREE_STAGES.stages, shuffled)
    whole = make_schedule(curriculum, length=RunLength(epochs * ceil(batches / accumulate), batches, 8, accumulate))
    short = replace(whole, length=replace(whole.length, steps=max(1, whole.length.steps - 1)))
    if short.length.epochs < epochs:  # other stages
        return
    plans = [[schedule.plan(epoch) for epoch in range(epochs)] for schedule in (whole, short)]
    assert [len(plan) for plan in plans[1]] == [short.length.rows_in(epoch) for epoch in range(epochs)]
    mine, all_of_it = (sum((rows(p, without=("pair",)) for p in run), Counter()) for run in (plans[1], plans[0]))
    if shuffled:  # exactly the draws of the same run in order
        ordered = replace(short, curriculum=THREE_STAGES)
        all_of_it = sum((rows(ordered.plan(epoch), without=("pair",)) for epoch in range(epochs)), Counter())
        assert mine == all_of_it
    assert mine <= all_of_it
