"""Every format: what is read from a good tree."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from matting.data import formats
from matting.data.formats.official import compose_official
from matting.data.formats.splits import hashed_split
from tests.data.formats.trees import (
    SIZE,
    composition_tree,
    distinctions_tree,
    lines,
    matte,
    p3m_tree,
    pair_tree,
    photo,
    save,
    voc_tree,
)

NAMES = [f"name {k}" for k in range(60)]


def names(source: formats.Source) -> list[str]:
    return [item.name for item in source.items]


@pytest.mark.parametrize("merged", [None, ("fg", "alpha"), ("combined_fg", "combined_alpha")])
def test_composition1k_in_either_layout_keeps_the_order_of_the_list(tmp_path, merged):
    source = formats.composition1k(composition_tree(tmp_path, merged))
    assert names(source) == ["pexels-photo 2", "a", "z z", "b"]
    assert all(item.layered and item.photo is None for item in source.items)
    layers = source.layers(3, recomposed=True)
    assert np.abs(layers.foreground.astype(int) - photo(3)).mean() < 4
    assert np.abs(layers.alpha.astype(int) - matte(3)).mean() < 2


def test_composition1k_solid_list(tmp_path):
    root = composition_tree(tmp_path / "set")
    solid = lines(tmp_path / "solid.txt", ["b.png", "a.jpg"], "\r\n")
    assert names(formats.composition1k(root, solid_list=solid)) == ["a", "b"]
    with pytest.raises(ValueError, match="1 names are not in the set, such as 'glass'"):
        formats.composition1k(root, solid_list=lines(tmp_path / "solid.txt", ["glass.jpg", "a.jpg"]))


def test_composition1k_test_composites_follow_the_official_rule(tmp_path):
    root, backgrounds = composition_tree(tmp_path / "set"), voc_tree(tmp_path / "voc")
    found = formats.composition1k_composites(root, backgrounds)
    assert [one.name for one in found[:2] + found[20:22]] == ["t2_0", "t2_1", "t1_0", "t1_1"]
    assert [one.background.name for one in found] == [f"2008_{k:06d}.jpg" for k in range(40)]
    assert {one.trimap.stem for one in found} == {one.name for one in found}
    assert np.array_equal(
        formats.Source("s", formats.composition1k(root, "test").items).layers(0, recomposed=True).alpha, matte(10)
    )


def test_composition1k_training_composites_with_names_of_either_year(tmp_path):
    root = composition_tree(tmp_path / "set")
    for k in range(400):
        name = f"COCO_train2014_{k:012d}.jpg" if k % 2 else f"{k:012d}.jpg"
        lines(tmp_path / "coco" / name, ["not decoded"])
    found = formats.composition1k_composites(root, tmp_path / "coco", "train")
    assert [found[k].name for k in (0, 99, 100, 399)] == ["pexels-photo 2_0", "pexels-photo 2_99", "a_0", "b_99"]
    assert [found[k].background.name for k in (100, 399)] == ["000000000100.jpg", "COCO_train2014_000000000399.jpg"]


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (
            lambda root, voc: (root / "Test_set/test_bg_names.txt").write_text("a.jpg\n"),
            ValueError,
            "expected 20 names",
        ),
        (lambda root, voc: (voc / "2008_000007.jpg").unlink(), FileNotFoundError, "1 of 40 .* such as 2008_000007.jpg"),
        (
            lambda root, voc: (root / "Test_set/Adobe-licensed images/alpha/t1.png").unlink(),
            formats.IncompleteError,
            "'t1.png' of test_fg_names.txt has no fg/alpha pair",
        ),
        (
            lambda root, voc: (root / "Test_set/test_fg_names.txt").unlink(),
            FileNotFoundError,
            "expected a list of names",
        ),
    ],
)
def test_composites_of_an_incomplete_set_are_refused(tmp_path, change, error, text):
    root, backgrounds = composition_tree(tmp_path / "set"), voc_tree(tmp_path / "voc")
    change(root, backgrounds)
    with pytest.raises(error, match=text):
        formats.composition1k_composites(root, backgrounds)


def test_distinctions646_with_odd_names_and_lists(tmp_path):
    root, backgrounds = distinctions_tree(tmp_path / "set"), voc_tree(tmp_path / "voc")
    assert names(formats.distinctions646(root)) == ["13(2)", "h_1"]
    found = formats.distinctions646_composites(root, backgrounds)
    assert [found[k].name for k in (0, 20, 39)] == ["test_13_0", "test_2_0", "test_2_19"]
    assert found[39].background.name == "2008_000039.jpg" and found[0].trimap is None


@pytest.mark.parametrize("reader", [formats.composition1k, formats.distinctions646])
def test_studio_sets_have_no_validation_split(tmp_path, reader):
    with pytest.raises(ValueError, match="expected split 'train' or 'test', found 'val'"):
        reader(tmp_path, "val")


@pytest.mark.parametrize("nested", [True, False])
def test_p3m10k_in_both_path_forms(tmp_path, nested):
    root = p3m_tree(tmp_path, nested)
    train, val, test = (formats.p3m10k(root, split) for split in ("train", "val", "test"))
    assert (names(train), names(val), names(test)) == (["p_1", "p_2"], ["P3M-500-P_1"], ["P3M-500-NP_1"])
    layers = train.layers(0, recomposed=False)
    assert np.abs(layers.foreground.astype(int) - photo(len("fg_blurred"))).mean() < 4
    assert np.abs(layers.background.astype(int) - photo(len("bg"))).mean() < 4
    assert test.items[0].photo.parent.name == "original_image"
    assert np.array_equal(test.trimap_reader(test.items[0], test.alpha_reader(test.items[0].alpha)), np.full(SIZE, 128))
    assert not train.notes


def test_p3m10k_of_the_older_archive_notes_what_it_lacks(tmp_path):
    source = formats.p3m10k(p3m_tree(tmp_path, layers=False))
    assert not any(item.layered for item in source.items)
    assert "2 of 2 have no foreground layer" in source.notes[0] and "estimate_foregrounds" in source.notes[0]


def test_ppm100_snaps_the_ends_of_jpeg_mattes(tmp_path):
    pair_tree(tmp_path, ["1234_b c_o"], "image", "matte", (".jpg", ".jpg"))
    alpha = formats.ppm100(tmp_path).layers(0, recomposed=False).alpha
    assert (alpha == 0).mean() > 0.5 and (alpha == 255).mean() > 0.05
    assert not np.isin(alpha, [1, 2, 3, 252, 253, 254]).any()


def test_rwp636_trimap_is_the_detail_region(tmp_path):
    pair_tree(tmp_path, ["a", "b"], "image", "alpha", (".jpg", ".png"))
    detail = np.zeros(SIZE, np.uint8)
    detail[:10] = 200
    save(tmp_path / "detailmap/a_cloud_trimap.jpg", detail, quality=100)
    source = formats.rwp636(tmp_path)
    trimap = source.trimap_reader(source.items[0], matte(0))
    assert (trimap[:8] == 128).all() and set(np.unique(trimap[16:])) == {0, 255}
    assert source.trimap_reader(source.items[1], matte(1)) is None
    assert "1 of 2 detail maps are missing" in source.notes[0]


@pytest.mark.parametrize(
    "record", [lambda category: category, lambda category: {"type": "SO", "category": category.capitalize()}]
)
def test_aim500_by_category(tmp_path, record):
    pair_tree(tmp_path, ["o_1", "o_2", "o_3"], "original", "mask", (".jpg", ".png"))
    content = {"o_1.jpg": "portrait", "o_2.jpg": "animal", "o_3": "transparent"}
    path = tmp_path / "aim_category_type.json"
    path.write_text(json.dumps({name: record(category) for name, category in content.items()}))
    assert names(formats.aim500(tmp_path)) == ["o_1"]
    assert names(formats.aim500(tmp_path, category="transparent")) == ["o_3"]
    everything = formats.aim500(tmp_path, category=None)
    assert [item.tags for item in everything.items] == [{"portrait"}, {"animal"}, {"transparent"}]
    with pytest.raises(ValueError, match="found 'person'"):
        formats.aim500(tmp_path, category="person")


@pytest.mark.parametrize("text", ["{", "[1]", '{"o_1": 3}', '{"o_1": {"type": "SO"}}'])
def test_aim500_refuses_another_json(tmp_path, text):
    pair_tree(tmp_path, ["o_1"], "original", "mask", (".jpg", ".png"))
    (tmp_path / "aim_category_type.json").write_text(text)
    with pytest.raises(ValueError, match=r"aim_category_type\.json: expected a category for each image"):
        formats.aim500(tmp_path)


def test_am2k_layers_where_the_user_made_them(tmp_path):
    pair_tree(tmp_path / "train", ["m_1", "m_2"], "original", "mask", (".jpg", ".png"))
    save(tmp_path / "train/fg/m_2.png", photo(9))
    pair_tree(tmp_path / "validation", ["m_3"], "original", "mask", (".jpg", ".png"))
    source = formats.am2k(tmp_path)
    assert [item.layered for item in source.items] == [False, True]
    assert names(formats.am2k(tmp_path, "val")) == names(formats.am2k(tmp_path, "test")) == ["m_3"]


def test_aisegment_matches_its_two_trees_and_reads_the_alpha_channel(tmp_path):
    for k in range(60):
        save(tmp_path / f"clip_img/1803/clip_{k % 3:08d}/1803-{k:08d}.jpg", photo(k))
        cutout = np.dstack([photo(k), matte(k)])
        save(tmp_path / f"matting/1803/matting_{k % 3:08d}/1803-{k:08d}.png", cutout)
    found = [formats.aisegment(tmp_path, split) for split in ("train", "val", "test")]
    assert sum(len(source) for source in found) == 60
    item = found[0].items[0]
    assert np.array_equal(found[0].layers(0, recomposed=False).alpha, matte(int(item.photo.stem[-8:])))


def test_pairs_in_both_layouts_and_by_a_list(tmp_path):
    flat = pair_tree(tmp_path / "flat", NAMES, "images", "masks", (".jpg", ".png"))
    for k, name in enumerate(NAMES):
        save(tmp_path / "nested" / name / "image.webp", photo(k))
        save(tmp_path / "nested" / name / "alpha.png", matte(k))
    for root in (flat, tmp_path / "nested"):
        found = {split: names(formats.pairs(root, split)) for split in ("train", "val", "test")}
        assert sorted(name for chosen in found.values() for name in chosen) == sorted(NAMES)
        assert all(hashed_split(name) == split for split, chosen in found.items() for name in chosen)
    listed = lines(tmp_path / "list.csv", ["name 3,val", "name 2, train", "name 1,train"])
    assert names(formats.pairs(flat, "train", listed)) == ["name 1", "name 2"]


def test_rgba_takes_colours_under_the_alpha(tmp_path):
    for k in range(40):
        save(tmp_path / f"folder {k % 2}" / f"{k}.png", np.dstack([photo(k), matte(k)]))
    source = formats.rgba(tmp_path)
    layers = source.layers(0, recomposed=True)
    number = int(source.items[0].name.split("/")[1])
    assert np.array_equal(layers.foreground, photo(number)) and np.array_equal(layers.alpha, matte(number))


@pytest.mark.parametrize("reader", [formats.rwp636, formats.ppm100, formats.aim500])
def test_training_on_a_published_test_set_needs_a_list(tmp_path, reader):
    for folders in (("image", "alpha"), ("image", "matte"), ("original", "mask")):
        pair_tree(tmp_path, NAMES[:3], *folders, (".jpg", ".png"))
    (tmp_path / "aim_category_type.json").write_text(json.dumps(dict.fromkeys(NAMES[:3], "portrait")))
    assert len(reader(tmp_path)) == 3
    with pytest.raises(ValueError, match=r"is a test set: .* give split_list"):
        reader(tmp_path, "train")
    listed = lines(tmp_path / "list.txt", ["name 0,train", "name 1,train", "name 2,test"])
    assert names(reader(tmp_path, "train", split_list=listed)) == NAMES[:2]
    assert names(reader(tmp_path, "test", split_list=listed)) == NAMES[2:3]


def odd_files(folder, kind):
    """A photo and a matte that are stored in an odd way, as the layers they represent."""
    image, alpha = photo(1), matte(1)
    names = (folder / "images/a.png", folder / "masks/a.png")
    if kind == "16-bit":
        names[1].parent.mkdir(parents=True)
        cv2.imwrite(str(names[1]), alpha.astype(np.uint16) * 257)
        save(names[0], image)
    elif kind == "gray photo":
        image = np.dstack([image[..., 0]] * 3)
        save(names[0], image[..., 0])
        save(names[1], alpha)
    elif kind == "RGBA matte":
        save(names[0], image)
        save(names[1], np.dstack([photo(2), alpha]))
    elif kind == "RGB matte":
        save(names[0], image)
        save(names[1], np.dstack([alpha] * 3))
    else:
        exif = Image.Exif()
        exif[0x0112] = 6
        save(names[0], np.ascontiguousarray(np.rot90(image)), exif=exif)
        save(names[1], alpha)
    return image, alpha


@pytest.mark.parametrize("kind", ["16-bit", "gray photo", "RGBA matte", "RGB matte", "turned photo"])
def test_oddly_stored_images_decode_to_what_they_represent(tmp_path, kind):
    image, alpha = odd_files(tmp_path, kind)
    layers = formats.pairs(tmp_path, split_list=lines(tmp_path / "list", ["a,train"])).layers(0, recomposed=False)
    assert np.array_equal(layers.foreground, image) and np.array_equal(layers.alpha, alpha)


def test_the_official_composition_enlarges_takes_the_corner_and_truncates():
    alpha = np.array([[255, 128, 0], [0, 51, 255]], np.uint8)
    foreground = np.full((2, 3, 3), 200, np.uint8)
    background = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    found = compose_official(foreground, alpha, background)
    share = alpha[..., None] / 255
    expected = np.floor(share * 200 + (1 - share) * background[:2, :3] + 1e-4)
    assert np.array_equal(found, expected)
    small = np.full((1, 2, 3), 77, np.uint8)
    assert (compose_official(foreground, np.zeros_like(alpha), small) == 77).all()
    assert compose_official(foreground, alpha, small).shape == (2, 3, 3)
