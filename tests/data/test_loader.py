import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from matting.data.loader import PlanBatches
from matting.plan.length import RunLength
from tests.plan.test_schedule import make_schedule

SCHEDULE = make_schedule(epochs=3)


def batches(**settings: int) -> PlanBatches:
    return PlanBatches(SCHEDULE.plan, 104 // (settings["batch_size"] * settings.get("world_size", 1)), **settings)


@given(st.sampled_from([2, 4, 6, 8]), st.integers(1, 4), st.integers(0, 2))
def test_ranks_are_disjoint_equal_and_together_the_plan(batch_size: int, world_size: int, epoch: int) -> None:
    ranks = [batches(batch_size=batch_size, rank=rank, world_size=world_size) for rank in range(world_size)]
    for rank in ranks:
        rank.consumed = epoch * len(rank)
    batches_by_rank = [list(rank) for rank in ranks]
    assert len({len(batches_of_rank) for batches_of_rank in batches_by_rank}) == 1
    interleaved = [draw for step in zip(*batches_by_rank, strict=True) for batch in step for draw in batch]
    assert interleaved == SCHEDULE.plan(epoch).draws(slice(len(interleaved)))
    assert len(interleaved) > 104 - batch_size * world_size


@given(st.sampled_from([2, 4, 8]), st.integers(1, 3))
def test_no_batch_splits_a_pair(batch_size: int, world_size: int) -> None:
    for rank in range(world_size):
        for batch in batches(batch_size=batch_size, rank=rank, world_size=world_size):
            numbers = [draw.pair for draw in batch if draw.pair >= 0]
            assert all(numbers.count(number) == 2 for number in numbers)


@given(st.integers(0, 40), st.sampled_from([2, 4]))
def test_a_position_is_resumed_exactly(consumed: int, batch_size: int) -> None:
    whole = batches(batch_size=batch_size)
    length = len(whole)
    epoch, start = divmod(consumed, length)
    whole.consumed = epoch * length
    resumed = batches(batch_size=batch_size, consumed=consumed)
    assert list(resumed) == list(whole)[start:]


def test_two_ranks_of_half_the_batch_size_make_the_same_batch() -> None:
    double = list(batches(batch_size=8))
    halves = zip(*(batches(batch_size=4, rank=rank, world_size=2) for rank in range(2)), strict=True)
    assert [first + second for first, second in halves] == double


def test_workers_that_read_ahead_find_no_batch_behind_the_last_step() -> None:
    short = make_schedule(length=RunLength(13 + 3, 13, 8))
    last = PlanBatches(short.plan, 13, batch_size=8, consumed=13)
    assert [len(batch) for batch in last] == [8, 8, 8]


def test_draws_are_plain_numbers() -> None:
    """Workers get them by pickle: NumPy scalars would be several times as large."""
    draw = SCHEDULE.plan(0).draws(slice(1))[0]
    assert not any(isinstance(value, np.generic) for value in draw)
