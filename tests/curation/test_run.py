"""A curation as a folder: every format, stamps of changed files, and resuming after an interruption."""

import os

import numpy as np
import pytest

from matting.curation import run
from matting.curation.ledger import read_lines, resume
from matting.curation.run import RegionError, measure_all, open_curation, start_curation
from matting.curation.verdicts import Audited, judge
from matting.data.formats import Item, Source
from matting.images import write_png
from tests.data.formats.trees import pair_tree
from tests.data.verify.test_verify import TREES

LAYERS_ONLY = {"composition1k", "distinctions646", "rgba"}


def silent(things, label):
    return things


@pytest.mark.parametrize("name", TREES)
def test_every_format_opens_with_all_its_splits(tmp_path, name):
    root, out = TREES[name](tmp_path / name), tmp_path / "out"
    if name in LAYERS_ONLY:
        with pytest.raises(ValueError, match="has no photo"):
            start_curation(out, name, root, ())
        return
    curation = start_curation(out, name, root, ())
    for pair in map(curation.read, curation.items):
        assert pair.photo.shape[:2] == pair.alpha.shape
    assert list(open_curation(out).items) == list(curation.items)


def test_an_image_of_two_splits_is_listed_once(tmp_path):
    root = TREES["am2k"](tmp_path / "am2k")
    assert list(start_curation(tmp_path / "a", "am2k", root, ["test", "val"]).items) == ["m_1"]
    assert list(start_curation(tmp_path / "b", "am2k", root, ["train", "val", "test"]).items) == ["m_0", "m_1"]


def test_two_pairs_of_one_name_are_refused(tmp_path):
    for split in ("train", "validation"):
        pair_tree(tmp_path / "am2k" / split, ["m"], "original", "mask", (".jpg", ".png"))
    with pytest.raises(ValueError, match=r"named 'm'.*one --split"):
        start_curation(tmp_path / "out", "am2k", tmp_path / "am2k", ())


def test_each_split_reads_mattes_in_its_own_way(tmp_path):
    def filled(value):
        return lambda path: np.full((8, 8), value, np.uint8)

    write_png(tmp_path / "p.png", np.zeros((8, 8, 3), np.uint8))
    parts = [
        Source("drawn", [Item(f"{value}", tmp_path / "p.png", tmp_path / "p.png")], alpha_reader=filled(value))
        for value in (10, 200)
    ]
    curation = run.Curation(tmp_path, parts)
    assert [curation.read(name).alpha.max() for name in ("10", "200")] == [10, 200]


def test_stamp_knows_every_file_that_is_read(tmp_path):
    paths = [tmp_path / f"{k}.png" for k in range(4)]
    for path in paths:
        write_png(path, np.zeros((8, 8), np.uint8))
    regions = tmp_path / "regions"
    regions.mkdir()
    item = Item("a", paths[0], paths[1], paths[2], paths[3])
    curation = run.Curation(tmp_path / "out", [Source("drawn", [item])], regions)
    stamps = [curation.stamp("a")]
    for path in [*paths, regions / "a.png"]:
        write_png(path, np.zeros((8, 8), np.uint8))
        os.utime(path, ns=(0, 10**9 * len(stamps)))
        stamps.append(curation.stamp("a"))
    assert len(set(stamps)) == len(stamps) and curation.stamp("a") == stamps[-1]


def test_error_that_passes_is_measured_again(tmp_path, monkeypatch):
    curation = start_curation(tmp_path / "out", "ppm100", TREES["ppm100"](tmp_path / "ppm"), ())
    with monkeypatch.context() as patch:
        patch.setattr(run.Curation, "read", lambda self, name: (_ for _ in ()).throw(OSError("the disk went away")))
        (failed,) = measure_all(curation, silent, workers=1)
    assert failed.problem == "the disk went away"
    assert judge(failed, {}, Audited("accept", "")).reasons == ("unreadable",)
    (measured,) = measure_all(curation, silent, workers=1)
    assert not measured.problem and measured.scores


def test_pair_that_opencv_cannot_take_is_a_problem_of_the_pair(tmp_path, monkeypatch):
    import cv2

    curation = start_curation(tmp_path / "out", "ppm100", TREES["ppm100"](tmp_path / "ppm"), ())
    monkeypatch.setattr(run, "measure", lambda pair: cv2.remap(pair.photo, None, None, 0))
    (failed,) = measure_all(curation, silent, workers=1)
    assert "a bug in this program" in failed.problem and not failed.scores


def test_wrong_labels_of_regions_stop_the_run(tmp_path):
    root, regions = TREES["ppm100"](tmp_path / "ppm"), tmp_path / "regions"
    regions.mkdir()
    write_png(regions / "a.png", np.zeros((3, 5), np.uint8))
    curation = start_curation(tmp_path / "out", "ppm100", root, (), regions)
    with pytest.raises(RegionError, match="found 5 x 3; correct"):
        measure_all(curation, silent, workers=1)
    shape = run.Curation(tmp_path, curation.parts).read("a").alpha.shape
    write_png(regions / "a.png", np.full(shape, 7, np.uint8))
    with pytest.raises(RegionError, match="found 7; correct"):
        measure_all(curation, silent, workers=1)


def test_ledger_keeps_valid_lines_and_resumes_after_an_interruption(tmp_path):
    path, asked = tmp_path / "lines.jsonl", []

    def find(names):
        for name in names:
            asked.append(name)
            if name == "stop":
                raise KeyboardInterrupt
            yield {"problem": "bad" if name == "bad" else "", "value": len(name)}

    stamps = dict.fromkeys(("a", "bad", "stop", "z"), ("1", "x"))
    with pytest.raises(KeyboardInterrupt):
        resume(path, stamps, find)
    assert [line["name"] for line in read_lines(path)] == ["a", "bad"]
    path.write_text(path.read_text() + '{"name": "sto')
    asked.clear()
    lines = resume(path, dict.fromkeys(("z", "bad", "a"), ("1", "x")), find)
    assert asked == ["z", "bad"] and [line["name"] for line in lines] == ["z", "bad", "a"]
    asked.clear()
    resume(path, {"a": ("2", "x"), "z": ("1", "x")}, find)
    assert asked == ["a"]
