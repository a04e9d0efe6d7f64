from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from matting.config import build, load_config
from matting.data.corpora import Corpus
from matting.data.folds import fold_of, leave_out
from matting.data.formats import pairs
from matting.data.formats.decoded import with_decoded_cache
from tests.conftest import MINIATURE
from tests.data.formats.trees import lines, pair_tree


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return build(load_config(MINIATURE).corpus)


def test_folds_divide_the_people_of_every_source(corpus):
    for name, source in corpus.sets.items():
        if len(source) < 2:
            continue
        left_out = Counter[str]()
        for fold in range(2):
            try:
                kept = leave_out(replace(corpus, train={"role": {name: source}}), fold, 2).train["role"][name].items
            except ValueError:  # a small source may have all its people in one fold
                continue
            assert all(fold_of(item, 2) != fold for item in kept)
            left_out.update(item.name for item in source.items if item not in kept)
        assert set(left_out.values()) <= {1}


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
