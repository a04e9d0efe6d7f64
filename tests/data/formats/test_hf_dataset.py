"""Data sets in Parquet files: splits by names, unpacking once, cells of every kind, bad files."""

from pathlib import Path

import numpy as np
import pytest

from matting.cache import cache_dir
from matting.data.formats import IncompleteError, hf_dataset
from matting.data.formats.hf_dataset import split_of
from matting.data.formats.splits import hashed_split
from matting.errors import MattingError
from tests.data.formats.trees import encoded, lines, matte, parquet_tree, photo, save, write_parquet


def names(root: Path, split: str) -> list[str]:
    return [item.name for item in hf_dataset(root, split).items]


def test_layers_are_those_that_were_stored(tmp_path):
    source = hf_dataset(parquet_tree(tmp_path, {"data/train-00000-of-00001": range(40)}))
    for index, item in enumerate(source.items):
        seed = int(item.name.rpartition("/")[2])
        layers = source.layers(index, recomposed=False)
        assert np.array_equal(layers.alpha, matte(seed))
        assert np.abs(layers.foreground.astype(int) - photo(seed)).mean() < 4


@pytest.mark.parametrize(
    ("file", "split"),
    [
        ("data/train-00000-of-00001.parquet", "train"),
        ("data/validation-00001-of-00002.parquet", "val"),
        ("Test/0000.parquet", "test"),
        ("dev/part.parquet", "val"),
        ("test_sets/train.parquet", "train"),
        ("latest/contest.parquet", "train"),
    ],
)
def test_names_of_files_and_folders_assign_splits(file, split):
    assert split_of(Path(file)) == split


def test_files_of_all_splits_are_used_as_they_are(tmp_path):
    root = parquet_tree(tmp_path, {"train-0": range(4), "validation-0": range(4, 6), "test-0": range(6, 9)})
    assert [len(names(root, split)) for split in ("train", "val", "test")] == [4, 2, 3]


def test_a_missing_split_is_a_hashed_part_of_the_training_rows(tmp_path):
    root = parquet_tree(tmp_path, {"data/train-0": range(60), "data/test-0": range(60, 63)})
    train, val, test = (names(root, split) for split in ("train", "val", "test"))
    assert test == [f"data/test-0/{k:06d}" for k in range(3)]
    rows = [f"data/train-0/{k:06d}" for k in range(60)]
    assert val == [name for name in rows if hashed_split(name) == "val"] and val
    assert train == [name for name in rows if hashed_split(name) != "val"]


def test_a_list_overrides_the_names(tmp_path):
    root = parquet_tree(tmp_path / "set", {"train": range(3), "test": range(3)})
    listed = lines(tmp_path / "list.csv", ["train/000001,test", "test/000002,train"])
    assert [item.name for item in hf_dataset(root, "test", listed).items] == ["train/000001"]
    assert [item.name for item in hf_dataset(root, "train", listed).items] == ["test/000002"]


def test_images_are_unpacked_once_and_again_when_the_file_changes(tmp_path):
    root = parquet_tree(tmp_path, {"train": range(6), "val": range(1), "test": range(1)})
    first = hf_dataset(root).items[0].photo
    written = first.stat().st_mtime_ns
    assert hf_dataset(root).items[0].photo == first and first.stat().st_mtime_ns == written
    assert not any("partial" in path.name for path in (cache_dir() / "hf_dataset").iterdir())
    parquet_tree(root, {"train": range(7)})
    assert len(hf_dataset(root)) == 7 and hf_dataset(root).items[0].photo != first


def test_cells_are_bytes_or_name_files_and_columns_have_any_name(tmp_path):
    save(tmp_path / "photos/a b.png", photo(1))
    cells = [{"bytes": None, "path": "photos/a b.png"}]
    write_parquet(tmp_path / "train.parquet", picture=cells, matte=[encoded(matte(1), "PNG")])
    for split in ("val", "test"):
        write_parquet(tmp_path / f"{split}.parquet", picture=cells, matte=[encoded(matte(1), "PNG")])
    layers = hf_dataset(tmp_path, image="picture", alpha="matte").layers(0, recomposed=False)
    assert np.array_equal(layers.foreground, photo(1)) and np.array_equal(layers.alpha, matte(1))
    with pytest.raises(MattingError, match=r"expected the columns image and alpha, found picture, matte; name the"):
        hf_dataset(tmp_path)


def test_a_row_without_a_matte_is_named(tmp_path):
    photos = [{"bytes": encoded(photo(k), "PNG"), "path": None} for k in range(2)]
    mattes = [None, {"bytes": None, "path": "gone.png"}]
    for split in ("train", "val", "test"):
        write_parquet(tmp_path / f"{split}.parquet", image=photos, alpha=mattes)
    with pytest.raises(IncompleteError, match=r"row train/000000 has no alpha; row train/000001 has no alpha"):
        hf_dataset(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"PAR1 not really", "expected a whole Parquet file, found"), (b"", "expected a whole Parquet file")],
)
def test_a_damaged_file_is_one_line(tmp_path, content, message):
    (tmp_path / "train.parquet").write_bytes(content)
    with pytest.raises(MattingError, match=rf"train\.parquet: {message}") as caught:
        hf_dataset(tmp_path)
    assert "\n" not in str(caught.value)
    assert not any("partial" in path.name for path in (cache_dir() / "hf_dataset").glob("*"))


def test_a_folder_without_parquet_files_and_cells_of_numbers_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected Parquet files, found none"):
        hf_dataset(tmp_path)
    write_parquet(tmp_path / "train.parquet", image=[1], alpha=[2])
    with pytest.raises(MattingError, match="expected cells with the bytes of an image, found int"):
        hf_dataset(tmp_path)
