from collections import Counter
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from matting.config import build, load_config
from matting.curation.credibility import Judge
from matting.curation.run import open_curation, start_curation
from matting.data.corpora import Corpus, disk_corpus
from matting.data.folds import fold_of, leave_out
from matting.data.formats import Item, Source, pairs
from matting.data.formats.decoded import with_decoded_cache
from tests.conftest import MINIATURE
from tests.data.formats.trees import lines, pair_tree


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return build(load_config(MINIATURE).corpus)


def test_folds_divide_the_people_of_every_source(corpus):
    divided = 0
    for name, source in corpus.sets.items():
        if len({fold_of(item, 2) for item in source.items}) < 2:
            continue  # a small source may have all its people in one fold
        left_out = Counter[str]()
        for fold in range(2):
            kept = leave_out(replace(corpus, train={"role": {name: source}}), fold, 2).train["role"][name].items
            assert all(fold_of(item, 2) != fold for item in kept)
            left_out.update(item.name for item in source.items if item not in kept)
        assert left_out == Counter(item.name for item in source.items)
        divided += 1
    assert divided


@pytest.mark.parametrize("named", ["pairs", "own"])
def test_a_network_may_judge_exactly_the_people_it_was_trained_without(named, tmp_path):
    """Training reads a set under its own name, a curation under that of its format."""
    names = [f"{k}" for k in range(40)]
    pair_tree(tmp_path, names, "image", "alpha", (".png", ".png"))
    every = disk_corpus(tmp_path, portraits={named: partial(pairs, tmp_path)})
    start_curation(tmp_path / "curation", "pairs", tmp_path, ())
    known = open_curation(tmp_path / "curation").items
    trained = {item.name for item in every.sets[f"portraits.{named}"].items}
    for fold in range(3):
        kept = {item.name for item in leave_out(every, fold, 3).sets[f"portraits.{named}"].items}
        judge = Judge("network", lambda photo: photo, (fold, 3))
        assert {name for name in trained if judge.may_judge(known[name])} == trained - kept != set()


def test_masks_in_blocks_are_refused(tmp_path):
    """Their people depend on an option that a curation does not know."""
    items = [Item(f"me_{k:04}", tmp_path / "alpha", tmp_path / "photo", identity="masks/me_0-19") for k in range(20)]
    corpus = SimpleNamespace(train={"coarse": {"selfies": Source("selfies", items)}})
    with pytest.raises(ValueError, match=r"masks without blocks, found some in 'coarse\.selfies'"):
        leave_out(corpus, 0, 5)


def test_all_images_of_a_person_are_in_one_fold(corpus):
    item = corpus.train["portraits"]["rwp"].items[0]
    assert fold_of(replace(item, name="another image"), 5) == fold_of(item, 5)


def test_folds_share_what_is_cached_and_not_their_people(corpus, tmp_path):
    pair_tree(tmp_path, [f"{k}" for k in range(12)], "image", "alpha", (".png", ".png"))
    direct = pairs(tmp_path, split_list=lines(tmp_path / "list", [f"{k},train" for k in range(12)]))
    # With one item of two views, which only one of the folds has.
    direct = replace(direct, items=[replace(direct.items[0], foreground=direct.items[0].photo), *direct.items[1:]])
    for fold in range(3):
        whole, cached = (
            leave_out(replace(corpus, train={"role": {"own": source}}), fold, 3).train["role"]["own"]
            for source in (direct, with_decoded_cache(direct, 100, 1))
        )
        for k in range(len(whole)):
            expected, found = (source.layers(k, recomposed=False) for source in (whole, cached))
            assert np.array_equal(found.foreground, expected.foreground)


def test_no_fold_changes_nothing(corpus):
    assert leave_out(corpus, None, 5) is corpus


@pytest.mark.parametrize(("fold", "folds"), [(5, 5), (-1, 5), (0, 1)])
def test_folds_that_do_not_exist_are_refused(corpus, fold, folds):
    with pytest.raises(ValueError, match=r"data\.fold"):
        leave_out(corpus, fold, folds)
