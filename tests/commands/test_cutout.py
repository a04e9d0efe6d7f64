"""Cut-outs from the command line: what is made, what is passed over, what is refused."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from matting.images import read_alpha, read_rgb, read_rgba, write_png
from matting.inference import newest_run
from matting.inference.jobs import pixels_within
from tests.inference.hostile import write_hostile_files
from tests.test_cli import data, matting, run_folder  # noqa: F401

RNG = np.random.default_rng(0)


def test_more_than_300_hostile_files_get_a_result_or_a_reason(matting, run_folder, tmp_path):  # noqa: F811
    photos, out = tmp_path / "photos", tmp_path / "out"
    refused, perhaps, sound = write_hostile_files(photos)
    before = {path: path.lstat().st_mtime_ns for path in photos.glob("*/*")}
    failed, made = set(), set()
    for folder in sorted(photos.iterdir()):  # one for each ending: results keep the name and change the ending
        code, _, err = matting("cutout", "--checkpoint", run_folder, folder, "-o", out / folder.name)
        assert "Traceback" not in err and code in (0, 1), err
        made |= {folder / (path.stem + "." + folder.name) for path in (out / folder.name).glob("*.png")}
        if code:
            with (out / folder.name / "failures.csv").open(newline="", errors="surrogateescape") as file:
                rows = list(csv.DictReader(file))
            assert all("expected" in row["reason"] and row["photo"] in row["reason"] for row in rows)
            failed |= {Path(row["photo"]) for row in rows}
    assert len(before) >= 300 and made | failed == set(before) and not made & failed
    assert refused <= failed and sound <= made and perhaps & made and perhaps & failed
    assert {path: path.lstat().st_mtime_ns for path in photos.glob("*/*")} == before
    assert not list(out.rglob("*.tmp"))
    for path in out.rglob("*.png"):
        Image.open(path).load()


def test_what_is_done_is_passed_over_until_the_photograph_changes(matting, data, run_folder):  # noqa: F811
    call = ["cutout", "--checkpoint", run_folder, data / "images", "-o", data / "out"]
    assert "2 cut-outs" in matting(*call)[1]
    code, out, _ = matting(*call)
    assert code == 0 and "0 cut-outs" in out and "2 already done" in out
    write_png(data / "images" / "a.png", RNG.integers(0, 256, (30, 30, 3), np.uint8))
    assert "1 cut-outs" in matting(*call)[1] and read_rgba(data / "out" / "a.png").shape == (30, 30, 4)
    code, _, err = matting(*call, "--matte")
    assert code == 1 and "settings of this call" in err and "Traceback" not in err
    assert matting(*call, "--matte", "--overwrite")[0] == 0
    assert Image.open(data / "out" / "a.png").mode == "L"


def test_matte_composite_and_cutout_belong_together(matting, data, run_folder):  # noqa: F811
    write_png(data / "ground.png", np.full((9, 14, 3), (10, 200, 90), np.uint8))
    call = ["cutout", "--checkpoint", run_folder, data / "images" / "a.png", "-o"]
    options = {
        "cutout": ["--clear", "--no-foreground"],
        "matte": ["--matte"],
        "colour": ["--background", "#0ac85a", "--no-foreground"],
        "picture": ["--background", data / "ground.png", "--no-foreground"],
    }
    for name, extra in options.items():
        code, _, err = matting(*call, data / name, *extra)
        assert code == 0, err
    photo, rgba = read_rgb(data / "images" / "a.png"), read_rgba(data / "cutout" / "a.png")
    alpha = read_alpha(data / "matte" / "a.png")
    assert np.array_equal(rgba[..., 3], alpha) and np.array_equal(rgba[alpha > 0, :3], photo[alpha > 0])
    assert not rgba[alpha == 0].any()
    weight = alpha[..., None] / 255
    expected = weight * photo + (1 - weight) * np.array((10, 200, 90))
    for name in ("colour", "picture"):
        assert np.abs(read_rgb(data / name / "a.png") - expected).max() <= 1.01


def test_webp_keeps_the_matte(matting, data, run_folder):  # noqa: F811
    call = ["cutout", "--checkpoint", run_folder, data / "images" / "a.png", "-o"]
    assert matting(*call, data / "png")[0] == matting(*call, data / "webp", "--format", "webp")[0] == 0
    assert np.array_equal(read_rgba(data / "webp" / "a.webp")[..., 3], read_rgba(data / "png" / "a.png")[..., 3])


def test_patterns_and_names_with_brackets(matting, data, run_folder):  # noqa: F811
    (data / "images" / "a.png").rename(data / "images" / "a[1].png")
    call = ["cutout", "--checkpoint", run_folder, "-o"]
    assert "2 cut-outs" in matting(*call, data / "one", f"{data}/im*/*.png")[1]
    assert "1 cut-outs" in matting(*call, data / "two", data / "images" / "a[1].png")[1]
    code, _, err = matting(*call, data / "three", f"{data}/*.tiff")
    assert code == 1 and "match this pattern, found none" in err


def test_the_newest_finished_run_is_taken_and_named(matting, data, run_folder, monkeypatch):  # noqa: F811
    monkeypatch.chdir(data)
    code, _, err = matting("cutout", "images", "-o", "out")
    assert code == 1 and "expected a finished run" in err
    for number, name in enumerate(("old", "new", "unfinished")):
        run = data / "outputs" / name
        (run / "checkpoints").mkdir(parents=True)
        (run / "checkpoints" / "last.ckpt").write_bytes((run_folder / "checkpoints" / "last.ckpt").read_bytes())
        if name != "unfinished":
            (run / "results.json").write_text("{}")
            os.utime(run / "results.json", (1000 + number, 1000 + number))
    assert newest_run().name == "new"
    code, _, err = matting("cutout", "images", "-o", "out")
    assert code == 0 and "newest finished run: outputs/new" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--matte", "--background", "red"], "expected one of --matte and --background"),
        (["--background", "no colour"], "expected a colour such as white"),
        (["--max-memory", 10], "--max-memory: expected more than 300 megabytes"),
        (["--size", 2048], "--max-memory: expected more than 4194 megabytes at 2048 px, found 1500"),
        (["--backend", "onnx"], "expected a model folder with model.onnx"),
        (["--size", 50], "multiple of 32, found 50"),
    ],
)
def test_options_that_cannot_be_met_are_one_line(matting, data, run_folder, options, message):  # noqa: F811
    code, _, err = matting("cutout", "--checkpoint", run_folder, data / "images", "-o", data / "out", *options)
    assert code == 1 and message in err and "Traceback" not in err and not list(data.glob("out/*.png"))


def test_larger_photographs_than_the_memory_allows_are_refused_unopened(matting, data, run_folder):  # noqa: F811
    side = int(pixels_within(301, 512) ** 0.5) + 1
    write_png(data / "images" / "large.png", np.zeros((side, side, 3), np.uint8))
    call = ["cutout", "--checkpoint", run_folder, data / "images", "-o", data / "out", "--max-memory", 301]
    code, out, err = matting(*call)
    assert code == 1 and "2 cut-outs" in out and "large.png: expected at most 0 megapixels" in err


def test_a_checkpoint_that_would_run_code_is_refused(matting, data, tmp_path):  # noqa: F811
    class Harm:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path}/harm",))

    torch.save({"state_dict": {}, "hyper_parameters": Harm()}, tmp_path / "bad.ckpt")
    code, _, err = matting("cutout", "--checkpoint", tmp_path / "bad.ckpt", data / "images", "-o", data / "out")
    assert code == 1 and "expected a checkpoint written by train.py" in err and not (tmp_path / "harm").exists()
