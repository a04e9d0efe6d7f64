import os
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from matting.curation.credibility import (
    Judge,
    Opinion,
    agreement,
    bad_judges,
    cross_check,
    load_judges,
    read_credibility,
)
from matting.curation.run import Curation
from matting.data.folds import FOLD_RULE, fold_of
from matting.data.formats import Item, Source
from matting.images import write_png
from matting.models import AttentionUNet
from tests.curation.conftest import disc, disc_alpha, levels
from tests.models.test_checkpoint import save

mattes = arrays(np.uint8, (24, 24))


@settings(max_examples=60)
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
def curation(tmp_path) -> Curation:
    """Twenty discs; the matte of the first is another one's."""
    found = []
    for k in range(20):
        alpha = disc_alpha(radius=60 + k)[::4, ::4]
        write_png(tmp_path / f"{k}.png", disc(alpha)[: alpha.shape[0]])
        write_png(tmp_path / f"{k}_alpha.png", levels(alpha if k else np.roll(alpha, 40)))
        found.append(Item(f"{k}", tmp_path / f"{k}_alpha.png", tmp_path / f"{k}.png", identity=f"person {k // 2}"))
    (tmp_path / "out").mkdir()
    return Curation(tmp_path / "out", [Source("pairs", found)])


def see(photo: np.ndarray) -> np.ndarray:
    """The true matte, from the disc's brightness."""
    return np.clip((photo[..., 0].astype(np.float32) - 70) / 120, 0, 1)


def all_folds(predictors: dict[int, object] | None = None) -> list[Judge]:
    return [Judge(f"fold {k}", (predictors or {}).get(k, see), (k, 5)) for k in range(5)]


def silent(things, label):
    return things


def test_only_networks_that_have_not_seen_a_person_judge(curation):
    asked: dict[int, int] = {}

    def counting(fold: int):
        def predict(photo):
            asked[fold] = asked.get(fold, 0) + 1
            return see(photo)

        return predict

    judges = all_folds({k: counting(k) for k in range(5)})
    assert not cross_check(curation, judges, silent, 0.92)
    expected: dict[int, int] = {}
    for item in curation.items.values():
        expected[fold_of(item, 5)] = expected.get(fold_of(item, 5), 0) + 1
    assert asked == expected
    scores = read_credibility(curation)
    assert list(scores) == list(curation.items) and [name for name in scores if scores[name] < 0.92] == ["0"]
    assert [path.name for path in (curation.folder / "disagreement").iterdir()] == ["0.png"]
    cross_check(curation, judges, silent, 0.92)
    assert asked == expected  # nobody is asked twice


def test_score_of_a_changed_file_does_not_count_and_is_found_again(curation):
    cross_check(curation, all_folds(), silent, 0.92)
    matte = curation.items["0"].alpha
    write_png(matte, levels(disc_alpha(radius=60)[::4, ::4]))
    os.utime(matte, ns=(0, 0))
    assert "0" not in read_credibility(curation)
    cross_check(curation, all_folds(), silent, 0.92)
    assert read_credibility(curation)["0"] > 0.92
    assert not list((curation.folder / "disagreement").iterdir())


def test_unreadable_pair_is_a_warning(curation):
    curation.items["3"].photo.write_bytes(b"")
    (warning,) = cross_check(curation, all_folds(), silent, 0.92)
    assert "'3' cannot be read" in warning and "3" not in read_credibility(curation)


def test_pair_that_every_network_has_seen_is_an_error(curation):
    seen = fold_of(curation.items["0"], 5)
    with pytest.raises(ValueError, match="seen by every network"):
        cross_check(curation, [judge for judge in all_folds() if judge.fold[0] != seen], silent, 0.92)


def test_bad_fold_condemns_nobody(curation):
    bad = fold_of(curation.items["5"], 5)
    judges = all_folds({bad: lambda photo: np.zeros(photo.shape[:2], np.float32)})
    (warning,) = cross_check(curation, judges, silent, 0.92)
    assert warning.startswith(f"fold {bad}: the median")
    scored = {fold_of(curation.items[name], 5) for name in read_credibility(curation)}
    assert scored == {fold_of(item, 5) for item in curation.items.values()} - {bad}


@pytest.mark.parametrize("turned", [1, -1])
def test_network_without_a_fold_is_named_and_does_not_hide_a_bad_one(curation, turned):
    """Two judges a pair, of which one may be bad: the other's score counts, in whatever order they were given."""
    bad = fold_of(curation.items["5"], 5)
    judges = [*all_folds({bad: lambda photo: np.zeros(photo.shape[:2], np.float32)}), Judge("elsewhere", see)]
    warnings = cross_check(curation, judges[::turned], silent, 0.92)
    assert len(warnings) == 2 and "elsewhere was trained without data.fold" in warnings[0] and f"{bad}:" in warnings[1]
    scores = read_credibility(curation)
    assert list(scores) == list(curation.items) and [name for name in scores if scores[name] < 0.92] == ["0"]


def test_smallest_agreement_decides_which_images_are_written(curation):
    cross_check(curation, all_folds(), silent, 0.0)
    assert not (curation.folder / "disagreement").exists()


def test_of_two_networks_neither_is_called_bad():
    assert bad_judges([Opinion("a", "one", 0.9), Opinion("b", "two", 0.1)]) == {}


def test_networks_of_a_sweep_come_with_their_folds(tmp_path):
    torch.manual_seed(0)
    model = AttentionUNet("test_resnet", pretrained=False, decoder_channels=(24, 16, 16, 8, 8))
    (tmp_path / "multirun.yaml").touch()
    for fold in range(2):
        run = tmp_path / f"{fold}_data.fold-{fold}"
        (run / ".hydra").mkdir(parents=True)
        (run / ".hydra" / "overrides.yaml").write_text(f"- data.fold={fold}\n")
        (run / ".hydra" / "hydra.yaml").write_text(f"hydra: {{job: {{num: {fold}}}}}\n")
        parameters = {"model": model.settings, "size": 64, "corpus": "drawn"}
        parameters |= {"fold": fold, "folds": 2, "fold_rule": FOLD_RULE}
        save(run / "checkpoints/last.ckpt", model, hyper_parameters=parameters)
    judges = load_judges([tmp_path], "cpu")
    assert [judge.fold for judge in judges] == [(0, 2), (1, 2)]
    assert judges[0].name == load_judges([tmp_path / "0_data.fold-0"], "cpu")[0].name
    assert judges[0].predict(np.zeros((40, 30, 3), np.uint8)).shape == (40, 30)


def test_a_network_with_folds_of_an_earlier_rule_is_refused(tmp_path):
    model = AttentionUNet("test_resnet", pretrained=False, decoder_channels=(24, 16, 16, 8, 8))
    parameters = {"model": model.settings, "size": 64, "corpus": "drawn", "fold": 0, "folds": 2}
    save(tmp_path / "old.ckpt", model, hyper_parameters=parameters)
    with pytest.raises(ValueError, match=r"old\.ckpt: expected folds of rule 2, found those of rule 1.*train it again"):
        load_judges([tmp_path / "old.ckpt"], "cpu")


def test_a_network_is_sent_to_a_worker_as_its_place(shipped):
    (judge,) = load_judges([shipped / "portrait"], "cpu")
    sent = pickle.dumps(judge)
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert len(sent) < 2000 and np.array_equal(pickle.loads(sent).predict(photo), judge.predict(photo))
