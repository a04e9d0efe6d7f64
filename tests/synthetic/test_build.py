import csv
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from matting.synthetic import CorpusParameters, ensure_corpus
from matting.synthetic.__main__ import main
from matting.synthetic.plan import SCENARIOS, plan_items


def digests(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): hashlib.md5(p.read_bytes()).hexdigest() for p in root.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def corpus(cache: Path) -> Path:
    return ensure_corpus(people=12, seed=3, image_size=96, workers=1, cache_dir=cache, show_progress=False)


def test_the_same_parameters_give_the_same_bytes_on_any_number_of_workers(corpus: Path, tmp_path: Path) -> None:
    again = ensure_corpus(people=12, seed=3, image_size=96, workers=2, cache_dir=tmp_path, show_progress=False)
    assert digests(again) == digests(corpus)


def test_a_larger_corpus_keeps_the_first_images(corpus: Path, cache: Path) -> None:
    larger = ensure_corpus(people=14, seed=3, image_size=96, workers=1, cache_dir=cache, show_progress=False)
    small, large = digests(corpus), digests(larger)
    images = {name: digest for name, digest in small.items() if name.endswith((".jpg", ".png"))}
    assert images.items() <= large.items()
    for names in ("Training_set/training", "Test_set/test"):
        for kind in ("fg", "bg"):
            path = f"Combined_Dataset/{names}_{kind}_names.txt"
            assert (larger / path).read_text().startswith((corpus / path).read_text())


def test_another_seed_gives_other_images(corpus: Path, cache: Path) -> None:
    other = ensure_corpus(people=12, seed=4, image_size=96, workers=1, cache_dir=cache, show_progress=False)
    name = "RWP/image/rwp_000000.jpg"
    assert (other / name).read_bytes() != (corpus / name).read_bytes()


def test_a_second_call_finds_the_corpus(corpus: Path, cache: Path) -> None:
    before = (corpus / "corpus.json").stat().st_mtime_ns
    assert ensure_corpus(people=12, seed=3, image_size=96, cache_dir=cache, show_progress=False) == corpus
    assert (corpus / "corpus.json").stat().st_mtime_ns == before


def test_what_an_interrupted_generation_left_is_not_taken_for_a_corpus(corpus: Path, tmp_path: Path) -> None:
    left = tmp_path / f"{corpus.name}.partial"
    (left / "RWP").mkdir(parents=True)
    (left / "stale.txt").write_text("half a corpus")
    root = ensure_corpus(people=12, seed=3, image_size=96, workers=1, cache_dir=tmp_path, show_progress=False)
    assert not left.exists()
    assert digests(root) == digests(corpus)


def test_a_script_without_a_main_guard_may_ask_for_a_corpus(corpus: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    call = f"ensure_corpus(12, 3, 96, workers=2, cache_dir={str(tmp_path)!r}, show_progress=False)"
    script.write_text(f"from matting.synthetic import CorpusParameters, ensure_corpus\nprint({call})\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert digests(Path(done.stdout.strip())) == digests(corpus)


def test_too_small_a_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="people must be at least 9"):
        ensure_corpus(people=3, cache_dir=tmp_path)
    with pytest.raises(ValueError, match="image_size must be at least 64"):
        ensure_corpus(people=24, image_size=16, cache_dir=tmp_path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two photos of one colour that no renderer paints."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in "ab":
        assert cv2.imwrite(str(folder / f"{name}.png"), np.full((160, 200, 3), (255, 0, 255), np.uint8))
    return folder


def _magenta(folder: Path) -> int:
    """Return how many images of a folder show the colour of the photos in a quarter of their pixels, or more."""
    images = [cv2.imread(str(path)).astype(int) for path in sorted(folder.glob("*.jpg"))]
    shows = [np.minimum(image[..., 0], image[..., 2]) - image[..., 1] > 60 for image in images]
    return sum(bool(show.mean() > 0.25) for show in shows)


def test_half_of_the_training_scenes_are_cut_from_photos_and_none_of_the_test_scenes(
    corpus: Path, photos: Path, tmp_path: Path
) -> None:
    root = ensure_corpus(12, 3, 96, workers=1, cache_dir=tmp_path, show_progress=False, scenes=photos)
    assert root.name != corpus.name
    assert 6 <= _magenta(root / "coco/train2014") <= 18  # of 24
    assert _magenta(root / "VOC2012/JPEGImages") == 0
    assert _magenta(root / "RWP/image") + _magenta(root / "coco/train2017") > 0
    held_out = [row["name"] for row in csv.DictReader((root / "RWP/manifest.csv").open()) if row["split"] != "train"]
    for name in held_out:
        path = f"RWP/image/{name}.jpg"
        assert (root / path).read_bytes() == (corpus / path).read_bytes()


def test_other_photos_are_another_corpus_and_a_moved_folder_is_not(photos: Path, tmp_path: Path) -> None:
    before = CorpusParameters(12, scenes=str(photos)).digest
    moved = photos.rename(tmp_path / "moved")
    assert CorpusParameters(12, scenes=str(moved)).digest == before
    assert cv2.imwrite(str(moved / "c.png"), np.zeros((64, 64, 3), np.uint8))
    assert CorpusParameters(12, scenes=str(moved)).digest != before


def test_a_folder_of_scenes_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected a folder of images, found nothing"):
        ensure_corpus(12, cache_dir=tmp_path, scenes=tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="expected photos without people, found no image"):
        ensure_corpus(12, cache_dir=tmp_path, scenes=tmp_path / "empty")


def test_twenty_four_people_fill_every_set() -> None:
    items = plan_items(24)
    places = [item.place for item in items]
    for place in ("composition-train", "rwp-train", "coco-train"):
        assert places.count(place) >= 3
    assert places.count("rwp-test") + places.count("composition-test") >= 4
    assert {item.scenario for item in plan_items(120) if item.place == "rwp-test"} == set(SCENARIOS)


def test_composition_lists_follow_the_official_rules(corpus: Path) -> None:
    for split, prefix, repeats, pool in (
        ("Training_set", "training", 100, "coco/train2014"),
        ("Test_set", "test", 20, "VOC2012/JPEGImages"),
    ):
        base = corpus / "Combined_Dataset" / split
        foregrounds = (base / f"{prefix}_fg_names.txt").read_text().splitlines()
        backgrounds = (base / f"{prefix}_bg_names.txt").read_text().splitlines()
        assert len(backgrounds) == repeats * len(foregrounds) > 0
        assert all((corpus / pool / name).is_file() for name in backgrounds)
        for name in foregrounds:
            assert len(list(base.glob(f"*/fg/{name}"))) == len(list(base.glob(f"*/alpha/{name}"))) == 1
        if split == "Test_set":
            assert all(len(set(backgrounds[i : i + 20])) == 20 for i in range(0, len(backgrounds), 20))
            trimaps = {f"{Path(name).stem}_{i}.png" for name in foregrounds for i in range(20)}
            assert {p.name for p in base.glob("*/trimaps/*")} == trimaps


def test_the_manifest_describes_the_portraits(corpus: Path) -> None:
    with (corpus / "RWP/manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows} == {p.stem for p in (corpus / "RWP/image").iterdir()}
    assert {row["split"] for row in rows} == {"train", "val", "test"}
    assert {row["difficulty"] for row in rows} <= {"clear", "medium", "hard"}
    for row in rows:
        photo = cv2.imread(str(corpus / f"RWP/image/{row['name']}.jpg"))
        alpha = cv2.imread(str(corpus / f"RWP/alpha/{row['name']}.png"), cv2.IMREAD_UNCHANGED)
        assert photo.shape[:2] == alpha.shape and alpha.max() == 255 and alpha.min() == 0
        assert set(row.values()) >= {"0"}


def test_coco_boxes_and_mattes_belong_to_their_images(corpus: Path) -> None:
    content = json.loads((corpus / "coco/annotations/instances_train2017.json").read_text())
    images = {image["id"]: image for image in content["images"]}
    for entry in content["annotations"]:
        mask = np.zeros((images[entry["image_id"]]["height"], images[entry["image_id"]]["width"]), np.uint8)
        for polygon in entry["segmentation"]:
            cv2.fillPoly(mask, [np.array(polygon, np.int32).reshape(-1, 2)], 1)
        matte = next(
            p
            for p in (corpus / "COCO-Matting/trimap_alpha").glob(f"{entry['image_id']:012d}_*")
            if p.stem.endswith(f"_{entry['id'] % 100:02d}")
        )
        trimap, alpha = np.split(cv2.imread(str(matte), cv2.IMREAD_UNCHANGED), 2, axis=1)
        assert set(np.unique(trimap)) <= {0, 128, 255}
        assert (alpha[trimap == 255] == 255).all() and (alpha[trimap == 0] == 0).all()
        assert np.mean((alpha > 127) != (mask > 0)) < 0.03
        assert entry["bbox"] == list(cv2.boundingRect((alpha > 127).astype(np.uint8)))


def test_the_command_renders_a_corpus_and_never_overwrites_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "look"
    arguments = ["corpus", "-o", str(target), "--people", "12", "--image-size", "96", "--workers", "1"]
    monkeypatch.setattr("sys.argv", arguments)
    assert main() == 0
    assert (target / "contact_sheet.jpg").stat().st_size > 5000
    before = digests(target)
    assert main() == 1
    assert digests(target) == before
    shutil.rmtree(target)
