import urllib.error

import pytest
import timm
import torch
from safetensors.torch import save_file

import matting.models.weights as weights
from matting.models.encoder import Encoder


def whole_model(seed=7):
    torch.manual_seed(seed)
    return timm.create_model("test_resnet", pretrained=False)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_of_the_whole_timm_model_fill_the_encoder(tmp_path, suffix):
    model, path = whole_model().eval(), tmp_path / f"weights{suffix}"
    save_file(model.state_dict(), path) if suffix == ".safetensors" else torch.save(model.state_dict(), path)
    encoder, image = Encoder("test_resnet", pretrained=True, weights=path).eval(), torch.rand(1, 3, 64, 64)
    normalised = (image - encoder.mean) / encoder.std
    torch.testing.assert_close(encoder(image)[-1], model.forward_features(normalised))


def test_lightning_style_files_are_understood(tmp_path):
    torch.save({"state_dict": whole_model().state_dict(), "epoch": 3}, tmp_path / "weights.pth")
    encoder = Encoder("test_resnet", pretrained=False, weights=tmp_path / "weights.pth")
    assert torch.equal(encoder.backbone.state_dict()["conv1.0.weight"], whole_model().state_dict()["conv1.0.weight"])


def test_keys_that_do_not_fit_are_listed(tmp_path):
    state = whole_model().state_dict()
    del state["conv1.0.weight"]
    state["bn1.weight"] = torch.ones(5)
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(
        ValueError, match=r"1 keys missing \(conv1\.0\.weight\), 1 keys of another shape \(bn1\.weight\)"
    ):
        Encoder("test_resnet", pretrained=False, weights=tmp_path / "weights.pth")


def test_no_code_in_a_weight_file_is_run(tmp_path):
    torch.save({"conv1.0.weight": print}, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"weights\.pth: expected \.safetensors or a \.pth of plain tensors"):
        Encoder("test_resnet", pretrained=False, weights=tmp_path / "weights.pth")


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_damaged_and_missing_files_are_named(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=f"{name}: expected a weight file, found none"):
        Encoder("test_resnet", pretrained=False, weights=tmp_path / name)
    (tmp_path / name).write_bytes(b"not weights")
    with pytest.raises(ValueError, match=f"{name}: expected"):
        Encoder("test_resnet", pretrained=False, weights=tmp_path / name)


def test_without_network_both_ways_out_are_named(monkeypatch):
    def unreachable(*_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(weights, "urlopen", unreachable)
    monkeypatch.setattr(weights, "try_to_load_from_cache", lambda *_: None)
    with pytest.raises(ValueError, match="no route to host") as caught:
        Encoder("resnet18", pretrained=True)
    assert "model.pretrained=false" in str(caught.value) and "model.encoder_weights=FILE" in str(caught.value)
