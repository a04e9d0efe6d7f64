"""Atomic writes, tables and stamps."""

import csv
import errno
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matting.files import (
    StorageError,
    csv_text,
    dated,
    digest,
    json_text,
    read_csv,
    replacing,
    stamp,
    write_atomic,
    write_csv,
    write_records,
)

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=9)


def test_interrupted_write_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    write_atomic(target, b"old")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_atomic(target, b"new")
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


def test_a_failure_while_the_file_is_filled_leaves_the_old_one(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(target) as temporary:
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("number", "found"),
    [
        (errno.ENOSPC, "a full disk"),
        (errno.EROFS, "a read-only disk"),
        (errno.EACCES, "no permission"),
        (errno.EIO, None),
    ],
)
def test_a_place_that_takes_nothing_more_is_distinguished_from_other_errors(tmp_path, monkeypatch, number, found):
    def refuse(*_):
        raise OSError(number, os.strerror(number), "x")

    for method in ("write_bytes", "unlink"):  # of a read-only disk nothing can be removed either
        monkeypatch.setattr(Path, method, refuse)
    with pytest.raises(OSError) as caught:
        write_atomic(tmp_path / "a.txt", b"new")
    assert isinstance(caught.value, StorageError) == (found is not None)
    if found:
        expected = f"a.txt: expected to be able to write this file, found {found}; make room or choose another folder"
        assert expected in str(caught.value) and "\n" not in str(caught.value)


@given(st.lists(st.tuples(TEXT, TEXT)))
def test_a_table_is_read_as_it_was_written(rows):
    lines = csv.DictReader(io.StringIO(csv_text(["name", "why"], rows), newline=""))
    assert [(line["name"], line["why"]) for line in lines] == rows


def test_records_share_their_columns(tmp_path):
    write_records(tmp_path / "a.csv", [{"a": 1}, {"b": 2, "a": 3}], missing=0)
    assert (tmp_path / "a.csv").read_text() == "a,b\n1,0\n3,2\n"
    assert read_csv(tmp_path / "a.csv") == [{"a": "1", "b": "0"}, {"a": "3", "b": "2"}]


def test_a_name_that_is_not_utf8_can_be_listed(tmp_path):
    name = os.fsdecode(b"\xff.jpg")
    write_csv(tmp_path / "a.csv", ["photo"], [[Path(name)]])
    assert (tmp_path / "a.csv").read_bytes() == b"photo\n\xff.jpg\n"


def test_a_stamp_differs_by_path_size_and_time(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    stamps = []
    for file, content, time in ((first, b"x", 1), (second, b"x", 1), (first, b"xy", 1), (first, b"x", 2)):
        file.write_bytes(content)
        os.utime(file, ns=(time, time))
        stamps.append(stamp(file))
    assert len({digest([one]) for one in stamps}) == 4
    os.utime(first, ns=(1, 1))
    assert stamp(first) == stamps[0]


def test_a_number_that_json_lacks_is_refused():
    assert json_text({"mean": None}) == '{\n  "mean": null\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"mean": float("nan")})


def test_the_date_of_a_folder_is_that_of_its_files_but_not_of_results_in_it(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a").write_bytes(b"x")
    os.utime(tmp_path / "set/a", (0, 10**9))
    out = tmp_path / "set/reports/out"
    before = dated(tmp_path / "set", out)
    out.mkdir(parents=True)
    (out / "unfinished.jsonl").write_bytes(b"y")
    assert dated(tmp_path / "set", out) == before != dated(tmp_path / "set")
    os.utime(tmp_path / "set/a", (0, 2 * 10**9))
    assert dated(tmp_path / "set", out) != before
    assert dated(out, tmp_path / "set"), "results may also lie above"
