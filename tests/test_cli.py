import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.errors import HydraException
from PIL import Image

from matting import models
from matting.cli import main
from matting.errors import MattingError
from matting.evaluation import scoring
from matting.files import short_names
from matting.images import read_rgb, read_rgba, write_png
from matting.inference.jobs import plan_jobs
from matting.models import AttentionUNet
from tests.conftest import MINIATURE

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run folder as training leaves it, with a small untrained network."""
    options = {"encoder": "resnet18", "decoder_channels": [16, 16, 16, 8, 8], "detail_channels": 4}
    model = AttentionUNet(**options, pretrained=False)
    torch.nn.init.constant_(model.alpha_head.bias, 1.0)  # it predicts foreground everywhere
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    (folder / "checkpoints").mkdir(parents=True)
    content = {
        "state_dict": {f"model.{key}": value for key, value in model.state_dict().items()},
        "hyper_parameters": {"model": options, "size": 64, "corpus": "synthetic corpus, not real data"},
    }
    torch.save(content, folder / "checkpoints" / "last.ckpt")
    return folder


@pytest.fixture
def data(tmp_path):
    for name in "ab":
        photo = RNG.integers(0, 256, (50, 40, 3), np.uint8)
        matte = np.zeros((50, 40), np.uint8)
        matte[10:40, 8:30] = 255
        guess = matte // 2
        guess[20:30] *= 2  # more than one level: two alone could be class numbers
        for folder, image in {"images": photo, "alphas": matte, "predictions": guess}.items():
            (tmp_path / folder).mkdir(exist_ok=True)
            write_png(tmp_path / folder / f"{name}.png", image)
    return tmp_path


@pytest.fixture
def matting(monkeypatch, capsys):
    """Run the command line in this process; return exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["matting", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def folders(data):
    return ["--images", data / "images", "--alphas", data / "alphas", "-o", data / "out"]


def test_help_needs_no_heavy_import():
    code = "import sys, matting.cli; sys.exit(bool({'torch', 'cv2', 'numpy', 'PIL', 'scipy'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_help_names_every_command(matting):
    code, out, _ = matting("--help")
    assert code == 0 and "evaluate" in out and "cutout" in out


def test_evaluate_writes_a_report_for_a_checkpoint_and_predictions(matting, data, run_folder):
    (data / "labels.csv").write_text("name,difficulty,hat\na,clear,1\nb,hard,0\n")
    methods = ["--checkpoint", run_folder, "--predictions", data / "predictions", "--labels", data / "labels.csv"]
    code, out, err = matting("evaluate", *methods, *folders(data))
    assert code == 0, err
    results = json.loads((data / "out" / "results.json").read_text())
    assert list(results["by_method"]) == ["tiny", "predictions", "all foreground"]
    half = results["by_method"]["predictions"]
    key = next(key for key in half if key.endswith("whole/mad"))
    assert half[key]["mean"] == pytest.approx(22 * (20 * 128 + 10 * 1) / 255 / 2000, rel=1e-5)
    assert any(".hat/unknown/conn" in key for key in results["metrics"])
    assert "long side to 64 px" in results["methods"]["tiny"] and "synthetic corpus" in results["methods"]["tiny"]
    assert "report.html" in out


def test_evaluate_takes_a_checkpoint_file_a_size_and_pairs_in_one_root(matting, data, run_folder, tmp_path):
    for name in "ab":
        (tmp_path / "root" / name).mkdir(parents=True)
        for role, folder in {"image": "images", "alpha": "alphas"}.items():
            write_png(
                tmp_path / "root" / name / f"{role}.png", np.ascontiguousarray(_any(data / folder / f"{name}.png"))
            )
    checkpoint = run_folder / "checkpoints" / "last.ckpt"
    code, _, err = matting(
        "evaluate", "--checkpoint", checkpoint, "--pairs", tmp_path / "root", "-o", tmp_path / "out", "--size", 32
    )
    assert code == 0, err
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert "test/root/unknown/sad" in results["metrics"] and "long side to 32 px" in results["methods"]["last.ckpt"]


def test_evaluate_takes_the_test_set_of_a_corpus(matting, run_folder, tmp_path):
    overrides = [override for override in MINIATURE if override.startswith("corpus.")]
    code, out, err = matting(
        "evaluate", "corpus=synthetic", *overrides, "--checkpoint", run_folder, "-o", tmp_path / "out"
    )
    assert code == 0, err
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert "synthetic corpus" in results["corpus"] and "test/synthetic/unknown/sad" in results["metrics"]
    assert "metrics: adobe" in out and "unknown region" in out and "size: the original size" in out


def test_a_mistyped_override_gives_one_line(matting, run_folder, tmp_path):
    code, _, err = matting("evaluate", "corpus=sinthetic", "--checkpoint", run_folder, "-o", tmp_path / "out")
    assert (
        code == 1 and "did you mean 'synthetic'" in err and "Traceback" not in err and not (tmp_path / "out").exists()
    )


def test_evaluate_corruptions_scores_networks_only(matting, data, run_folder):
    methods = ["--checkpoint", run_folder, "--predictions", data / "predictions", "--corruptions"]
    code, _, err = matting("evaluate", *methods, *folders(data))
    assert code == 0, err
    results = json.loads((data / "out" / "results.json").read_text())
    assert (
        list(results["corruptions"]) == ["tiny"]
        and len(results["corruptions"]["tiny"]["whole/mad"]["jpeg"]["means"]) == 5
    )
    assert len((data / "out" / "corruptions.csv").read_text().splitlines()) == 1 + 2 * 71 * 2
    assert not list((data / "out").glob("unfinished*"))


def test_seeds_of_one_configuration_and_sets_in_one_root(matting, data, run_folder, tmp_path):
    runs = [tmp_path / "runs" / name for name in ("seed-0", "seed-1")]
    for seed, run in enumerate(runs):
        shutil.copytree(run_folder, run)
        (run / ".hydra").mkdir()
        config = "seed: {}\ndata: {{mixture: {{weights: {{portraits: 1}}}}}}\naugment: {{_target_: a.Pipeline}}\n"
        (run / ".hydra" / "config.yaml").write_text(config.format(seed))
    for name in ("glasses", "group"):
        shutil.copytree(data / "images", tmp_path / "root" / name / "image")
        shutil.copytree(data / "alphas", tmp_path / "root" / name / "alpha")
    checkpoints = [part for run in runs for part in ("--checkpoint", run)]
    code, _, err = matting("evaluate", *checkpoints, "--pairs", tmp_path / "root", "-o", tmp_path / "out")
    assert code == 0, err
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["over_seeds"] == {"seed-0": ["seed-0", "seed-1"]} and results["images"] == 4
    report = (tmp_path / "out" / "report.md").read_text()
    assert "seed-0 over 2 seeds, glasses" in report and "| group photo |" in report


def _any(path):
    return np.asarray(Image.open(path))


def test_unmatched_names_stop_the_evaluation_unless_allowed(matting, data):
    write_png(data / "images" / "lonely.png", RNG.integers(0, 256, (9, 9, 3), np.uint8))
    (data / "predictions" / "b.png").unlink()
    arguments = ["evaluate", "--predictions", data / "predictions", *folders(data)]
    code, _, err = matting(*arguments)
    assert code == 1 and "lonely: no alpha" in err and "b: no prediction" in err and not (data / "out").exists()
    code, _, err = matting(*arguments, "--allow-unmatched")
    assert code == 0, err
    results = json.loads((data / "out" / "results.json").read_text())
    assert {name: cells[f"test/{data.name}/whole/mad"]["images"] for name, cells in results["by_method"].items()} == {
        "predictions": 1,
        "all foreground": 2,
    }


def test_images_of_one_name_in_two_sets_need_predictions_of_both(matting, data, tmp_path):
    for name in "AB":
        shutil.copytree(data / "images", tmp_path / "sets" / name / "image")
        shutil.copytree(data / "alphas", tmp_path / "sets" / name / "alpha")
    arguments = [
        "evaluate",
        "--predictions",
        data / "predictions",
        "--pairs",
        tmp_path / "sets",
        "-o",
        tmp_path / "out",
    ]
    code, _, err = matting(*arguments)
    assert code == 1 and "a: predicted in" in err and "but not for which set" in err and "Traceback" not in err
    for name in "AB":
        shutil.copytree(data / "predictions", data / "predictions" / name, ignore=shutil.ignore_patterns("[AB]"))
    for name in "ab":
        (data / "predictions" / f"{name}.png").unlink()
    code, _, err = matting(*arguments)
    assert code == 0, err


def test_a_prediction_that_is_refused_costs_its_method_that_image_alone(matting, data, run_folder):
    write_png(data / "predictions" / "a.png", (_any(data / "alphas" / "a.png") > 127).astype(np.uint8))
    named = ["--predictions", f"theirs={data / 'predictions'}", "--checkpoint", run_folder, "--trimap-based"]
    code, _, err = matting("evaluate", *named, *folders(data))
    results = json.loads((data / "out" / "results.json").read_text())
    assert code == 1 and "a, theirs: " in err and "values of 0 and 1; multiply them by 255" in err
    failures = [(failure["name"], failure["method"]) for failure in results["failures"]]
    assert failures == [("a", "theirs")] and results["images"] == 2
    images = {name: cells[f"test/{data.name}/whole/mad"]["images"] for name, cells in results["by_method"].items()}
    assert images.pop("theirs") == 1 and set(images.values()) == {2}
    assert results["differences"]["theirs"][f"test/{data.name}/whole/mad"]["images"] == 1


def test_trimaps_without_unknown_pixels_are_scored_on_the_whole_image(matting, data):
    (data / "trimaps").mkdir()
    for name in "ab":
        write_png(
            data / "trimaps" / f"{name}.png",
            np.where(_any(data / "alphas" / f"{name}.png") > 127, 255, 0).astype(np.uint8),
        )
    call = ["evaluate", "--predictions", data / "predictions", "--trimap-based", "--trimaps", data / "trimaps"]
    code, out, err = matting(*call, *folders(data))
    assert code == 0, err
    assert "Warning" not in err and "| closed form, trimap-based | none | none | none | none | none | 0 |" in out
    assert "| closed form, trimap-based | 0.00" in out


def test_folders_are_checked_before_anything_slow_is_imported(data):
    script = "import sys; from matting.cli import main\ntry: main()\nexcept SystemExit: print('torch' in sys.modules)"
    call = ["evaluate", "--predictions", str(data / "nowhere"), *map(str, folders(data))]
    done = subprocess.run([sys.executable, "-c", script, *call], capture_output=True, text=True)
    assert done.stdout.strip() == "False" and "nowhere: expected a folder of predictions" in done.stderr


@pytest.mark.parametrize("damage", ["size", "content"])
def test_bad_pairs_are_listed_and_the_others_are_scored(matting, data, damage):
    if damage == "size":
        write_png(data / "alphas" / "a.png", np.zeros((9, 9), np.uint8))
    else:
        (data / "images" / "a.png").write_bytes(b"no image")
    arguments = ["evaluate", "--predictions", data / "predictions", *folders(data)]
    code, _, err = matting(*arguments)
    assert code == 1 and "a.png: expected" in err and "Traceback" not in err
    assert json.loads((data / "out" / "results.json").read_text())["images"] == 1
    assert matting(*arguments, "--allow-unmatched")[0] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--checkpoint", "nowhere"], "nowhere: expected a run folder"),
        (["--predictions", "nowhere"], "nowhere: expected a folder of predictions"),
        (["--predictions", "a={data}/predictions", "--predictions", "a={data}/alphas"], "found 'a' twice"),
        (["--predictions", "{data}/predictions", "--trimaps", "nowhere"], "--trimaps nowhere: expected a folder"),
        ([], "give --checkpoint RUN, --predictions DIR"),
        (["--predictions", "{data}/predictions", "--corruptions"], "give --checkpoint with --corruptions"),
        (["corpus=synthetic", "--predictions", "{data}/predictions"], "expected one of three: overrides such as"),
        (["--predictions", "{data}/predictions", "--pairs", "{data}"], "--pairs DIR, or --images DIR"),
        (["--checkpoint", "{run}", "--size", "100"], "multiple of 32, found 100"),
        (["--checkpoint", "{run}", "--device", "toaster"], "expected a device such as cpu"),
        (["--checkpoint", "{data}/images/a.png"], "expected a checkpoint written by train.py"),
        (["--checkpoint", "{run}", "--checkpoint", "{run}/"], "found one twice"),
    ],
)
def test_a_users_mistake_gives_one_line(matting, data, run_folder, change, message):
    change = [argument.format(data=data, run=run_folder) for argument in change]
    code, _, err = matting("evaluate", *change, *folders(data))
    assert code == 1 and message in err and "Traceback" not in err
    assert err.strip().splitlines()[-1].startswith("error: ")


@pytest.mark.parametrize("command", ["plan", "model"])
@pytest.mark.parametrize(
    ("override", "message"),
    [("model.nrom=batch", "did you mean 'model.norm'"), ("model=big", "model has no choice 'big'"), ("x=[", "x=[")],
)
def test_wrong_overrides_give_one_line(matting, command, override, message):
    code, _, err = matting(command, override)
    assert code == 1 and message in err and len(err.strip().splitlines()) == 1


def test_a_fault_of_the_program_shows_its_traceback(matting, monkeypatch):
    monkeypatch.setattr(models, "cost", lambda network, size: {}["cost"])
    with pytest.raises(KeyError):
        matting("model", "model=tiny")


def test_debug_shows_where_a_mistake_was_found(matting):
    with pytest.raises(MattingError, match=r"expected one of batch, group"):
        try:
            matting("model", "model.norm=layer", "--debug")
        except HydraException as error:
            raise error.__cause__ from None


def test_a_text_file_in_another_encoding_is_reported(matting, data):
    (data / "labels.csv").write_bytes("name,difficulty\na,früh\n".encode("latin-1"))
    code, _, err = matting(
        "evaluate", "--predictions", data / "predictions", "--labels", data / "labels.csv", *folders(data)
    )
    assert code == 1 and "labels.csv: expected text in UTF-8" in err and "Traceback" not in err


def test_the_plan_of_a_run_is_printed_without_a_network(matting):
    overrides = [override for override in MINIATURE if override.startswith("corpus.")]
    code, out, err = matting("plan", *overrides, "data.epoch_rows=24", "trainer.max_epochs=2", "--json")
    assert code == 0, err
    epochs = [json.loads(line) for line in out.splitlines()]
    assert [epoch["epoch"] for epoch in epochs] == [0, 1] and {epoch["rows"] for epoch in epochs} == {24}


def test_the_cost_of_a_network_is_printed(matting):
    code, out, _ = matting("model", "model=tiny", "--size", "64")
    assert code == 0 and "whole" in out and "GMACs at 64" in out


@pytest.mark.parametrize("place", ["out", "predictions/out", "alphas/deep/out"])
def test_an_interrupted_evaluation_resumes(matting, data, monkeypatch, place):
    output = data / place
    arguments = ["evaluate", "--predictions", data / "predictions", *folders(data)[:-1], output]
    score = scoring.all_metrics
    calls = []

    def interrupt_at_b(*values, **options):
        calls.append(values)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return score(*values, **options)

    monkeypatch.setattr(scoring, "all_metrics", interrupt_at_b)
    code, _, _ = matting(*arguments)
    assert code != 0 and [path.name for path in output.iterdir()] == ["unfinished.jsonl"]
    code, _, err = matting(*arguments)
    assert code == 0 and "images already scored: 1" in err and len(calls) == 5
    assert "unfinished.jsonl" not in [path.name for path in output.iterdir()]


def test_same_names_are_distinguished_by_their_folders(tmp_path):
    first, second = tmp_path / "a" / "run", tmp_path / "b" / "run"
    assert list(short_names([str(first), str(second)]).values()) == ["a/run", "b/run"]
    assert short_names([str(first)]) == {str(first): "run"} and short_names([]) == {}


def test_cutout_keeps_size_tree_and_orientation(matting, tmp_path, run_folder):
    photos = tmp_path / "photos"
    (photos / "deep").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RNG.integers(0, 256, (30, 50, 3), np.uint8)).save(photos / "deep" / "turned.jpg", exif=exif)
    write_png(photos / "gray.png", RNG.integers(0, 256, (33, 21), np.uint8))
    Image.fromarray(RNG.integers(0, 256, (20, 20, 3), np.uint8)).convert("CMYK").save(tmp_path / "cmyk.jpg")
    code, out, err = matting(
        "cutout", "--checkpoint", run_folder, photos, tmp_path / "cmyk.jpg", "-o", tmp_path / "out"
    )
    assert code == 0 and "3 cutouts" in out, err
    turned, photo = read_rgba(tmp_path / "out" / "deep" / "turned.png"), read_rgb(photos / "deep" / "turned.jpg")
    opaque = turned[..., 3] == 255
    assert turned.shape == (50, 30, 4) and np.array_equal(turned[opaque, :3], photo[opaque])
    assert read_rgba(tmp_path / "out" / "gray.png").shape == (33, 21, 4)
    assert read_rgba(tmp_path / "out" / "cmyk.png").shape == (20, 20, 4)


def test_cutout_lists_failures_and_does_the_others(matting, data, run_folder):
    (data / "images" / "svg.png").write_text("<svg/>")
    code, out, err = matting("cutout", "--checkpoint", run_folder, data / "images", "-o", data / "out")
    assert code == 1 and "2 cutouts" in out and "svg.png: expected" in err and "Traceback" not in err
    assert sorted(path.name for path in (data / "out").iterdir()) == ["a.png", "b.png", "cutout.json", "failures.csv"]


def hostile_files(folder):
    """Write files with misleading contents into a folder; return their number."""
    jpeg = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (40, 40, 3), np.uint8)).save(jpeg, "JPEG")
    liar = bytearray((Path(folder) / "a.png").read_bytes())
    liar[16:24] = (60_000).to_bytes(4, "big") * 2
    contents = {
        "empty.jpg": b"",
        "text.png": b"hello",
        "svg.png": b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>",
        "postscript.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "half.jpg": jpeg.getvalue()[: jpeg.tell() // 2],
        "bomb.png": bytes(liar),
        "zip.webp": b"PK\x03\x04" + b"\0" * 60,
        "nul.gif": b"\0" * 4096,
        "riff.webp": b"RIFF\xff\xff\xff\xffWEBPVP8L",
        "ifd.tiff": b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40,
        "[bold]brackets[red].png": b"no image",
        "new\nline.png": b"no image",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(folder / "nan.tiff")
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    return len(contents) + 2


def test_hostile_files_get_a_reason_each_and_write_nothing(matting, data, run_folder):
    count = hostile_files(data / "images")
    code, _, err = matting("cutout", "--checkpoint", run_folder, data / "images", "-o", data / "out")
    assert code == 1 and f"{count} of {count + 2} photos failed" in err and "Traceback" not in err
    assert err.count(": expected") >= count
    assert sorted(path.name for path in (data / "out").iterdir()) == ["a.png", "b.png", "cutout.json", "failures.csv"]


def test_two_photos_never_share_a_result(matting, data, run_folder):
    before = (data / "images" / "a.png").read_bytes()
    code, _, err = matting("cutout", "--checkpoint", run_folder, data / "images", data / "alphas", "-o", data / "out")
    assert code == 1 and "would all become" in err and not (data / "out").exists()
    code, _, err = matting("cutout", "--checkpoint", run_folder, data / "images", "-o", data / "images")
    assert (
        code == 1
        and "expected another folder than that of the photos" in err
        and (data / "images" / "a.png").read_bytes() == before
    )


def test_jobs_follow_links_and_count_a_photo_once(data):
    photo = data / "images" / "a.png"
    assert len(plan_jobs([photo, photo, data / "images"], data / "out")) == 2
    link = data / "link"
    link.symlink_to(data / "images")
    with pytest.raises(ValueError, match="would replace"):
        plan_jobs([photo], link)
    with pytest.raises(FileNotFoundError, match=r"gone\.jpg"):
        plan_jobs([data / "gone.jpg"], data / "out")
    (data / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="found none in"):
        plan_jobs([data / "empty"], Path("out"))


def test_the_version_is_printed(matting):
    code, out, _ = matting("--version")
    assert code == 0 and out.startswith("portrait-matting ") and matting()[0] == 2
