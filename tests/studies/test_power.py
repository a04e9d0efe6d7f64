import numpy as np
import pytest

from matting.evaluation import difference_over_seeds
from matting.studies.power import smallest_difference

RUNS, IMAGES = 8, 40


def scores(generator: np.random.Generator, runs: int, shift: float = 0.0) -> np.ndarray:
    """Scores with a part per image, which is the same in all runs, a part per run and a part of both."""
    images = np.random.default_rng(0).normal(10, 5, IMAGES)
    return images + shift + generator.normal(0, 0.5, (runs, 1)) + generator.normal(0, 1, (runs, IMAGES))


def test_a_study_shows_such_a_difference_in_four_of_five_cases() -> None:
    generator = np.random.default_rng(1)
    # From many runs, so that the estimate itself is not what varies.
    shift = smallest_difference(scores(generator, 400), RUNS)
    assert shift is not None
    shown = [
        difference_over_seeds(scores(generator, RUNS, shift), scores(generator, RUNS), seed).low > 0
        for seed in range(150)
    ]
    assert 0.7 < np.mean(shown) < 0.95  # the interval is slightly too narrow with few runs


def test_more_runs_see_smaller_differences() -> None:
    table = scores(np.random.default_rng(2), 5)
    found = [smallest_difference(table, runs) or 0 for runs in (3, 12)]
    assert found[0] == pytest.approx(2 * found[1])


def test_one_run_or_one_image_tells_nothing_about_the_variation() -> None:
    table = scores(np.random.default_rng(3), 2)
    assert smallest_difference(table[:1], 3) is None and smallest_difference(table[:, :1], 3) is None
