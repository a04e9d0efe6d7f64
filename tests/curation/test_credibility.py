from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from matting.curation.credibility import Credibility, Judge, agreement, bad_folds, cross_check, read_credibility
from matting.curation.credibility import write_credibility as write
from matting.data.folds import fold_of
from matting.data.sources import Item, Source
from matting.images import write_png
from tests.curation.conftest import disc, disc_alpha, levels

mattes = arrays(np.uint8, (24, 24))


@settings(max_examples=60, deadline=None)
@given(first=mattes, second=mattes)
def test_agreement_is_a_symmetric_share(first, second):
    value = agreement(first, second.astype(np.float32) / 255)
    assert 0 <= value <= 1
    assert agreement(second, first.astype(np.float32) / 255) == pytest.approx(value, abs=1e-6)
    assert agreement(first, first.astype(np.float32) / 255) == pytest.approx(1, abs=1e-6)


def test_agreement_falls_with_the_shift_and_with_a_missing_half():
    true = levels(disc_alpha())
    shifted = [agreement(true, disc_alpha(x=256 + shift)) for shift in (0, 4, 8, 16, 64)]
    assert shifted == sorted(shifted, reverse=True) and shifted[0] > 0.995
    half = disc_alpha()
    half[256:] = 0
    assert agreement(true, half) < 0.75


@pytest.fixture
def source(tmp_path) -> Source:
    """Twenty discs; the matte of the first is another one's."""
    found = []
    for k in range(20):
        alpha = disc_alpha(radius=60 + k)[::4, ::4]
        write_png(tmp_path / f"{k}.png", disc(alpha)[: alpha.shape[0]])
        write_png(tmp_path / f"{k}_alpha.png", levels(alpha if k else np.roll(alpha, 40)))
        found.append(Item(f"{k}", tmp_path / f"{k}_alpha.png", tmp_path / f"{k}.png", identity=f"person {k // 2}"))
    return Source("pairs", found)


def see(photo: np.ndarray) -> np.ndarray:
    """The true matte, from the disc's brightness."""
    return np.clip((photo[..., 0].astype(np.float32) - 70) / 120, 0, 1)


def all_folds(predictors: dict[int, object] | None = None) -> list[Judge]:
    return [Judge(f"fold {k}", (predictors or {}).get(k, see), (k, 5)) for k in range(5)]


def silent(things, label):
    return things


def test_only_networks_that_have_not_seen_a_person_judge(source, tmp_path):
    asked: dict[int, int] = {}

    def counting(fold: int):
        def predict(photo):
            asked[fold] = asked.get(fold, 0) + 1
            return see(photo)

        return predict

    scores, warnings = cross_check(source, all_folds({k: counting(k) for k in range(5)}), tmp_path / "d", silent)
    expected: dict[int, int] = {}
    for item in source.items:
        expected[fold_of(item, 5)] = expected.get(fold_of(item, 5), 0) + 1
    assert asked == expected and not warnings
    assert [one.name for one in scores if one.score < 0.92] == ["0"]
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["0.png"]


def test_pair_that_every_network_has_seen_is_an_error(source, tmp_path):
    seen = fold_of(source.items[0], 5)
    with pytest.raises(ValueError, match="seen by every network"):
        cross_check(source, [judge for judge in all_folds() if judge.fold[0] != seen], tmp_path / "d", silent)


def test_bad_fold_condemns_nobody(source, tmp_path):
    bad = fold_of(source.items[5], 5)
    scores, warnings = cross_check(
        source, all_folds({bad: lambda photo: np.zeros(photo.shape[:2], np.float32)}), tmp_path / "d", silent
    )
    assert len(warnings) == 1 and f"fold {bad}" in warnings[0]
    assert {fold_of(item, 5) for item in source.items if item.name in {one.name for one in scores}} == {
        fold_of(item, 5) for item in source.items
    } - {bad}


def test_two_folds_cannot_tell_which_is_bad():
    assert bad_folds([Credibility("a", 0.9, 1, 0), Credibility("b", 0.1, 1, 1)]) == {}


def test_scores_read_back(tmp_path):
    write(tmp_path / "c.csv", [Credibility("a,b", 0.5, 1, 3), Credibility("c", 0.25, 2, None)])
    assert read_credibility(tmp_path / "c.csv") == {"a,b": 0.5, "c": 0.25}
    assert read_credibility(Path("nothing.csv")) == {}
