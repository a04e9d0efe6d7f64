import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matting.data import formats
from matting.data.formats.manifest import COLUMNS, Row, read_manifest
from matting.data.formats.splits import SPLITS
from matting.errors import MattingError
from matting.plan.curriculum import DIFFICULTIES
from matting.tags import TAGS
from tests.data.formats.trees import pair_tree

NAMES = ["ana 1", "ana 2", "bo", "cy"]


def row(name: str, split: str = "train", identity: str = "", difficulty: str = "clear", **tags: str) -> dict[str, str]:
    return (
        dict.fromkeys(TAGS, "0") | {"name": name, "split": split, "identity": identity, "difficulty": difficulty} | tags
    )


def write_manifest(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


def tree(root: Path) -> Path:
    return pair_tree(root, NAMES, "image", "alpha", (".jpg", ".png"))


def test_the_manifest_gives_order_labels_and_splits(tmp_path):
    rows = [
        row("cy", difficulty="hard", backlit="1", glasses="TRUE", note="free columns are allowed"),
        row("bo", "test", "bo"),
        row("ana 2", identity="ana"),
        row("ana 1", identity="ana", difficulty="medium", tiny="true"),
    ]
    rows = [{"note": ""} | one for one in rows]
    write_manifest(tree(tmp_path) / "manifest.csv", rows)
    source = formats.rwp(tmp_path)
    assert [item.name for item in source.items] == ["cy", "ana 2", "ana 1"]
    assert [item.difficulty for item in source.items] == ["hard", "clear", "medium"]
    assert [item.tags for item in source.items] == [{"backlit", "glasses"}, set(), {"tiny"}]
    assert [item.identity for item in source.items] == ["rwp/cy", "rwp/ana", "rwp/ana"]
    assert [item.name for item in formats.rwp(tmp_path, "test").items] == ["bo"]
    assert not source.notes


def test_without_a_manifest_the_source_notes_what_is_missing(tmp_path):
    names = [f"p{k}" for k in range(40)]
    pair_tree(tmp_path, names, "image", "alpha", (".jpg", ".png"))
    found = [formats.rwp(tmp_path, split) for split in SPLITS]
    assert sorted(item.name for source in found for item in source.items) == sorted(names)
    for word in ("manifest", "clear", "attribute tags", "splits"):
        assert word in found[0].notes[0]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (row("bo", split="dev"), r"row 2 \('bo'\): split is 'dev', expected train/val/test"),
        (row("bo", difficulty="easy"), "difficulty is 'easy', expected clear/medium/hard"),
        (row("bo", hat="yes"), "hat is 'yes', expected 0/false/1/true"),
        (row("bo", hat=""), "hat is '', expected 0/false/1/true"),
        (row("a"), "row 2: expected a unique name, found 'a'"),
        (row(""), "row 2: expected a unique name, found ''"),
        (row("bo", "test", "ana"), "identity 'ana' is in the splits test and train"),
    ],
)
def test_bad_rows_are_refused(tmp_path, changed, text):
    path = write_manifest(tmp_path / "manifest.csv", [row("a", identity="ana"), changed])
    with pytest.raises(ValueError, match=rf"manifest\.csv: .*{text}"):
        read_manifest(path)


@pytest.mark.parametrize("column", ["split", "low_resolution"])
def test_missing_columns_are_named(tmp_path, column):
    rows = [{key: value for key, value in row("a").items() if key != column}]
    with pytest.raises(ValueError, match=f"missing: {column}; add them"):
        read_manifest(write_manifest(tmp_path / "manifest.csv", rows))


def test_manifest_and_folders_must_list_the_same_images(tmp_path):
    write_manifest(tree(tmp_path) / "manifest.csv", [row("cy"), row("bo"), row("ana 1"), row("dee")])
    with pytest.raises(formats.IncompleteError) as caught:
        formats.rwp(tmp_path)
    assert caught.value.problems == ["'dee' of manifest.csv has no image/alpha pair", "'ana 2' is not in manifest.csv"]
    assert [item.name for item in caught.value.source.items] == ["cy", "bo", "ana 1"]


def test_two_manifests_are_refused(tmp_path):
    write_manifest(tree(tmp_path) / "manifest.csv", [row(name) for name in NAMES])
    (tmp_path / "manifest.parquet").write_bytes(b"")
    with pytest.raises(ValueError, match=r"expected one manifest, found manifest\.csv and manifest\.parquet"):
        formats.rwp(tmp_path)


rows_strategy = st.lists(
    st.tuples(
        st.text("abc é", min_size=1).filter(lambda name: name.strip() == name),
        st.sampled_from(SPLITS),
        st.sampled_from(DIFFICULTIES),
        st.frozensets(st.sampled_from(TAGS)),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda values: values[0],
)


@given(rows_strategy)
def test_what_is_written_is_read(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "round_trip.csv"
    written = [row(name, split, name, level, **dict.fromkeys(tags, "1")) for name, split, level, tags in rows]
    expected = [Row(name, split, level, name, tags) for name, split, level, tags in rows]
    assert read_manifest(write_manifest(path, written)) == expected


def test_parquet_is_read_as_csv_is(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [row("cy", difficulty="hard", identity="cy"), row("bo", "test", identity="bo")]
    typed = [{key: value == "1" if key in TAGS else value for key, value in one.items()} for one in rows]
    typed[0]["glasses"] = True
    parquet.write_table(pyarrow.Table.from_pylist(typed), tmp_path / "manifest.parquet")
    rows[0]["glasses"] = "1"
    expected = read_manifest(write_manifest(tmp_path / "manifest.csv", rows))
    assert read_manifest(tmp_path / "manifest.parquet") == expected
    alone = [one | {"identity": None} for one in typed]  # nobody of them is known: they are not one person
    parquet.write_table(pyarrow.Table.from_pylist(alone), tmp_path / "manifest.parquet")
    assert [one.identity for one in read_manifest(tmp_path / "manifest.parquet")] == ["", ""]
    (tmp_path / "manifest.parquet").write_bytes(b"PAR1")
    with pytest.raises(MattingError, match=r"manifest\.parquet: expected a whole Parquet file"):
        read_manifest(tmp_path / "manifest.parquet")
    parquet.write_table(pyarrow.Table.from_pylist([{"name": "a"}]), tmp_path / "manifest.parquet")
    with pytest.raises(ValueError, match=f"missing: {', '.join(COLUMNS[1:])}"):
        read_manifest(tmp_path / "manifest.parquet")
