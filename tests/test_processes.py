"""Work in several processes."""

import joblib

from matting.processes import in_processes


def in_two(numbers: list[int]) -> list[int]:
    return list(in_processes(abs, [-number for number in numbers], 2))


def test_results_keep_the_order_of_the_work() -> None:
    assert in_two([3, 1, 2]) == [3, 1, 2]


def test_a_job_of_joblibs_may_start_processes() -> None:
    """A sweep with `hydra=joblib` does so when its first job renders the corpus."""
    assert joblib.Parallel(n_jobs=2)(joblib.delayed(in_two)([k, k + 1]) for k in range(2)) == [[0, 1], [1, 2]]


class Heavy:
    """A job that counts how often it is sent to another process."""

    sent = 0

    def __call__(self, number: int) -> int:
        return -number

    def __getstate__(self) -> dict[str, int]:
        Heavy.sent += 1
        return {}


def test_a_job_is_sent_once_to_each_process() -> None:
    assert list(in_processes(Heavy(), list(range(20)), 2)) == [-number for number in range(20)]
    assert 1 <= Heavy.sent <= 2
