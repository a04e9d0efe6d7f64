from collections import Counter

import numpy as np
import pytest

from matting.plan.curriculum import Curriculum
from matting.plan.mixture import Mixture
from matting.plan.pairing import Pairing
from matting.plan.plan import EpochPlan
from matting.plan.schedule import Schedule, run_length, summarise
from tests.plan.conftest import make_catalog
from tests.plan.test_plan import ARTICLE, THREE_STAGES


def make_schedule(curriculum: Curriculum = THREE_STAGES, fraction: float = 0.5, epochs: int = 6) -> Schedule:
    return Schedule(3, epochs, 104, make_catalog(layered_portraits=30), Mixture(ARTICLE), curriculum, Pairing(fraction))


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
    assert run_length(max_epochs, max_steps, batches, accumulate) == expected


@pytest.mark.parametrize(("arguments", "message"), [((3, -1, 0, 1), "data.epoch_rows"), ((None, -1, 10, 1), "neither")])
def test_a_run_without_a_length_is_refused(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        run_length(*arguments)
