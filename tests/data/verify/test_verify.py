"""Verification: what is found on good and on damaged trees."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from matting.data.formats import Item, Source
from matting.data.verify import FORMATS, Report, find_format, inspect_item, verify
from matting.data.verify.inspection import perceptual_hash
from matting.data.verify.report import SAME_IMAGE
from tests.data.formats.test_coco import coco_matting_tree, instances_tree
from tests.data.formats.trees import (
    SIZE,
    annotation,
    coco_tree,
    composition_tree,
    distinctions_tree,
    matte,
    p3m_tree,
    pair_tree,
    parquet_tree,
    photo,
    save,
    voc_tree,
)


def run(name: str, root: Path, **options: object) -> Report:
    return verify(find_format(name), root, lambda futures, label: futures, workers=1, **options)


def aisegment_tree(root: Path) -> Path:
    for k in range(30):
        save(root / f"clip_img/1/clip_0/{k}.jpg", photo(k))
        save(root / f"matting/1/matting_0/{k}.png", np.dstack([photo(k), matte(k)]))
    return root


def aim_tree(root: Path) -> Path:
    (root / "original").mkdir(parents=True)
    (root / "aim_category_type.json").write_text('{"a.jpg": "portrait"}')
    return pair_tree(root, ["a"], "original", "mask", (".jpg", ".png"))


def am2k_tree(root: Path) -> Path:
    for seed, split in enumerate(("train", "validation")):
        pair_tree(root / split, [f"m_{seed}"], "original", "mask", (".jpg", ".png"), first=seed)
    return root


def portraits_tree(root: Path) -> Path:
    coco_tree(root, [annotation(11, (5.0, 6.0, 30.0, 46.0))], {11: "val2017"}, "val")
    return instances_tree(root)


def rgba_tree(root: Path) -> Path:
    for k in range(30):
        save(root / f"{k}.png", np.dstack([photo(k), matte(k)]))
    return root


def masks_tree(root: Path) -> Path:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    for k in range(30):
        save(root / f"image/{k}.jpg", photo(k))
        save(root / f"mask/{k}.png", (np.hypot(rows - 24, columns - 18) < 8 + k % 4).astype(np.uint8))
    return root


TREES = {
    "composition1k": composition_tree,
    "distinctions646": distinctions_tree,
    "rwp": lambda root: pair_tree(root, [f"{k}" for k in range(30)], "image", "alpha", (".jpg", ".png")),
    "rwp636": lambda root: pair_tree(root, ["a"], "image", "alpha", (".jpg", ".png")),
    "p3m10k": p3m_tree,
    "ppm100": lambda root: pair_tree(root, ["a"], "image", "matte", (".jpg", ".jpg")),
    "aim500": aim_tree,
    "am2k": am2k_tree,
    "aisegment": aisegment_tree,
    "coco_matting": lambda root: coco_matting_tree(root)[0],
    "coco_instances": portraits_tree,
    "masks": masks_tree,
    "pairs": lambda root: pair_tree(root, [f"{k}" for k in range(30)], "images", "alphas", (".jpg", ".png")),
    "hf_dataset": lambda root: parquet_tree(root, {"data/train-00000-of-00001": range(30)}),
    "rgba": rgba_tree,
}


def test_every_format_is_documented():
    text = (Path(__file__).parents[3] / "docs/datasets.md").read_text()
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    for entry in FORMATS:
        assert any(f"`{entry.name}`" in heading for heading in headings), entry.name


def test_every_format_has_a_tree():
    assert TREES.keys() == {entry.name for entry in FORMATS}


@pytest.mark.parametrize("name", TREES)
def test_a_good_tree_is_read_to_the_last_file(tmp_path, name):
    report = run(name, TREES[name](tmp_path / name))
    assert report.problems == []
    assert sum(row.items for row in report.splits) > 0 and all(row.bad == 0 for row in report.splits)


def damage(root: Path, kind: str) -> None:
    path = root / "image/1.jpg"
    data = path.read_bytes()
    cmyk, huge = io.BytesIO(), io.BytesIO()
    Image.fromarray(photo(1)).convert("CMYK").save(cmyk, "JPEG")
    Image.fromarray(photo(1, (10, 10))).save(huge, "JPEG")
    content = {"truncated": data[: len(data) // 2], "zero": b"", "text": b"<html>404</html>", "cmyk": cmyk.getvalue()}
    path.write_bytes(content.get(kind, huge.getvalue()))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("truncated", r"1\.jpg: expected JPEG.*(?i:truncated)"),
        ("zero", r"1\.jpg: expected JPEG"),
        ("text", r"1\.jpg: expected JPEG"),
        ("size", r"1\.jpg is 10x10, its matte .*1\.png 36x48"),
        ("cmyk", None),
    ],
)
def test_damaged_files_are_found(tmp_path, kind, text):
    root = TREES["rwp"](tmp_path / "set")
    damage(root, kind)
    report = run("rwp", root)
    if text is None:
        assert not [line for line in report.problems if "1.jpg" in line]
        return
    assert len(report.problems) == 1 and sum(row.bad for row in report.splits) == 1
    with pytest.raises(AssertionError, match=text):
        raise AssertionError(report.problems[0])


def test_trimaps_are_read_and_compared_with_their_mattes(tmp_path):
    root = TREES["am2k"](tmp_path / "set")
    trimap = root / "train/trimap/m_0.png"
    trimap.parent.mkdir()
    for content, text in ((np.zeros((9, 9), np.uint8), "expected a trimap of"), (None, "m_0.png: expected JPEG")):
        trimap.write_bytes(b"no image") if content is None else save(trimap, content)
        problems = run("am2k", root).problems
        assert len(problems) == 1 and text in problems[0]
    save(trimap, np.where(matte(0) > 127, 0, 255).astype(np.uint8))
    report = run("am2k", root)
    assert not report.problems and any("opposite of the matte" in line for line in report.doubts)


def test_every_bad_mask_is_listed_and_hard_edges_that_are_ignored_raise_no_doubt(tmp_path):
    root = masks_tree(tmp_path)
    assert run("masks", root).doubts == []
    for k in range(3):
        save(root / f"mask/{k}.png", np.zeros(SIZE, np.uint8))
    save(root / "mask/3.png", photo(3))
    problems = run("masks", root).problems
    for k, text in enumerate(["found background only"] * 3 + ["found colours"]):
        assert any(f"/{k}.png: expected" in line and text in line for line in problems), k


def test_missing_partners_and_folders_are_reported_together(tmp_path):
    root = p3m_tree(tmp_path, layers=False)
    (root / "train/mask/p_2.png").unlink()
    for path in sorted((root / "validation/P3M-500-NP").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (root / "validation/P3M-500-NP").rmdir()
    report = run("p3m10k", root)
    assert [row.split for row in report.splits] == ["train", "val"]
    assert "p_2.jpg has no matte" in report.problems[0]
    assert "split 'test' cannot be opened: expected the test set of P3M-10k" in report.problems[1]
    assert "no foreground layer" in report.notes[0]
    assert "train: 1 items, but 9421 were published" in report.doubts


def test_official_composites_are_checked_where_their_backgrounds_are(tmp_path):
    root, backgrounds = composition_tree(tmp_path / "set"), voc_tree(tmp_path / "voc")
    assert "composites were not checked" in run("composition1k", root).notes[0]
    assert not run("composition1k", root, backgrounds=backgrounds).problems
    (backgrounds / "2008_000003.jpg").unlink()
    report = run("composition1k", root, backgrounds=backgrounds)
    assert "1 of 40 backgrounds are missing" in report.problems[0] and "PASCAL VOC 2012" in report.problems[0]


def test_a_leak_between_splits_is_found_through_scaling_and_recoding(tmp_path):
    root = p3m_tree(tmp_path)
    copied = cv2.resize(photo(0), (54, 72), interpolation=cv2.INTER_CUBIC)
    save(root / "validation/P3M-500-NP/original_image/P3M-500-NP_1.jpg", copied, quality=60)
    save(root / "validation/P3M-500-NP/mask/P3M-500-NP_1.png", matte(0, (72, 54)))
    save(root / "validation/P3M-500-NP/trimap/P3M-500-NP_1.png", np.full((72, 54), 128, np.uint8))
    save(root / "validation/P3M-500-P/blurred_image/P3M-500-P_1.jpg", photo(77))
    report = run("p3m10k", root)
    assert report.problems == ["'P3M-500-NP_1' of test looks like 'p_1' of train: a leak"]


def detailed(seed: int) -> np.ndarray:
    """An image with structure at every scale that the hash looks at, as photos have."""
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 9, 3), np.uint8)
    return cv2.resize(coarse, (216, 288), interpolation=cv2.INTER_CUBIC)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(40, 95), st.floats(0.5, 1.8))
def test_the_hash_survives_scaling_and_jpeg_and_distinguishes_images(seed, quality, scale):
    image, other = (detailed(number) for number in (seed, seed + 1))
    scaled = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", scaled[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    again = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    assert (perceptual_hash(image) ^ perceptual_hash(again)).bit_count() <= SAME_IMAGE
    assert (perceptual_hash(image) ^ perceptual_hash(other)).bit_count() > SAME_IMAGE


def test_bare_foregrounds_are_hashed_by_what_is_seen(tmp_path):
    alpha, other = save(tmp_path / "a.png", matte(0)), photo(5)
    hidden = np.where((matte(0) == 0)[..., None], other, photo(0))
    items = [Item(str(k), alpha, foreground=save(tmp_path / f"{k}f.png", p)) for k, p in enumerate((photo(0), hidden))]
    first, second = (inspect_item(Source("s", items), k).fingerprint for k in range(2))
    assert first == second


def test_an_interruption_ends_the_inspection(tmp_path):
    def interrupted(futures, label):
        yield futures[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(find_format("rwp"), TREES["rwp"](tmp_path), interrupted, workers=1)


def test_an_unknown_format_lists_the_known():
    with pytest.raises(ValueError, match=r"expected a format of composition1k, .*, rgba, found 'adobe'"):
        find_format("adobe")
