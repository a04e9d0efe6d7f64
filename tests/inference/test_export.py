"""Model folders and graphs give the same mattes as the run they were exported from."""

import importlib.util
import json
import os

import numpy as np
import pytest
import torch

from matting.errors import MattingError
from matting.images import write_png
from matting.inference import load
from matting.inference.model_folder import half_precision
from matting.inference.onnx_network import OnnxNetwork, write_onnx
from matting.inference.records import OWN, licence_of_data
from matting.inference.resolving import GRAPH, PRETRAINED
from matting.models import AttentionUNet, load_checkpoint
from tests.test_cli import data, matting, run_folder  # noqa: F401

ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime", "onnxscript"))
IMAGE = np.random.default_rng(0).integers(0, 256, (70, 50, 3), np.uint8)


@pytest.fixture
def finished(run_folder, tmp_path):  # noqa: F811
    """A finished run with its records."""
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / ".hydra").mkdir()
    (run / "checkpoints" / "last.ckpt").write_bytes((run_folder / "checkpoints" / "last.ckpt").read_bytes())
    (run / ".hydra" / "config.yaml").write_text(
        "corpus:\n  _target_: matting.data.corpora.disk_corpus\n"
        "  portraits: {own: {_target_: matting.data.formats.rwp636, _partial_: true}}\n"
        "model: {encoder: resnet18, pretrained: true}\n"
    )
    results = {
        "by_method": {
            "model": {
                "test/own/whole/mad": {"mean": 0.0125, "low": 0.01, "high": 0.02, "images": 7},
                "test/own.hat/whole/mad": {"mean": 0.5, "low": 0.4, "high": 0.6, "images": 2},
            }
        },
        "method_under_test": "model",
        "corpus": "data sets in /data",
        "notes": {"mixture": "rwp 8, coco_matting 5"},
        "wall_seconds": 7200,
        "commit": "abc",
        "hardware": {"cores": 2},
        "protocol": {"metrics": "adobe"},
    }
    (run / "results.json").write_text(json.dumps(results))
    return run


def test_a_model_folder_gives_the_same_mattes_and_contains_its_records(matting, finished, tmp_path):  # noqa: F811
    code, out, err = matting("export", "--checkpoint", finished, "-o", tmp_path / "model", "--no-onnx")
    assert code == 0, err
    card = (tmp_path / "model" / "README.md").read_text()
    for fact in ("CC BY-NC 2.0", "RealWorldPortrait-636", "rwp 8, coco_matting 5", "hours: 2", "resnet18: Apache-2.0"):
        assert fact in card
    assert "| own | 7 | 0.0125 (0.01 to 0.02) |" in card and "| own.hat | 2 | 0.5 (0.4 to 0.6) |" in card
    assert "CC BY-NC 2.0" in out and "Licence: **research only, non-commercial**" in card
    before, after = (load(path, 64, "cpu") for path in (finished, tmp_path / "model"))
    assert np.array_equal(before.predictor(IMAGE), after.predictor(IMAGE))
    assert (before.digest, before.corpus) == (after.digest, after.corpus)
    model = AttentionUNet.from_pretrained(tmp_path / "model").eval()
    assert torch.equal(
        model(torch.ones(1, 3, 64, 64)).alpha, load_checkpoint(finished).model(torch.ones(1, 3, 64, 64)).alpha
    )
    again = matting("export", "--checkpoint", tmp_path / "model", "-o", tmp_path / "again", "--no-onnx")
    assert again[0] == 0 and (tmp_path / "again" / "README.md").read_text() == card


@pytest.mark.parametrize(
    ("steps", "trivial", "lines"),
    [
        ("9 steps", 0.5, ["scores on own: MAD 0.0125 (0.01 to 0.02), unknown none, 7 images"]),
        ("9 steps", 0.01, ["scores on own: MAD", "is no worse: MAD 0.0125 on own, where 'mean matte' has 0.0100"]),
        ("4 steps", 0.5, ["it was not tested (9 steps, without test results)"]),  # resumed and stopped since
        (None, 0.5, ["it was not tested (9 steps, without test results)"]),
    ],
)
def test_the_first_lines_tell_how_good_a_run_is(matting, finished, tmp_path, steps, trivial, lines):  # noqa: F811
    write_png(tmp_path / "photo.png", IMAGE)
    file = finished / "checkpoints" / "last.ckpt"
    torch.save(torch.load(file, weights_only=True) | {"global_step": 9}, file)
    results = json.loads((finished / "results.json").read_text())
    results["by_method"]["mean matte"] = {"test/own/whole/mad": {"mean": trivial}}
    results["notes"]["training"] = f"{steps}, 72 views in 1 epochs of 90"
    (finished / "results.json").write_text(json.dumps(results))
    if steps is None:
        (finished / "results.json").unlink()
    code, _, err = matting("cutout", tmp_path / "photo.png", "-o", tmp_path / "out.png", "--checkpoint", finished)
    first = [line for line in err.splitlines()[1:] if line.startswith(("scores", "warning"))]
    assert code == 0 and len(first) == len(lines)
    assert all(expected in line for expected, line in zip(lines, first, strict=True))


def test_a_model_folder_records_the_fold_that_was_left_out(matting, finished, tmp_path):  # noqa: F811
    file = finished / "checkpoints" / "last.ckpt"
    content = torch.load(file, weights_only=True)
    left_out = {"fold": 0, "folds": 5, "fold_rule": 2}
    torch.save(content | {"hyper_parameters": content["hyper_parameters"] | left_out}, file)
    for source, target in ((finished, "model"), (tmp_path / "model", "again")):
        assert matting("export", "--checkpoint", source, "-o", tmp_path / target, "--no-onnx")[0] == 0
        assert load_checkpoint(tmp_path / target).fold == load_checkpoint(finished).fold == (0, 5, 2)


def test_existing_folders_are_not_replaced_and_failures_leave_nothing(matting, finished, tmp_path):  # noqa: F811
    (tmp_path / "model").mkdir()
    code, _, err = matting("export", "--checkpoint", finished, "-o", tmp_path / "model")
    assert code == 1 and "expected a new folder" in err
    (finished / "results.json").write_text("{")
    code, _, err = matting("export", "--checkpoint", finished, "-o", tmp_path / "new", "--no-onnx")
    assert code == 1 and "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "run"]


def test_half_precision_gives_the_same_matte_within_rounding(matting, finished, tmp_path):  # noqa: F811
    for name, options in (("whole", []), ("half", ["--half"])):
        code, _, err = matting("export", "--checkpoint", finished, "-o", tmp_path / name, "--no-onnx", *options)
        assert code == 0, err
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.53 * sizes[1]
    half, whole = (load(tmp_path / name, 64, "cpu", precision="float32") for name in ("half", "whole"))
    assert all(value.dtype in (torch.float32, torch.int64) for value in half.predictor.model.state_dict().values())
    assert 0 < np.abs(half.alpha(IMAGE) - whole.alpha(IMAGE)).max() < 0.01
    assert half.digest != whole.digest and half.digest in (tmp_path / "half" / "README.md").read_text()
    assert json.loads((tmp_path / "half" / "training.json").read_text())["digest"] == half.digest
    assert (tmp_path / "half" / "model.safetensors").stat().st_mode & 0o777 == 0o666 & ~umask()
    again = matting("export", "--checkpoint", tmp_path / "half", "-o", tmp_path / "again", "--no-onnx", "--half")
    assert again[0] == 0 and load(tmp_path / "again", 64, "cpu").digest == half.digest


def umask() -> int:
    os.umask(current := os.umask(0))
    return current


def test_weights_beyond_sixteen_bits_are_refused(matting, finished, tmp_path):  # noqa: F811
    file = finished / "checkpoints" / "last.ckpt"
    content = torch.load(file, weights_only=True)
    content["state_dict"]["model.alpha_head.weight"] *= 1e7
    torch.save(content, file)
    code, _, err = matting("export", "--checkpoint", finished, "-o", tmp_path / "half", "--no-onnx", "--half")
    assert code == 1 and "float16, found larger ones in 'alpha_head.weight'" in err and not (tmp_path / "half").exists()


def test_scores_of_other_weights_are_refused(matting, data, run_folder, finished, tmp_path):  # noqa: F811
    test = ["--images", data / "images", "--alphas", data / "alphas", "--predictions", data / "predictions"]
    assert matting("evaluate", "--checkpoint", run_folder, *test, "-o", tmp_path / "report")[0] == 0
    call = ["export", "--checkpoint", finished, "--no-onnx", "--half", "--scores", tmp_path / "report"]
    code, _, err = matting(*call, "-o", tmp_path / "model", "--terms", "my photos=CC0")
    assert code == 0, err
    card = (tmp_path / "model" / "README.md").read_text()
    measured = json.loads((tmp_path / "report" / "results.json").read_text())["by_method"]["tiny"]
    key = next(key for key in measured if key.endswith("whole/mad"))
    assert (
        f"| {key.split('/')[1]} | 2 | {measured[key]['mean']:.4g} (" in card
        and "before the weights were rounded" in card
    )
    assert "- my photos: CC0" in card
    code, _, err = matting(*call, "-o", tmp_path / "other", "--terms", "CC0")
    assert code == 1 and "--terms: expected NAME=TERMS" in err and "Traceback" not in err
    file = tmp_path / "report" / "results.json"
    text = file.read_text()
    for content in (text.replace(load(finished, 64, "cpu").digest, "0" * 12), "{}", "[]", "{"):
        file.write_text(content)
        code, _, err = matting(*call, "-o", tmp_path / "other")
        assert (
            code == 1
            and "results.json: expected" in err
            and "Traceback" not in err
            and not (tmp_path / "other").exists()
        )


def test_terms_of_the_initial_network_are_inherited(matting, shipped, finished, tmp_path):  # noqa: F811
    (finished / ".hydra" / "config.yaml").write_text(
        "corpus: {portraits: {_target_: matting.data.formats.pairs}}\nmodel: {path: portrait-research}\n"
    )
    assert matting("export", "--checkpoint", finished, "-o", tmp_path / "model", "--no-onnx")[0] == 0
    card = (tmp_path / "model" / "README.md").read_text()
    assert "- fine-tuned from portrait-research: PPM-100: mattes CC BY-NC-SA 4.0" in card
    assert "Licence: **research only, non-commercial**" in card


@pytest.mark.parametrize("damage", ["config.json", "model.safetensors", "training.json"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"\x80\x04rubbish"])
def test_a_damaged_model_folder_gives_one_line(matting, finished, tmp_path, damage, content):  # noqa: F811
    assert matting("export", "--checkpoint", finished, "-o", tmp_path / "model", "--no-onnx")[0] == 0
    (tmp_path / "model" / damage).unlink()
    if content is not None:
        (tmp_path / "model" / damage).write_bytes(content)
    write_png(tmp_path / "photo.png", IMAGE)
    code, _, err = matting("cutout", "--checkpoint", tmp_path / "model", tmp_path / "photo.png", "-o", tmp_path / "o")
    assert code == 1 and "Traceback" not in err and "model: expected a" in err


@pytest.mark.slow
@pytest.mark.skipif(not ONNX, reason="needs the extra 'onnx'")
def test_the_graph_agrees_with_torch_at_any_size(matting, finished, tmp_path):  # noqa: F811
    import onnxruntime

    call = ["export", "--checkpoint", finished, "-o", tmp_path / "model", "--photo"]
    code, out, err = matting(*call)
    assert code == 0 and out.count("alpha differs from torch by at most") == 3, err
    exact, graph = (load(tmp_path / "model", 96, "cpu", backend) for backend in ("torch", "auto"))
    exact.predictor.precision = "float32"
    assert graph.backend.startswith("ONNX Runtime") and graph.digest == exact.digest
    assert np.abs(exact.predictor(IMAGE) - graph.predictor(IMAGE)).max() < 1e-3
    session = onnxruntime.InferenceSession(tmp_path / "model" / "photo.onnx")
    smooth = np.tile(np.linspace(0, 255, 90)[None, :, None], (2, 130, 1, 3)).astype(np.uint8)
    alpha = session.run(None, {"photo": smooth})[0]
    assert alpha.shape == (2, 130, 90) and alpha.min() >= 0 and alpha.max() <= 1
    plain = load(tmp_path / "model", 64, "cpu", "onnx").predictor(smooth[0])
    assert np.abs(alpha[0] - plain).mean() < 0.05


@pytest.mark.slow
@pytest.mark.skipif(not ONNX, reason="needs the extra 'onnx'")
def test_a_graph_of_an_encoder_with_tensorflows_padding_is_written(tmp_path):
    """With paddings computed from the sides it was not written after four minutes of processor time."""
    torch.manual_seed(0)
    model = AttentionUNet("tf_efficientnet_lite0", False, decoder_channels=(16, 16, 8, 8, 8)).eval()
    for layer in model.modules():  # otherwise folding BatchNorm into the kernels would change nothing
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
            torch.nn.init.uniform_(layer.running_var, 0.5, 1.5)
    model = half_precision(model).float()
    write_onnx(model, tmp_path / "model.onnx", {"size": "64"}, half=True)
    image = torch.rand(1, 3, 96, 64)
    with torch.inference_mode():
        assert (model(image).alpha - OnnxNetwork(tmp_path / "model.onnx")(image).alpha).abs().max() < 1e-5
    kernels = sum(parameter.numel() for parameter in model.parameters() if parameter.ndim > 1)
    assert (tmp_path / "model.onnx").stat().st_size < 3 * kernels, "kernels are to be stored in two bytes per value"
    assert b"site-packages" not in (tmp_path / "model.onnx").read_bytes(), "the exporter notes source lines"


@pytest.mark.skipif(not ONNX, reason="needs the extra 'onnx'")
@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x08\x0a"])
def test_a_file_that_is_not_a_graph_gives_one_line(matting, tmp_path, content):  # noqa: F811
    (tmp_path / "model.onnx").write_bytes(content)
    write_png(tmp_path / "photo.png", IMAGE)
    call = ["cutout", "--checkpoint", tmp_path / "model.onnx", tmp_path / "photo.png", "-o", tmp_path / "out"]
    code, _, err = matting(*call)
    assert code == 1 and "expected" in err and "ONNX graph" in err and "Traceback" not in err


@pytest.mark.skipif(not ONNX, reason="needs the extra 'onnx'")
def test_a_graph_runs_on_the_device_that_is_asked_for_or_not_at_all(monkeypatch):
    graph, asked = PRETRAINED / "portrait" / GRAPH, []
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession

    def without_cuda(*arguments, providers):
        """As ONNX Runtime does if a library of CUDA is missing."""
        asked.append([name.removesuffix("ExecutionProvider") for name in providers])
        return session(*arguments, providers=["CPUExecutionProvider"])

    everything = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: everything)
    monkeypatch.setattr(onnxruntime, "InferenceSession", without_cuda)
    assert OnnxNetwork(graph, "cpu").provider == OnnxNetwork(graph).provider == "CPU"
    assert asked == [["CPU"], ["CUDA", "CPU"]]
    with pytest.raises(MattingError, match="expected ONNX Runtime on 'cuda', found CPU"):
        OnnxNetwork(graph, "cuda")
    with pytest.raises(MattingError, match="expected a device of ONNX Runtime, cpu or cuda, found 'mps'"):
        load(graph, device="mps")


@pytest.mark.parametrize("options", [{"backend": "torch"}, {"precision": "bfloat16"}])
def test_a_graph_is_not_for_torch(options):
    with pytest.raises(MattingError, match="expected a model folder or checkpoint for torch, found an ONNX graph"):
        load(PRETRAINED / "portrait" / GRAPH, **options)


def test_photos_used_as_scenes_are_named_as_your_own(tmp_path):
    (tmp_path / ".hydra").mkdir()
    target = "matting.data.corpora.synthetic_corpus"
    config = f"corpus: {{_target_: {target}, scenes: photos}}\nmodel: {{pretrained: false}}\n"
    (tmp_path / ".hydra/config.yaml").write_text(config)
    assert licence_of_data(tmp_path, "synthetic corpus")["scenes"] == OWN
    (tmp_path / ".hydra/config.yaml").write_text(config.replace("photos", "null"))
    assert "scenes" not in licence_of_data(tmp_path, "synthetic corpus")
