"""What is kept in the project's cache: estimated foregrounds and decoded layers."""

import os
import pickle
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest

from matting import mattes
from matting.data.crop import choose_box
from matting.data.formats import Item, Source, decoded
from matting.data.formats import foregrounds as estimation
from matting.data.formats.base import describe
from matting.data.formats.decoded import with_decoded_cache
from matting.data.formats.foregrounds import with_estimated_foregrounds
from matting.data.formats.masks import _cache_file as refined_file
from matting.data.formats.withheld import with_labels_withheld
from matting.files import StorageError
from tests.data.formats.trees import matte, photo, save

SIDE = 24
STORED = (24, 18)
"""Size at which photos of 48 x 36 pixels are stored."""


@dataclass(frozen=True)
class Rendered:
    """Mattes that depend on what the object holds."""

    seed: int

    def alpha(self, photo):
        return matte(self.seed)


@pytest.fixture
def source(tmp_path, monkeypatch):
    """Three photos, one of them with a foreground layer, and an empty cache."""
    monkeypatch.setenv("MATTING_CACHE", str(tmp_path / "cache"))
    items = [
        Item(str(k), save(tmp_path / f"alpha{k}.png", matte(k)), save(tmp_path / f"photo{k}.png", photo(k)))
        for k in range(3)
    ]
    items[2] = replace(items[2], foreground=save(tmp_path / "fg.png", photo(9)))
    return Source("s", items)


@pytest.fixture
def doubling(monkeypatch):
    """A mock estimate: the photo at half its brightness."""
    monkeypatch.setattr(estimation, "estimate_foreground", lambda photo, alpha: photo // 2)


def test_estimates_of_another_version_are_not_used(source, doubling, monkeypatch):
    first = with_estimated_foregrounds(source, workers=1).items[0].foreground
    monkeypatch.setattr(estimation, "VERSION", "another")
    second = with_estimated_foregrounds(source, workers=1).items[0].foreground
    assert first != second and first.is_file() and second.is_file()


def test_nothing_cached_is_used_once_mattes_are_understood_otherwise(source, doubling, monkeypatch):
    def caches():
        refined = refined_file(source.items[0])
        estimate = with_estimated_foregrounds(source, workers=1).items[0].foreground
        return with_decoded_cache(source, SIDE, 1).file, refined, estimate

    before = caches()
    assert caches() == before
    monkeypatch.setattr(mattes, "VERSION", mattes.VERSION + 1)
    assert not set(before) & set(caches())


def test_estimated_foregrounds_make_items_layered(source, doubling, tmp_path):
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    layered = with_estimated_foregrounds(source, workers=1)
    assert all(item.layered for item in layered.items)
    assert layered.items[2] == source.items[2], "a layer that exists is kept"
    estimate = layered.layers(0, recomposed=True)
    assert np.abs(estimate.foreground.astype(int) - photo(0) // 2).mean() < 2 and estimate.background is None
    assert np.array_equal(layered.layers(0, recomposed=False).foreground, photo(0))
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    assert all((tmp_path / "cache") in item.foreground.parents for item in layered.items[:2])


def test_estimates_are_made_once_and_again_when_a_file_changes(source, monkeypatch):
    calls = []
    monkeypatch.setattr(estimation, "estimate_foreground", lambda photo, alpha: calls.append(1) or photo)
    first = with_estimated_foregrounds(source, workers=1)
    second = with_estimated_foregrounds(source, workers=1)
    assert len(calls) == 2 and first.items == second.items
    save(source.items[0].alpha, matte(5))
    os.utime(source.items[0].alpha, ns=(0, 0))
    third = with_estimated_foregrounds(source, workers=1)
    assert len(calls) == 3 and third.items[0] != first.items[0] and third.items[1] == first.items[1]


def test_an_interrupted_estimation_resumes(source, monkeypatch):
    def interrupted(photo, alpha):
        if calls:
            raise KeyboardInterrupt
        calls.append(1)
        return photo

    calls: list[int] = []
    monkeypatch.setattr(estimation, "estimate_foreground", interrupted)
    with pytest.raises(KeyboardInterrupt):
        with_estimated_foregrounds(source, workers=1)
    monkeypatch.setattr(estimation, "estimate_foreground", lambda photo, alpha: calls.append(1) or photo)
    with_estimated_foregrounds(source, workers=1)
    assert len(calls) == 2


def test_an_estimate_is_of_one_reader_s_matte(source, doubling):
    """Mattes rendered from annotations have the photo as their file, whatever the annotations."""
    rendered = replace(source, items=[replace(item, alpha=item.photo) for item in source.items])
    readers = [Rendered(0), Rendered(0), Rendered(1)]
    first, again, other = (
        with_estimated_foregrounds(replace(rendered, alpha_reader=reader.alpha), workers=1).items[0].foreground
        for reader in readers
    )
    assert first == again != other and other.is_file()


def test_a_reader_is_described_by_its_content_and_not_by_its_address():
    """The same function has another address in every process."""

    def reader(seed):
        def own(path):
            raise NotImplementedError

        return partial(own, held=Rendered(seed))

    first, again, other = (reader(seed) for seed in (0, 0, 1))
    assert first.func is not again.func
    assert describe(first) == describe(again) != describe(other)
    assert len({*map(describe, (first, first.func, Rendered(0).alpha, Rendered(1).alpha, None))}) == 5


def test_a_size_mismatch_is_refused_before_estimating(source, doubling, tmp_path):
    wrong = Source("s", [replace(source.items[0], alpha=save(tmp_path / "w.png", matte(0, (10, 10))))])
    with pytest.raises(ValueError, match=r"w\.png: expected the size of .*photo0\.png"):
        with_estimated_foregrounds(wrong, workers=1)


def test_bad_items_are_left_out_on_request_and_tried_again(source, doubling):
    good = source.items[0].photo.read_bytes()
    source.items[0].photo.write_bytes(good[:60])
    save(source.items[1].alpha, matte(1, (10, 10)))
    told = {}
    layered = with_estimated_foregrounds(source, 1, told.__setitem__)
    assert layered.items == [source.items[2]]
    assert "photo0.png: expected" in told["0"] and "alpha1.png: expected the size of" in told["1"]
    with pytest.raises(ValueError, match="no item of 's' can be read; verify the set"):
        with_estimated_foregrounds(Source("s", source.items[:2]), 1, told.__setitem__)
    source.items[0].photo.write_bytes(good)
    assert [item.name for item in with_estimated_foregrounds(source, 1, told.__setitem__).items] == ["0", "2"]


def test_a_full_disk_is_no_fault_of_an_item(source, doubling, monkeypatch):
    def full(path, data):
        raise StorageError(f"{path}: full")

    monkeypatch.setattr(estimation, "write_atomic", full)
    with pytest.raises(StorageError):
        with_estimated_foregrounds(source, 1, lambda name, reason: pytest.fail("skipped"))


def test_an_estimate_has_the_foreground_s_colour_at_the_rim():
    alpha = matte(0, (96, 80))
    foreground, background = np.array([200.0, 40, 40]), np.array([20.0, 200, 60])
    share = alpha[..., None] / 255
    composite = np.rint(share * foreground + (1 - share) * background).astype(np.uint8)
    estimate = estimation.estimate_foreground(composite, alpha.astype(np.float32) / 255)
    rim = (alpha > 60) & (alpha < 200)
    assert np.abs(estimate[rim] - foreground).mean() < 0.3 * np.abs(composite[rim] - foreground).mean()
    assert np.array_equal(estimate[alpha == 255], composite[alpha == 255])


@pytest.mark.slow
def test_processes_estimate_what_one_does(source, tmp_path, monkeypatch):
    many = with_estimated_foregrounds(Source("s", source.items[:2]), workers=2)
    monkeypatch.setenv("MATTING_CACHE", str(tmp_path / "other"))
    one = with_estimated_foregrounds(Source("s", source.items[:2]), workers=1)
    assert [item.foreground.read_bytes() for item in many.items] == [item.foreground.read_bytes() for item in one.items]


def look(alpha, seed=3):
    return choose_box(alpha, np.random.default_rng(seed), 0.5)


def test_cached_layers_are_the_decoded_ones_resized(source):
    cached = with_decoded_cache(source, SIDE, 1)
    for index, recomposed in ((0, False), (2, False), (2, True)):
        whole = cached.layers(index, recomposed=recomposed)
        direct = source.layers(index, recomposed=recomposed)
        assert np.array_equal(whole.alpha, decoded.resize(direct.alpha, *STORED))
        assert np.array_equal(whole.foreground, decoded.resize(direct.foreground, *STORED))
        assert (whole.background is whole.foreground) == (not recomposed)


def test_crops_have_the_proportions_that_they_have_without_the_cache(source, tmp_path):
    """Squares of the photo's pixels, as far as they fit."""
    size = (200, 120)
    tall = Item("tall", save(tmp_path / "a.png", matte(0, size)), save(tmp_path / "p.png", photo(0, size)))
    direct = replace(source, items=[tall])
    cached = with_decoded_cache(direct, 64, 1)
    looks = [partial(look, seed=seed) for seed in range(40)]
    aspects = [
        [np.divide(*one.layers(0, recomposed=False, look=look).alpha.shape) for look in looks]
        for one in (direct, cached)
    ]
    assert np.allclose(*aspects, atol=0.05) and min(aspects[0]) == 1 and max(aspects[0]) > 1.3
    whole = cached.layers(0, recomposed=False).alpha
    assert whole.shape == (64, 38)


def test_small_images_keep_their_pixels(source):
    whole = with_decoded_cache(source, 100, 1).layers(0, recomposed=False)
    assert np.array_equal(whole.foreground, photo(0)) and np.array_equal(whole.alpha, matte(0))


def test_both_views_of_a_pair_show_one_crop(source, tmp_path):
    """Also where the photo has both of its layers, for which a slot has no room."""
    both = replace(source.items[2], background=save(tmp_path / "bg.png", photo(8)))
    cached = with_decoded_cache(replace(source, items=[source.items[2], replace(both, name="both")]), SIDE, 1)
    for index in range(2):
        own, other = (cached.layers(index, recomposed=recomposed, look=look) for recomposed in (False, True))
        assert np.array_equal(own.alpha, other.alpha)
    assert np.array_equal(own.foreground, other.foreground) and own.background is not None
    alone = replace(source, items=[both])
    assert with_decoded_cache(alone, SIDE, 1) is alone


def test_the_second_read_and_another_process_s_copy_need_no_file(source):
    cached = with_decoded_cache(source, SIDE, 1)
    first = cached.layers(0, recomposed=False, look=look)
    for path in (source.items[0].photo, source.items[0].alpha):
        path.unlink()
    for again in (cached, pickle.loads(pickle.dumps(cached))):
        second = again.layers(0, recomposed=False, look=look)
        assert np.array_equal(first.foreground, second.foreground) and np.array_equal(first.alpha, second.alpha)


def test_the_size_is_capped(source):
    slot = SIDE * SIDE * 5 + 9
    cached = with_decoded_cache(source, SIDE, 3.5 * slot / 1e9)
    # The last item is both a photo and a foreground, and takes two slots or none.
    assert len(cached.slots) == 2 and cached.file.stat().st_size == 2 * slot
    assert cached.layers(2, recomposed=False).alpha.shape == matte(2).shape
    with pytest.raises(ValueError, match="expected room for a square of 24 pixels of 's'"):
        with_decoded_cache(source, SIDE, 0.5 * slot / 1e9)


def test_ignore_masks_are_kept(source):
    masked = replace(source, ignored=_left_half)
    cached = with_decoded_cache(masked, SIDE, 1)
    for _ in range(2):
        ignore = cached.layers(0, recomposed=False).ignore
        assert ignore.dtype == bool and ignore.shape == STORED
        assert ignore[:, : STORED[1] // 2 - 1].all() and not ignore[:, STORED[1] // 2 + 1 :].any()
    assert with_decoded_cache(source, SIDE, 1).file != cached.file
    assert with_decoded_cache(source, SIDE, 1).layers(0, recomposed=False).ignore is None


def test_labels_are_withheld_of_the_people_that_the_items_now_name(source):
    def withheld(prefix):
        items = [replace(item, identity=f"{prefix}/{item.name}") for item in source.items]
        labelled = with_labels_withheld(replace(source, items=items), 0.5)
        return [
            [bool(one.layers(k, recomposed=False).ignore.all()) for k in range(3)]
            for one in (labelled, with_decoded_cache(labelled, SIDE, 1))
        ]

    direct, cached = zip(*map(withheld, "abc"), strict=True)
    assert direct == cached and len({*map(tuple, direct)}) > 1


def test_the_cache_is_renewed_when_files_change(source):
    before = with_decoded_cache(source, SIDE, 1)
    before.layers(0, recomposed=False)
    save(source.items[0].photo, photo(7))
    os.utime(source.items[0].photo, ns=(0, 0))
    after = with_decoded_cache(source, SIDE, 1)
    assert after.file != before.file
    assert np.array_equal(after.layers(0, recomposed=False).foreground, decoded.resize(photo(7), *STORED))
    assert with_decoded_cache(source, SIDE, 1).file == after.file


def test_bad_files_leave_no_slot_filled(source):
    cached = with_decoded_cache(source, SIDE, 1)
    good = source.items[0].photo.read_bytes()
    source.items[0].photo.write_bytes(good[:50])
    with pytest.raises(ValueError, match=r"photo0\.png"):
        cached.layers(0, recomposed=False)
    source.items[0].photo.write_bytes(good)
    assert np.array_equal(cached.layers(0, recomposed=False).foreground, decoded.resize(photo(0), *STORED))


def _left_half(item, alpha):
    mask = np.zeros(alpha.shape, bool)
    mask[:, : alpha.shape[1] // 2] = True
    return mask
