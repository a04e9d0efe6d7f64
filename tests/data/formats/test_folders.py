"""Refused input and its messages: incomplete trees, bad lists."""

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matting.data import formats
from matting.data.folds import fold_of
from matting.data.formats.folders import EmptyError, read_names
from matting.data.formats.splits import hashed_split, hashed_splits, read_split_list
from matting.files import digest
from tests.data.formats.trees import lines, matte, p3m_tree, pair_tree, photo, save


def test_all_problems_are_reported_and_the_rest_is_kept(tmp_path):
    root = pair_tree(tmp_path, ["a", "b", "c", "d", "folder"], "image", "matte", (".jpg", ".png"))
    (root / "matte/b.png").unlink()
    (root / "image/c.jpg").unlink()
    save(root / "image/a.png", photo(0))
    (root / "image/folder.jpg").unlink()
    (root / "image/folder.jpg").mkdir()
    (root / "image/.hidden.jpg").write_bytes(b"")
    (root / "image/Thumbs.db").write_bytes(b"")
    with pytest.raises(formats.IncompleteError) as caught:
        formats.ppm100(root)
    assert [item.name for item in caught.value.source.items] == ["a", "d"]
    assert sorted(problem.removeprefix(f"{root}/") for problem in caught.value.problems) == [
        "image/a.png and a.jpg have the same name",
        "image/b.jpg has no matte",
        "matte/c.png has no image",
        "matte/folder.png has no image",
    ]
    assert "4 problems, 2 complete items" in str(caught.value) and "and 1 more" in str(caught.value)


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (formats.composition1k, r"expected Composition-1K \(Combined_Dataset\), found nothing"),
        (formats.distinctions646, "expected Distinctions-646, found nothing"),
        (formats.rwp, "expected RWP photos, found nothing"),
        (formats.rwp636, "expected RealWorldPortrait-636 photos, found nothing"),
        (formats.p3m10k, r"expected P3M-10k photos \(train\), found nothing"),
        (formats.ppm100, "expected PPM-100 photos, found nothing"),
        (formats.aim500, "expected AIM-500 photos, found nothing"),
        (formats.am2k, "expected AM-2k photos, found nothing"),
        (formats.aisegment, r"expected AISegment photos \(clip_img\), found nothing"),
        (formats.pairs, "expected a folder of pairs, found nothing"),
        (formats.rgba, "expected a folder of cutouts, found nothing"),
        (formats.coco_instances, "expected COCO's instance annotations; unpack"),
    ],
)
def test_a_missing_folder_is_named(tmp_path, reader, text):
    with pytest.raises(FileNotFoundError, match=text):
        reader(tmp_path / "absent")


def test_a_missing_test_set_lists_both_path_forms(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"validation/P3M-500-NP, .*P3M-500-NP"):
        formats.p3m10k(p3m_tree(tmp_path / "p3m") / "train", "test")


def test_a_file_where_a_folder_belongs(tmp_path):
    (tmp_path / "image").write_text("")
    with pytest.raises(FileNotFoundError, match="image: expected PPM-100 photos, found a file"):
        formats.ppm100(tmp_path)


def test_an_empty_split_is_refused(tmp_path):
    root = pair_tree(tmp_path / "set", ["a"], "image", "alpha", (".jpg", ".png"))
    with pytest.raises(EmptyError, match="for this split, found none"):
        formats.pairs(root, "val", lines(tmp_path / "list", ["a,train"]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyError):
        formats.rgba(tmp_path / "empty")


def test_an_unknown_split_is_refused(tmp_path):
    save(tmp_path / "a.png", matte(0))
    for reader in (formats.rgba, formats.p3m10k, formats.am2k, formats.rwp):
        with pytest.raises(ValueError, match="expected a split of train, val, test, found 'training'"):
            reader(tmp_path, "training")


def test_name_lists_with_any_line_ends_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbfa b.jpg\r\n\r\nc.jpg\nd.jpg")
    assert read_names(path) == ["a b.jpg", "c.jpg", "d.jpg"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a", "line 1: expected 'name,split' with train/val/test, found 'a'"),
        ("a,train\nb,dev", "line 2"),
        (",train", "line 1"),
        ("a,train\na,test", "line 2: 'a' is listed twice"),
    ],
)
def test_bad_split_lists_are_refused(tmp_path, content, text):
    (tmp_path / "list").write_text(content)
    with pytest.raises(ValueError, match=text):
        read_split_list(tmp_path / "list")


def test_a_split_list_of_another_set_is_refused(tmp_path):
    root = pair_tree(tmp_path / "set", ["a"], "image", "alpha", (".jpg", ".png"))
    with pytest.raises(ValueError, match="1 names are not in the data set, such as 'b'"):
        formats.pairs(root, "train", lines(tmp_path / "list", ["a,train", "b,train"]))


def test_a_listed_name_without_a_partner_is_reported_as_incomplete(tmp_path):
    root = pair_tree(tmp_path / "set", ["a", "b"], "image", "alpha", (".jpg", ".png"))
    (root / "alpha/b.png").unlink()
    with pytest.raises(formats.IncompleteError, match=r"b\.jpg has no matte"):
        formats.pairs(root, "train", lines(tmp_path / "list", ["a,train", "b,train"]))


def test_split_lists_keep_commas_in_names(tmp_path):
    assert read_split_list(lines(tmp_path / "list", ["a, b.jpg,train"])) == {"a, b.jpg": "train"}


@given(st.text(min_size=1))
def test_the_hashed_split_depends_on_the_name_alone(name):
    assert hashed_split(name) == hashed_split(name) in ("train", "val", "test")


def test_the_hash_gives_eighty_ten_and_ten_per_cent():
    found = [hashed_split(f"image {k}") for k in range(20000)]
    assert [round(found.count(split) / 20000, 2) for split in ("train", "val", "test")] == [0.8, 0.1, 0.1]


@pytest.mark.parametrize("count", range(1, 40))
def test_small_sets_have_every_split_that_they_can_fill(count):
    for salt in range(20):
        names = [f"{salt} {k}" for k in range(count)]
        splits = hashed_splits(names)
        assert splits.keys() == set(names) and hashed_splits(reversed(names)) == splits
        expected = {1: {"train"}, 2: {"train", "test"}}.get(count, {"train", "val", "test"})
        assert set(splits.values()) == expected
        if {hashed_split(name) for name in names} == expected:
            assert count < 3 or splits == {name: hashed_split(name) for name in names}


@pytest.mark.parametrize("count", [1, 3, 6, 12])
def test_small_folders_of_pairs_say_how_they_are_split(tmp_path, count):
    pair_tree(tmp_path, [f"p{k}" for k in range(count)], "image", "alpha", (".png", ".png"))
    source = formats.pairs(tmp_path)
    train = len(source.items)
    assert train >= 1 and re.search(
        rf"split by a hash of the names, as there is no split_list: {train} train", source.notes[0]
    )
    if count == 1:
        with pytest.raises(EmptyError, match=r"split by a hash .*: 1 train, 0 val, 0 test.*split_list=FILE"):
            formats.pairs(tmp_path, "val")


def test_names_need_not_be_utf8(tmp_path):
    """File names are bytes: those of an old archive may be Latin-1."""
    tree = pair_tree(tmp_path, ["a", "b"], "images", "alphas", (".jpg", ".png"))
    for folder, suffix in (("images", ".jpg"), ("alphas", ".png")):
        (tree / folder / f"a{suffix}").rename(tree / folder / (os.fsdecode(b"caf\xe9") + suffix))
    found = [item for split in ("train", "test") for item in formats.pairs(tree, split=split).items]
    assert sorted(item.name for item in found) == ["b", os.fsdecode(b"caf\xe9")]
    assert digest([item.name for item in found])
    for item in found:
        assert 0 <= fold_of(item, 5) < 5
