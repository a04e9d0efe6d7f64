"""Packed data sets: the same items and pixels, from a disk or a store, and damaged shards."""

from pathlib import Path

import fsspec
import numpy as np
import pytest
from pyarrow import parquet

from matting import shards
from matting.data import packing
from matting.data.corpora import disk_corpus
from matting.data.formats import Source, hf_dataset
from matting.data.formats.foregrounds import with_estimated_foregrounds
from matting.data.indexing import catalog_of
from matting.data.packing import pack
from matting.data.verify import find_format, verify
from matting.errors import MattingError
from matting.plan.mixture import Mixture
from matting.plan.plan import EpochPlan, plan_epoch
from tests.data.formats.trees import (
    composition_tree,
    lines,
    matte,
    p3m_tree,
    pair_tree,
    photo,
    save,
)


def silent(items, label):
    return items


def packed(name: str, root: Path, output: Path, size: int = 10**8) -> list[Path]:
    return pack(find_format(name), root, output, silent, workers=1, size=size)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return pair_tree(tmp_path / "own", [f"{k}" for k in range(30)], "images", "alphas", (".jpg", ".png"))


def rgba_tree(root: Path) -> Path:
    for k in range(12):
        save(root / f"{k}.png", np.dstack([photo(k), matte(k)]))
    return root


def rwp_tree(root: Path) -> Path:
    names = [f"{k}" for k in range(6)]
    pair_tree(root, names, "image", "alpha", (".jpg", ".png"))
    from matting.data.formats.manifest import COLUMNS
    from matting.tags import TAGS

    flags = [",".join("1" if tag == TAGS[k % len(TAGS)] else "0" for tag in TAGS) for k in range(6)]
    split, level = ["train", "train", "val", "test", "train", "train"], ["clear", "hard", "medium"]
    rows = [f"{k},{split[k]},{level[k % 3]},person{k % 6},{flags[k]}" for k in range(6)]
    lines(root / "manifest.csv", [",".join(COLUMNS), *rows])
    return root


TREES = {
    "pairs": lambda root: pair_tree(root, [f"{k}" for k in range(12)], "images", "alphas", (".jpg", ".png")),
    "rwp": rwp_tree,
    "p3m10k": p3m_tree,
    "composition1k": composition_tree,
    "rgba": rgba_tree,
    "ppm100": lambda root: pair_tree(root, ["a"], "image", "matte", (".jpg", ".jpg")),
}


def facts(source: Source) -> list[tuple[object, ...]]:
    """What planning and training know of each item."""
    found = []
    for index, item in enumerate(source.items):
        own = "" if item.identity == f"{source.name}/{item.name}" else item.identity
        layers = source.layers(index, recomposed=item.photo is None)
        trimap = source.trimap_reader(item, layers.alpha)
        pixels = [None if part is None else part.tobytes() for part in (*layers, trimap)]
        found.append((item.name, item.difficulty, item.tags, own, item.layered, item.photo is None, pixels))
    return found


@pytest.mark.parametrize("name", TREES)
def test_a_packed_set_has_the_items_of_its_files_in_their_order(name, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "GROUP_BYTES", 2500)  # row groups of one item and of several
    root = TREES[name](tmp_path / "set")
    packed(name, root, tmp_path / "shards", size=20000)
    for split in find_format(name).splits:
        assert facts(hf_dataset(tmp_path / "shards", split)) == facts(find_format(name).reader(root, split=split))


def test_bytes_are_those_of_the_files_and_the_library_of_the_hub_is_told_of_images(own, tmp_path):
    table = parquet.read_table(packed("pairs", own, tmp_path / "shards")[0])
    for row in table.to_pylist():
        assert row["image"] == {"bytes": (own / f"images/{row['name']}.jpg").read_bytes(), "path": f"{row['name']}.jpg"}
        assert row["alpha"]["bytes"] == (own / f"alphas/{row['name']}.png").read_bytes()
    assert b'"_type": "Image"' in table.schema.metadata[b"huggingface"]


def test_the_library_of_the_hub_opens_a_packed_set(own, tmp_path):
    datasets = pytest.importorskip("datasets", reason="not needed otherwise")
    packed("pairs", own, tmp_path / "shards", size=4000)
    found = datasets.load_dataset(str(tmp_path / "shards"), cache_dir=str(tmp_path / "cache"))
    for split, ours in (("train", "train"), ("validation", "val"), ("test", "test")):
        source = hf_dataset(tmp_path / "shards", ours)
        assert found[split]["name"] == [item.name for item in source.items]
        assert np.array_equal(np.asarray(found[split][0]["alpha"]), source.layers(0, recomposed=False).alpha)


def test_the_same_set_gives_the_same_bytes_and_what_is_finished_is_kept(own, tmp_path):
    first, second = (packed("pairs", own, tmp_path / name, size=6000) for name in ("a", "b"))
    assert len(first) > 4
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    kept, gone = first[0].stat().st_ino, first[1]
    gone.unlink()
    assert packed("pairs", own, tmp_path / "a", size=6000) == first
    assert first[0].stat().st_ino == kept and gone.is_file()
    save(own / "images/0.jpg", photo(99))
    again = packed("pairs", own, tmp_path / "a", size=6000)
    assert sum(path.read_bytes() != old.read_bytes() for path, old in zip(again, second, strict=True)) == 1


def test_a_shard_is_written_again_for_other_metadata_of_the_same_files(tmp_path):
    root = rwp_tree(tmp_path / "set")
    for old, new in (("person", "someone"), (",clear,", ",hard,")):
        packed("rwp", root, tmp_path / "shards")
        manifest = root / "manifest.csv"
        manifest.write_text(manifest.read_text().replace(old, new))
        packed("rwp", root, tmp_path / "shards")
        assert facts(hf_dataset(tmp_path / "shards")) == facts(find_format("rwp").reader(root, split="train"))


def test_a_plan_over_a_packed_set_is_that_over_its_files(own, tmp_path):
    packed("pairs", own, tmp_path / "shards", size=6000)
    tables = []
    for name, root in (("pairs", own), ("hf_dataset", tmp_path / "shards")):
        reader = {"own": lambda split, name=name, root=root: find_format(name).reader(root, split=split)}
        catalog = catalog_of(disk_corpus(root, portraits=reader))
        plan = plan_epoch(0, 0, epochs=1, rows=40, catalog=catalog, mixture=Mixture({"portraits": 1}))
        tables.append({column: getattr(plan, column).tolist() for column in EpochPlan.columns()})
    assert tables[0] == tables[1] and len(set(tables[0]["item"])) > 10


@pytest.fixture
def store(own: Path, tmp_path: Path):
    """The address of the packed set in a store that is no folder."""
    memory = fsspec.filesystem("memory")
    for path in packed("pairs", own, tmp_path / "shards", size=6000):
        memory.pipe(f"/bucket/set/{path.name}", path.read_bytes())
    yield "memory://bucket/set"
    memory.rm("/bucket", recursive=True)
    shards.forget()


def test_a_store_is_read_row_by_row(store, own, tmp_path):
    source = hf_dataset(store)
    assert facts(source) == facts(find_format("pairs").reader(own, split="train"))
    assert facts(hf_dataset(Path(store))) == facts(source)  # as of the command line, where a slash is lost
    layered = with_estimated_foregrounds(source, workers=1)
    assert all(item.foreground and item.foreground.is_file() for item in layered.items)
    report = verify(find_format("hf_dataset"), Path(store), silent, workers=2)
    assert report.problems == [] and sum(row.items for row in report.splits) == 30


def test_what_is_kept_of_row_groups_is_bounded(own, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "GROUP_BYTES", 1)
    files = packed("pairs", own, tmp_path / "shards")
    assert parquet.ParquetFile(files[0]).metadata.num_row_groups > 10
    monkeypatch.setattr(shards, "CACHE_BYTES", 8000)
    assert facts(hf_dataset(tmp_path / "shards")) == facts(find_format("pairs").reader(own, split="train"))
    assert 0 < shards._cache._size <= 8000
    assert shards._cache._size == sum(len(cell) for cells in shards._cache._kept.values() for cell in cells)


def test_a_layer_is_read_although_a_neighbour_lacks_it(tmp_path):
    """In one row group, as P3M's blurred foregrounds and AM-2k's trimaps may be there for some items only."""
    root = tmp_path / "set"
    for split, names in {"train": ["m_0", "m_1", "m_2"], "validation": ["m_3"]}.items():
        pair_tree(root / split, names, "original", "mask", (".jpg", ".png"))
    save(root / "train/trimap/m_1.png", np.full_like(matte(1), 128))
    packed("am2k", root, tmp_path / "shards")
    found = hf_dataset(tmp_path / "shards", split="train")
    assert [item.trimap is not None for item in found.items] == [False, True, False]
    assert facts(found) == facts(find_format("am2k").reader(root, split="train"))


def test_what_is_kept_is_counted_right_if_it_is_read_again():
    """A draw reads image and alpha together; either may have been dropped alone."""
    cache, rng = shards._Cache(), np.random.default_rng(0)
    image, alpha = [bytes(2**20)], [bytes(2**10)]
    for group in rng.integers(0, 120, 3000).tolist():
        if any(cache.get((group, column)) is None for column in ("image", "alpha")):
            cache.put((group, "image"), image)
            cache.put((group, "alpha"), alpha)
    held = sum(len(cell) for cells in cache._kept.values() for cell in cells)
    assert cache._size == held <= shards.CACHE_BYTES and held > shards.CACHE_BYTES / 2


@pytest.mark.parametrize(("keep", "message"), [(0.5, "expected a whole Parquet file"), (0.0, "expected a whole")])
def test_a_truncated_shard_is_one_line(keep, message, own, tmp_path):
    path = packed("pairs", own, tmp_path / "shards")[0]
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    with pytest.raises(MattingError, match=rf"{path.name}: {message}") as caught:
        hf_dataset(tmp_path / "shards")
    assert "\n" not in str(caught.value)


def test_a_changed_byte_and_a_missing_shard_are_found(own, tmp_path):
    first, second, *_ = packed("pairs", own, tmp_path / "shards", size=6000)
    data = first.read_bytes()
    place = data.index((own / f"images/{hf_dataset(tmp_path / 'shards').items[0].name}.jpg").read_bytes()) + 300
    first.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    shards.forget()
    report = verify(find_format("hf_dataset"), tmp_path / "shards", silent, workers=1)
    assert report.problems and all(first.name in line and "\n" not in line for line in report.problems)
    second.unlink()
    with pytest.raises(FileNotFoundError, match=r"expected \d+ shards of 'train', found \d+"):
        hf_dataset(tmp_path / "shards")


def test_what_cannot_be_packed_is_refused(own, tmp_path):
    for k in range(12):
        save(tmp_path / f"masks/image/{k}.jpg", photo(k))
        save(tmp_path / f"masks/mask/{k}.png", (matte(k) > 127).astype(np.uint8))
    with pytest.raises(MattingError, match="'masks' has mattes with pixels that are not annotated"):
        packed("masks", tmp_path / "masks", tmp_path / "shards")
    assert not (tmp_path / "shards").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a.parquet").touch()
    with pytest.raises(MattingError, match=r"expected no other Parquet files, found a\.parquet"):
        packed("pairs", own, tmp_path / "other")
