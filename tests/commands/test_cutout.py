"""Cutouts from the command line: which results are written, skipped and refused."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from matting.images import read_alpha, read_rgb, read_rgba, write_png
from matting.inference.jobs import pixels_within
from matting.models import load_checkpoint
from tests.inference.hostile import write_hostile_files
from tests.test_cli import data, matting, run_folder  # noqa: F401

RNG = np.random.default_rng(0)


def test_more_than_300_hostile_files_get_a_result_or_a_reason(matting, run_folder, tmp_path):  # noqa: F811
    photos, out = tmp_path / "photos", tmp_path / "out"
    refused, perhaps, sound = write_hostile_files(photos)
    before = {path: path.lstat().st_mtime_ns for path in photos.glob("*/*")}
    failed, made = set(), set()
    for folder in sorted(photos.iterdir()):  # one folder per suffix: results keep the name and change the suffix
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


def test_finished_results_are_skipped_until_the_photo_changes(matting, data, run_folder):  # noqa: F811
    call = ["cutout", "--checkpoint", run_folder, data / "images", "-o", data / "out"]
    assert "2 cutouts in" in matting(*call)[1]
    code, out, _ = matting(*call)
    assert code == 0 and "0 cutouts in" in out and "2 already done" in out
    write_png(data / "images" / "a.png", RNG.integers(0, 256, (30, 30, 3), np.uint8))
    assert "1 cutout in" in matting(*call)[1] and read_rgba(data / "out" / "a.png").shape == (30, 30, 4)
    code, _, err = matting(*call, "--matte")
    assert code == 1 and "settings of this call" in err and "Traceback" not in err
    assert matting(*call, "--matte", "--overwrite")[0] == 0
    assert Image.open(data / "out" / "a.png").mode == "L"


def test_other_settings_hold_for_results_of_an_interrupted_call_too(matting, data, run_folder):  # noqa: F811
    """The first call with new settings is stopped after one photo: here it is given only one."""
    call = ["cutout", "--checkpoint", run_folder, "-o", data / "out"]
    assert "2 cutouts in" in matting(*call, data / "images")[1]
    assert matting(*call, data / "images" / "a.png", "--matte", "--overwrite")[0] == 0
    code, out, _ = matting(*call, data / "images", "--matte")
    assert code == 0 and "1 cutout in" in out and "1 already done" in out
    assert Image.open(data / "out" / "b.png").mode == "L"


def test_another_picture_in_the_file_of_the_background_is_another_setting(matting, data, run_folder):  # noqa: F811
    write_png(behind := data / "behind.png", np.zeros((9, 14, 3), np.uint8))
    call = ["cutout", "--checkpoint", run_folder, data / "images", "-o", data / "out", "--background", behind]
    assert matting(*call)[0] == 0 and "2 already done" in matting(*call)[1]
    write_png(behind, np.full((10, 14, 3), 255, np.uint8))
    code, _, err = matting(*call)
    assert code == 1 and "another network, style or background" in err


@pytest.mark.parametrize("theirs", ["a.png", "failures.csv"])
@pytest.mark.parametrize("newer", [True, False])
def test_files_in_a_folder_without_results_are_not_replaced(matting, data, run_folder, theirs, newer):  # noqa: F811
    (out := data / "edited").mkdir()
    (out / theirs).write_bytes(b"the user's own")
    os.utime(out / theirs, ns=(0, 2**62 if newer else 0))
    call = ["cutout", "--checkpoint", run_folder, data / "images", "-o", out]
    code, _, err = matting(*call)
    assert code == 1 and f"{theirs}: expected a new file" in err
    assert files(out) == {theirs: b"the user's own"}
    assert matting(*call, "--overwrite")[0] == 0 and {"a.png", "b.png"} < files(out).keys()


def test_matte_composite_and_cutout_agree(matting, data, run_folder):  # noqa: F811
    write_png(data / "background.png", np.full((9, 14, 3), (10, 200, 90), np.uint8))
    call = ["cutout", "--checkpoint", run_folder, data / "images" / "a.png", "-o"]
    options = {
        "cutout": ["--clear", "--no-foreground"],
        "matte": ["--matte"],
        "colour": ["--background", "#0ac85a", "--no-foreground"],
        "image": ["--background", data / "background.png", "--no-foreground"],
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
    for name in ("colour", "image"):
        assert np.abs(read_rgb(data / name / "a.png") - expected).max() <= 1.01


def test_webp_keeps_the_matte(matting, data, run_folder):  # noqa: F811
    call = ["cutout", "--checkpoint", run_folder, data / "images" / "a.png", "-o"]
    assert matting(*call, data / "png")[0] == matting(*call, data / "webp", "--format", "webp")[0] == 0
    assert np.array_equal(read_rgba(data / "webp" / "a.webp")[..., 3], read_rgba(data / "png" / "a.png")[..., 3])


def test_patterns_and_names_with_brackets(matting, data, run_folder):  # noqa: F811
    (data / "images" / "a.png").rename(data / "images" / "a[1].png")
    call = ["cutout", "--checkpoint", run_folder, "-o"]
    assert "2 cutouts in" in matting(*call, data / "one", f"{data}/im*/*.png")[1]
    assert "1 cutout in" in matting(*call, data / "two", data / "images" / "a[1].png")[1]
    code, _, err = matting(*call, data / "three", f"{data}/*.tiff")
    assert code == 1 and "match this pattern, found none" in err


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
def test_options_that_cannot_be_met_give_one_line(matting, data, run_folder, options, message):  # noqa: F811
    code, _, err = matting("cutout", "--checkpoint", run_folder, data / "images", "-o", data / "out", *options)
    assert code == 1 and message in err and "Traceback" not in err and not list(data.glob("out/*.png"))


def test_photos_that_exceed_the_memory_limit_are_refused_unopened(matting, data, run_folder):  # noqa: F811
    side = int(pixels_within(301, 512) ** 0.5) + 1
    write_png(data / "images" / "large.png", np.zeros((side, side, 3), np.uint8))
    call = ["cutout", "--checkpoint", run_folder, data / "images", "-o", data / "out", "--max-memory", 301]
    code, out, err = matting(*call)
    assert code == 1 and "2 cutouts in" in out and "large.png: expected at most 0 megapixels" in err


def test_a_checkpoint_that_would_run_code_is_refused(matting, data, tmp_path):  # noqa: F811
    class Harm:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path}/harm",))

    torch.save({"state_dict": {}, "hyper_parameters": Harm()}, tmp_path / "bad.ckpt")
    code, _, err = matting("cutout", "--checkpoint", tmp_path / "bad.ckpt", data / "images", "-o", data / "out")
    assert code == 1 and "expected a checkpoint written by train.py" in err and not (tmp_path / "harm").exists()


@pytest.fixture
def here(shipped, tmp_path, monkeypatch):
    """The current directory, with three photos, and shipped models."""
    folder = tmp_path / "here"
    folder.mkdir()
    for name in ("a.jpg", "b.png", "c.jpg"):
        Image.fromarray(RNG.integers(0, 256, (40, 30, 3), np.uint8)).save(folder / name)
    monkeypatch.chdir(folder)
    return folder


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_photo_alone_is_cut_out_by_the_shipped_model(matting, here):  # noqa: F811
    before = files(here)
    code, out, err = matting("cutout", "a.jpg")
    assert code == 0 and out.startswith("1 cutout in ") and out.strip().endswith(" s: a.png"), err
    assert err.startswith("portrait (") and ": Apache-2.0; trained on: tiny" in err
    after = files(here)
    assert after.keys() - before.keys() == {"a.png"} and all(after[name] == before[name] for name in before)
    assert read_rgba(here / "a.png").shape == (40, 30, 4)


def test_a_research_model_is_named_as_such_in_the_first_line(matting, here):  # noqa: F811
    code, _, err = matting("cutout", "a.jpg", "--checkpoint", "portrait-research")
    assert code == 0 and "research only, non-commercial" in err.splitlines()[0]


@pytest.mark.parametrize(
    ("call", "made"),
    [
        (["b.png"], {"b_cutout.png"}),
        (["a.jpg", "c.jpg"], {"a.png", "c.png"}),
        (["a.jpg", "b.png"], {"a.png", "b_cutout.png"}),  # both are photos
        (["a.jpg", "-o", "out.png"], {"out.png"}),
        (["a.jpg", "out.png"], {"out.png"}),
        (["a.jpg", "-o", "out.webp"], {"out.webp"}),
        (["a.jpg", "-o", "OUT.PNG"], {"OUT.PNG"}),
        (["a.jpg", "out.webp"], {"out.webp"}),
        (["a.jpg", "--format", "webp"], {"a.webp"}),
        (["a.jpg", "-o", "new/out.png"], {"new/out.png"}),
        (["a.jpg", "-o", "out"], {"out/a.png", "out/cutout.json"}),
        (["../here/b.png", "--matte"], {"b_cutout.png"}),
    ],
)
def test_which_files_are_written(matting, here, call, made):  # noqa: F811
    before = files(here)
    code, _, err = matting("cutout", *call)
    assert code == 0, err
    assert files(here).keys() - before.keys() == made and before.items() <= files(here).items()
    for name in made:
        assert name.endswith(".json") or Image.open(here / name).size == (30, 40)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (["a.jpg", "-o", "b.png"], "b.png: expected a new file, found one that exists; replace it with --overwrite"),
        (["b.png", "-o", "b.png"], "a cutout would replace this photo"),
        (["b.png", "-o", "b.png", "--overwrite"], "a cutout would replace this photo"),
        (["a.jpg", "c.jpg", "-o", "out.png"], "-o out.png: expected one photo for one file, found 2 photos"),
        (["../here", "-o", "out.png"], "expected one photo for one file, found the folder ../here"),
        (["a.jpg", "-o", "out.jpg"], "-o out.jpg: expected a file name ending in .png or .webp, found '.jpg'"),
        (["a.jpg", "-o", "out.png", "--format", "webp"], "found --format webp and -o out.png"),
        (["."], "expected -o FOLDER for the results of a folder"),
        (["../here", "-o", "."], "-o .: expected another folder than that of the photos"),
        (["a.jpg", "gone.jpg"], "gone.jpg: expected a photo or a folder, found nothing"),
        (["a.jpg", "--checkpoint", "portait"], "did you mean 'portrait'?"),
    ],
)
def test_incompatible_arguments_give_one_line_and_no_file(matting, here, call, message):  # noqa: F811
    before = files(here)
    code, _, err = matting("cutout", *call)
    assert code == 1 and message in err and "Traceback" not in err and files(here) == before


def test_an_existing_file_is_replaced_only_on_demand(matting, here):  # noqa: F811
    assert matting("cutout", "a.jpg")[0] == 0
    code, _, err = matting("cutout", "a.jpg")
    assert code == 1 and "a.png: expected a new file" in err
    assert matting("cutout", "a.jpg", "--overwrite", "--matte")[0] == 0 and Image.open("a.png").mode == "L"


def test_results_inside_the_photo_folder_are_not_taken_as_photos(matting, here, tmp_path):  # noqa: F811
    (here / "deep").mkdir()
    (here / "a.jpg").rename(here / "deep" / "a.jpg")
    for expected in ("3 cutouts in ", "0 cutouts in "):
        code, out, err = matting("cutout", here, "-o", here / "cut")
        assert code == 0 and out.startswith(expected), err
    assert "3 already done" in out
    assert {name for name in files(here / "cut") if name.endswith("png")} == {"deep/a.png", "b.png", "c.png"}
    assert "2 cutouts in" in matting("cutout", "*.*", "-o", "..")[1]  # the photos are below the results


@pytest.fixture
def nobody(shipped):
    """Change the shipped model so that it finds no subject."""
    model = load_checkpoint(shipped / "portrait").model
    model.alpha_head.bias.data -= 9
    model.save_pretrained(shipped / "portrait")


@pytest.mark.parametrize("options", [[], ["--matte"], ["--background", "red"]])
def test_a_photo_without_a_subject(matting, nobody, here, options):  # noqa: F811
    code, out, err = matting("cutout", "a.jpg", "c.jpg", *options)
    assert code == 0 and out.startswith("2 cutouts in ") and "no subject found in 2" in out
    assert "no subject found in a.jpg" in err and "no subject found in c.jpg" in err
    pixels = np.asarray(Image.open("a.png"))
    assert pixels.shape[:2] == (40, 30) and (pixels == ([255, 0, 0] if "red" in options else 0)).all()


def test_every_file_that_looks_like_an_image_is_cut_out_or_named(matting, run_folder, tmp_path):  # noqa: F811
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    image = Image.fromarray(RNG.integers(0, 256, (30, 20, 3), np.uint8))
    for name, form in {"a.jfif": "JPEG", "b.jpe": "JPEG", "c.pgm": "PPM", "d.apng": "PNG", "e": "JPEG"}.items():
        image.convert("L" if form == "PPM" else "RGB").save(photos / name, form)
    (photos / "f.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
    image.save(photos / "g.dng", "TIFF")
    (photos / "notes.txt").write_text("seen")
    code, stdout, err = matting("cutout", "--checkpoint", run_folder, photos, "-o", out)
    assert code == 1 and "5 cutouts in" in stdout and sorted(p.stem for p in out.glob("*.png")) == list("abcde")
    assert "1 of 6 photos failed" in err and "f.HEIC: expected" in err
    assert "g.dng: a raw camera file: develop it" in err and "1 file without an image" in err and "notes.txt" in err


def test_a_folder_without_photos_says_what_is_in_it(matting, run_folder, tmp_path):  # noqa: F811
    (tmp_path / "a.cr2").write_bytes(b"II*\0")
    code, _, err = matting("cutout", "--checkpoint", run_folder, tmp_path, "-o", tmp_path / "out")
    assert code == 1 and "found none in" in err and "a.cr2: a raw camera file" in err


def test_the_matte_stays_within_the_photos_own_transparency(matting, run_folder, tmp_path):  # noqa: F811
    opacity = np.tile(np.linspace(0, 200, 64).astype(np.uint8), (48, 1))
    photo = RNG.integers(0, 256, (48, 64, 3), np.uint8)
    write_png(tmp_path / "opaque.png", photo)
    write_png(tmp_path / "clear.png", np.dstack([photo, opacity]))
    call = ["cutout", "--checkpoint", run_folder, tmp_path / "opaque.png", tmp_path / "clear.png", "--matte"]
    assert matting(*call, "-o", tmp_path / "out")[0] == 0
    free, capped = (read_alpha(tmp_path / "out" / f"{name}.png") for name in ("opaque", "clear"))
    assert (capped <= opacity).all() and np.abs(capped.astype(int) - np.minimum(free, opacity)).max() <= 1
