"""Model folders and graphs: the same mattes from whatever a network is loaded from."""

import importlib.util
import json

import numpy as np
import pytest
import torch

from matting.images import write_png
from matting.inference import load_predictor
from matting.models import AttentionUNet, load_checkpoint
from tests.test_cli import matting, run_folder  # noqa: F401

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
        "  portraits: {_target_: matting.data.formats.rwp636, _partial_: true}\n"
        "model: {encoder: resnet18, pretrained: true}\n"
    )
    results = {
        "metrics": {"test/demo/whole/sad": 12.5, "test/demo.hat/whole/sad": 99.0},
        "notes": {"mixture": "rwp 8, coco_matting 5"},
        "pictures": 7,
        "wall_seconds": 7200,
        "commit": "abc",
        "hardware": {"cores": 2},
        "protocol": {"metrics": "adobe"},
    }
    (run / "results.json").write_text(json.dumps(results))
    return run


def test_a_model_folder_gives_the_same_mattes_and_tells_its_records(matting, finished, tmp_path):  # noqa: F811
    code, out, err = matting("export", "--checkpoint", finished, "-o", tmp_path / "model", "--no-onnx")
    assert code == 0, err
    card = (tmp_path / "model" / "README.md").read_text()
    for fact in ("CC BY-NC 2.0", "RealWorldPortrait-636", "rwp 8, coco_matting 5", "hours: 2", "12.5", "resnet18"):
        assert fact in card
    assert "99" not in card and "CC BY-NC 2.0" in out
    before, after = (load_predictor(path, 64, "cpu") for path in (finished, tmp_path / "model"))
    assert np.array_equal(before.predictor(IMAGE), after.predictor(IMAGE))
    assert (before.digest, before.corpus) == (after.digest, after.corpus)
    model = AttentionUNet.from_pretrained(tmp_path / "model").eval()
    assert torch.equal(
        model(torch.ones(1, 3, 64, 64)).alpha, load_checkpoint(finished).model(torch.ones(1, 3, 64, 64)).alpha
    )
    again = matting("export", "--checkpoint", tmp_path / "model", "-o", tmp_path / "again", "--no-onnx")
    assert again[0] == 0 and (tmp_path / "again" / "README.md").read_text() == card


def test_a_model_folder_remembers_whom_its_network_has_not_seen(matting, finished, tmp_path):  # noqa: F811
    file = finished / "checkpoints" / "last.ckpt"
    content = torch.load(file, weights_only=True)
    torch.save(content | {"hyper_parameters": content["hyper_parameters"] | {"fold": 0, "folds": 5}}, file)
    for source, target in ((finished, "model"), (tmp_path / "model", "again")):
        assert matting("export", "--checkpoint", source, "-o", tmp_path / target, "--no-onnx")[0] == 0
        assert load_checkpoint(tmp_path / target).fold == load_checkpoint(finished).fold == (0, 5)


def test_what_exists_is_not_replaced_and_failures_leave_nothing(matting, finished, tmp_path):  # noqa: F811
    (tmp_path / "model").mkdir()
    code, _, err = matting("export", "--checkpoint", finished, "-o", tmp_path / "model")
    assert code == 1 and "expected a new folder" in err
    (finished / "results.json").write_text("{")
    code, _, err = matting("export", "--checkpoint", finished, "-o", tmp_path / "new", "--no-onnx")
    assert code == 1 and "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "run"]


@pytest.mark.parametrize("damage", ["config.json", "model.safetensors", "training.json"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"\x80\x04rubbish"])
def test_a_damaged_model_folder_is_one_line(matting, finished, tmp_path, damage, content):  # noqa: F811
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

    call = ["export", "--checkpoint", finished, "-o", tmp_path / "model", "--photograph"]
    code, out, err = matting(*call)
    assert code == 0 and out.count("alpha differs from torch by at most") == 3, err
    exact, graph = (load_predictor(tmp_path / "model", 96, "cpu", backend) for backend in ("torch", "onnx"))
    exact.predictor.precision = "float32"
    assert graph.backend.startswith("ONNX Runtime") and graph.digest == exact.digest
    assert np.abs(exact.predictor(IMAGE) - graph.predictor(IMAGE)).max() < 1e-3
    session = onnxruntime.InferenceSession(tmp_path / "model" / "photograph.onnx")
    smooth = np.tile(np.linspace(0, 255, 90)[None, :, None], (2, 130, 1, 3)).astype(np.uint8)
    alpha = session.run(None, {"photo": smooth})[0]
    assert alpha.shape == (2, 130, 90) and alpha.min() >= 0 and alpha.max() <= 1
    plain = load_predictor(tmp_path / "model", 64, "cpu", "onnx").predictor(smooth[0])
    assert np.abs(alpha[0] - plain).mean() < 0.05


@pytest.mark.skipif(not ONNX, reason="needs the extra 'onnx'")
@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x08\x0a"])
def test_a_file_that_is_no_graph_is_one_line(matting, tmp_path, content):  # noqa: F811
    (tmp_path / "model.onnx").write_bytes(content)
    write_png(tmp_path / "photo.png", IMAGE)
    call = ["cutout", "--checkpoint", tmp_path / "model.onnx", tmp_path / "photo.png", "-o", tmp_path / "out"]
    code, _, err = matting(*call)
    assert code == 1 and "expected" in err and "ONNX graph" in err and "Traceback" not in err
