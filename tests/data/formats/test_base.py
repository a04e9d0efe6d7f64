from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from matting.data.crop import Box, choose_box, full_box, resize
from matting.data.formats import Item, Source
from matting.data.formats.reduced import largest_reduction
from tests.data.formats.trees import matte, photo, save

LARGE = (403, 298)


def large_item(folder: Path, suffix: str = ".jpg", **options: object) -> Item:
    image = save(folder / f"photo{suffix}", photo(1, LARGE), **options)
    return Item("one", save(folder / "alpha.png", matte(1, LARGE)), image)


@given(st.data(), st.integers(8, 60))
def test_an_aligned_box_is_made_of_whole_blocks_and_keeps_the_side(data, side):
    top, left = data.draw(st.integers(0, LARGE[0] - side)), data.draw(st.integers(0, LARGE[1] - side))
    height, width = data.draw(st.integers(side, LARGE[0] - top)), data.draw(st.integers(side, LARGE[1] - left))
    box = Box(top, left, height, width)
    factor = largest_reduction(box, side)
    aligned = box.aligned(factor, *LARGE)
    assert all(length % factor == 0 for length in aligned)
    assert 0 <= box.top - aligned.top < factor and 0 <= box.left - aligned.left < factor
    for axis, total in enumerate(LARGE):
        end, old_end = aligned[axis] + aligned[axis + 2], box[axis] + box[axis + 2]
        assert end <= total and abs(end - old_end) < factor
        assert aligned[axis + 2] // factor >= side
    assert aligned.reduced(factor) == tuple(length // factor for length in aligned)


@pytest.mark.parametrize("suffix", [".jpg", ".gray.jpg", ".png"])
@settings(max_examples=15)
@given(seed=st.integers(0, 1000))
def test_layers_of_a_reduced_crop_stay_aligned(tmp_path_factory, suffix, seed):
    gray = photo(1, LARGE)[..., 0]  # the photo shows its own matte, so any shift between the two shows
    folder = tmp_path_factory.getbasetemp() / f"reduced{suffix}"
    image = save(folder / f"photo{suffix}", gray if "gray" in suffix else np.dstack([gray] * 3))
    source = Source("s", [Item("one", save(folder / "alpha.png", gray), image)])

    def look(alpha):
        return choose_box(alpha, np.random.default_rng(seed), 0.3)

    layers = source.layers(0, recomposed=False, look=look, smallest_side=32)
    assert (layers.foreground.shape[:2] != layers.alpha.shape) == (suffix != ".png")
    assert min(layers.foreground.shape[:2]) >= 32
    colours, alpha = (cv2.resize(x, (32, 32), interpolation=cv2.INTER_AREA) for x in (layers.foreground, layers.alpha))
    assert np.abs(colours.astype(int) - alpha[..., None]).mean() < 2


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_rotated_photos_are_upright_in_every_crop(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = (LARGE[1], LARGE[0]) if orientation == 6 else LARGE
    image = save(tmp_path / "a.jpg", photo(1, stored), exif=exif, quality=95)
    source = Source("s", [Item("one", save(tmp_path / "a.png", matte(1, LARGE)), image)])
    upright = {1: photo(1, stored), 3: photo(1, stored)[::-1, ::-1], 6: np.rot90(photo(1, stored), -1)}[orientation]
    layers = source.layers(0, recomposed=False, smallest_side=32)
    assert np.abs(resize(layers.foreground, 32).astype(int) - resize(upright, 32)).mean() < 3


def test_the_largest_reduction_keeps_the_side():
    assert [largest_reduction(Box(0, 0, 256, 300), side) for side in (256, 129, 128, 64, 33, 32, 8)] == [
        1,
        1,
        2,
        4,
        4,
        8,
        8,
    ]


def test_own_and_new_backgrounds(tmp_path):
    files = {name: save(tmp_path / f"{name}.png", photo(seed)) for seed, name in enumerate(("photo", "fg", "bg"))}
    alpha = save(tmp_path / "alpha.png", matte(0))
    as_photo = Source("s", [Item("a", alpha, files["photo"])]).layers(0, recomposed=False)
    assert as_photo.background is as_photo.foreground
    assert np.array_equal(as_photo.foreground, photo(0))
    layered = Source("s", [Item("a", alpha, files["photo"], files["fg"])])
    assert np.array_equal(layered.layers(0, recomposed=False).foreground, photo(0))
    assert np.array_equal(layered.layers(0, recomposed=True).foreground, photo(1))
    assert layered.layers(0, recomposed=True).background is None
    both = Source("s", [Item("a", alpha, files["photo"], files["fg"], files["bg"])]).layers(0, recomposed=False)
    assert np.array_equal(both.foreground, photo(1)) and np.array_equal(both.background, photo(2))
    bare = Source("s", [Item("a", alpha, foreground=files["fg"])])
    assert bare.layers(0, recomposed=False).background is None


def test_a_frame_bounds_the_look(tmp_path):
    source = Source("s", [large_item(tmp_path)], frame=lambda alpha: Box(100, 50, 200, 150))
    assert source.layers(0, recomposed=False).alpha.shape == (200, 150)
    seen = []
    layers = source.layers(0, recomposed=False, look=lambda alpha: seen.append(alpha.shape) or Box(10, 20, 60, 40))
    assert seen == [(200, 150)]
    assert np.array_equal(layers.alpha, matte(1, LARGE)[110:170, 70:110])


@pytest.mark.parametrize("side", [None, 32])
def test_a_size_mismatch_names_both_files(tmp_path, side):
    item = large_item(tmp_path)
    wrong = Source("s", [Item("one", save(tmp_path / "w.png", matte(1, (404, 298))), item.photo)])
    with pytest.raises(ValueError, match=r"w\.png: expected a matte of 298x403 as .*photo\.jpg, found 298x404"):
        wrong.layers(0, recomposed=False, smallest_side=side)


@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "missing", "folder"])
@pytest.mark.parametrize("side", [None, 32])
def test_bad_photos_are_refused_by_name(tmp_path, kind, side):
    item = large_item(tmp_path)
    data = item.photo.read_bytes()
    item.photo.unlink()
    if kind == "folder":
        item.photo.mkdir()
    elif kind != "missing":
        item.photo.write_bytes({"truncated": data[: len(data) // 2], "empty": b"", "text": b"hello"}[kind])
    with pytest.raises(ValueError, match=r"photo\.jpg: expected"):
        Source("s", [item]).layers(0, recomposed=False, smallest_side=side)


def test_items_and_recomposition_are_checked(tmp_path):
    with pytest.raises(ValueError, match="neither a photo nor a foreground"):
        Item("a", tmp_path)
    with pytest.raises(ValueError, match="found 'easy'"):
        Item("a", tmp_path, tmp_path, difficulty="easy")
    with pytest.raises(ValueError, match="item 'a' of 's' has no foreground layer"):
        Source("s", [Item("a", tmp_path, tmp_path)]).layers(0, recomposed=True)


@pytest.mark.parametrize(("before", "aliases"), [(140, False), (151, True), (400, True), (60, False)])
def test_resize_averages_where_it_shrinks_much(before, aliases):
    stripes = np.tile(np.array([0, 255], np.uint8), (before, before // 2 + 1))[:, :before]
    expected = cv2.INTER_AREA if aliases else cv2.INTER_LINEAR
    assert np.array_equal(resize(stripes, 100), cv2.resize(stripes, (100, 100), interpolation=expected))


def test_the_whole_image_is_the_default(tmp_path):
    layers = Source("s", [large_item(tmp_path)]).layers(0, recomposed=False, look=lambda a: full_box(*a.shape))
    assert layers.foreground.shape == (*LARGE, 3) and layers.ignore is None
