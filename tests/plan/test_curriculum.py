from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matting.plan.curriculum import Curriculum, Rule, Stage


def stages(*fractions: float) -> Curriculum:
    """Stages whose fractions are in the given ratio."""
    return Curriculum("test", [Stage(str(k), part / sum(fractions)) for k, part in enumerate(fractions)])


@pytest.mark.parametrize(
    ("epochs", "borders"),
    [(10, [0, 3, 7, 10]), (100, [0, 30, 70, 100]), (5, [0, 2, 4, 5]), (3, [0, 1, 2, 3]), (4, [0, 1, 3, 4])],
)
def test_the_articles_fractions(epochs: int, borders: list[int]) -> None:
    assert stages(0.3, 0.4, 0.3).borders(epochs).tolist() == borders


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6), st.integers(1, 200))
def test_borders_cover_the_run_and_starve_no_stage(fractions: list[float], epochs: int) -> None:
    borders = stages(*fractions).borders(epochs)
    assert borders[0] == 0 and borders[-1] == epochs
    lengths = np.diff(borders)
    assert (lengths >= (1 if epochs >= len(fractions) else 0)).all()


@given(st.integers(1, 60), st.integers(1, 5))
def test_every_epoch_finds_the_stage_whose_borders_contain_it(epochs: int, count: int) -> None:
    curriculum = stages(*[1.0] * count)
    borders = curriculum.borders(epochs)
    for epoch in range(epochs):
        stage, first, length = curriculum.stage_at(epoch, epochs)
        assert borders[stage] == first <= epoch < first + length == borders[stage + 1]
    assert curriculum.stage_at(epochs + 5, epochs) == curriculum.stage_at(epochs - 1, epochs)


def test_the_ceiling_rises_linearly_over_the_stage() -> None:
    stage = Stage(severity=(0.2, 1.0))
    assert [stage.ceiling(epoch, 5) for epoch in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert stage.ceiling(0, 1) == 1.0


def test_an_unknown_difficulty_is_refused() -> None:
    with pytest.raises(
        ValueError, match="difficulties: expected clear, medium, hard, found 'haard'; did you mean 'hard'"
    ):
        Rule(difficulties=["haard"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"open": {"portrait": None}},
            "stage 's': open: expected studio, .*, found 'portrait'; did you mean 'portraits'?",
        ),
        ({"weights": {"courses": 1}}, "stage 's': weights: .* found 'courses'; did you mean 'coarse'?"),
        ({"open": {"x": None}}, "found 'x'$"),
        ({"weights": {"coarse": -1}}, "expected weights >= 0, found {'coarse': -1}"),
        ({"severity": (3, 3)}, r"expected two severities in \[0, 1\], found \[3, 3\]"),
        ({"severity": (0.5,)}, r"found \[0.5\]"),
        ({"fraction": -1}, r"expected a fraction in \(0, 1\], found -1"),
        ({"fraction": float("nan")}, "found nan"),
    ],
)
def test_a_stage_that_makes_no_sense_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Stage("s", **options)


def test_fractions_must_sum_to_one() -> None:
    with pytest.raises(ValueError, match=r"expected fractions that sum to 1, found 0.3 \+ 0.3 \+ 0.3 = 0.9"):
        Curriculum("c", [Stage(str(k), 0.3) for k in range(3)])
    Curriculum("c", [Stage(str(k), 0.333) for k in range(3)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": [192, 256]}, "expected 3 multiples of 32, one per stage, found \\[192, 256\\]"),
        ({"sizes": [192, 250, 384]}, "found \\[192, 250, 384\\]"),
        ({"sizes": [192, 256, 384], "shuffled": True}, "no stages in time; set curriculum.sizes=null"),
    ],
)
def test_sizes_that_do_not_match_the_stages_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(stages(0.3, 0.4, 0.3), **changes)
