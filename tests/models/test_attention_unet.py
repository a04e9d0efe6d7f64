import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.export import Dim, export

from matting.models import AttentionUNet

CHANNELS = (24, 16, 16, 8, 8)


def tiny(**settings):
    torch.manual_seed(0)
    return AttentionUNet(**{"encoder": "test_resnet", "pretrained": False, "decoder_channels": CHANNELS} | settings)


@pytest.mark.parametrize(
    ("encoder", "channels"),
    [
        ("resnet18", CHANNELS),
        ("test_efficientnet", CHANNELS),
        ("convnext_atto", (24, 16, 16, 8)),  # four levels, no stride 2
        ("mambaout_femto", (24, 16, 16, 8)),  # features as (B, H, W, C)
    ],
)
def test_any_feature_pyramid_of_timm_works(encoder, channels):
    model = tiny(encoder=encoder, decoder_channels=channels).eval()
    output = model(torch.rand(2, 3, 64, 96))
    assert output.alpha.shape == (2, 1, 64, 96) and output.alpha.dtype == torch.float32
    assert output.trimap_logits.shape == (2, 3, 64, 96)
    assert output.features.shape == (2, channels[1], 8, 12)
    assert output.alpha.min() > 0 and output.alpha.max() < 1


@settings(max_examples=10)
@given(st.integers(1, 130), st.integers(1, 130))
def test_sizes_are_multiples_of_32_or_refused_with_one_that_works(height, width):
    model = tiny().eval()
    if height % 32 == 0 and width % 32 == 0:
        model(torch.rand(1, 3, height, width))
        return
    with pytest.raises(ValueError, match=f"multiples of 32, found {height}x{width}; .* instance to ") as caught:
        model(torch.rand(1, 3, height, width))
    wanted = [int(side) for side in str(caught.value).rsplit(" ", 1)[1].split("x")]
    assert model(torch.rand(1, 3, *wanted)).alpha.shape[-2:] == tuple(wanted)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoder": "resnet34x"}, "no model 'resnet34x'; near: "),
        ({"encoder": "vit_tiny_patch16_224", "decoder_channels": (8,)}, "expected 3 numbers"),
        ({"decoder_channels": (8, 8)}, r"decoder_channels: expected 5 numbers .* found 2: \[8, 8\]"),
        ({"norm": "layer"}, "model.norm: expected one of batch, group, found 'layer'"),
    ],
)
def test_wrong_settings_are_explained(settings, message):
    with pytest.raises(ValueError, match=message):
        tiny(**settings)


def test_full_resolution_skip_sees_single_pixels():
    """Hair needs more than the encoder's stride of 2: the head follows a checkerboard that the encoder cannot."""
    model = tiny().eval()
    image = torch.full((1, 3, 64, 64), 0.5, requires_grad=True)
    model.encoder.forward = lambda image: [  # only the detail path carries information
        torch.zeros(1, c, 64 // r, 64 // r)
        for c, r in zip(model.encoder.channels, model.encoder.reductions, strict=True)
    ]
    model(image).alpha[0, 0, 32, 32].backward()
    assert image.grad[0, :, 32, 32].abs().min() > 0
    assert image.grad[0, :, :24].abs().max() == 0


def test_without_the_full_resolution_skip_an_image_is_seen_through_the_encoder_alone():
    model = tiny(detail_channels=0).eval()
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        assert model(image).alpha.shape == (1, 1, 64, 96)
        other = model(1 - image).alpha
        features = model.encoder(image)
        model.encoder.forward = lambda _: features
        torch.testing.assert_close(model(1 - image).alpha, model(image).alpha)
    assert (other - model(image).alpha).abs().max() > 1e-4
    assert not any("detail" in name for name in model.state_dict())


def test_group_norm_is_independent_of_the_batch():
    model = tiny(norm="group").train()
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in model.modules())
    images = torch.rand(3, 3, 64, 64)
    together, alone = model(images).alpha, torch.cat([model(image[None]).alpha for image in images])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("encoder", ["resnet18", "test_efficientnet"])
def test_group_norm_keeps_activations_and_pretrained_scales(encoder):
    batch = tiny(encoder=encoder).encoder.backbone
    group = tiny(encoder=encoder, norm="group").encoder.backbone
    shapes = [value.shape for value in batch.parameters()]
    assert [value.shape for value in group.parameters()] == shapes
    count = [sum(type(m) in (torch.nn.ReLU, torch.nn.SiLU) for m in net.modules()) for net in (batch, group)]
    assert count[0] == count[1] > 0


def test_channels_last_gives_the_same_matte():
    model, image = tiny().eval(), torch.rand(1, 3, 64, 64)
    expected = model(image).alpha
    torch.testing.assert_close(model.to(memory_format=torch.channels_last)(image).alpha, expected, atol=1e-5, rtol=0)


def test_bfloat16_autocast_keeps_alpha_in_float32():
    model, image = tiny().eval(), torch.rand(1, 3, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        output = model(image)
    assert output.alpha.dtype == torch.float32 and output.trimap_logits.dtype == torch.bfloat16
    assert (output.alpha - model(image).alpha).abs().max() < 0.05


def test_exports_with_free_batch_and_size():
    model, image = tiny().eval(), torch.rand(2, 3, 64, 96)
    free = {0: Dim("batch"), 2: 32 * Dim("rows", min=2, max=64), 3: 32 * Dim("columns", min=2, max=64)}
    program = export(model, (image,), dynamic_shapes=(free,)).module()
    for shape in [(2, 3, 64, 96), (3, 3, 128, 64)]:
        other = torch.rand(shape)
        torch.testing.assert_close(program(other)[0], model(other).alpha, atol=1e-5, rtol=1e-4)


def test_compiles_as_one_graph():
    model, image = tiny().eval(), torch.rand(1, 3, 64, 64)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(image).alpha, model(image).alpha)


def test_saved_folder_builds_the_same_network_without_encoder_weights(tmp_path):
    model = tiny(norm="group", gates=False).eval()
    model.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text()) == model.settings
    loaded, image = AttentionUNet.from_pretrained(tmp_path), torch.rand(1, 3, 32, 32)
    assert not loaded.training and loaded.settings == model.settings
    assert torch.equal(loaded(image).alpha, model(image).alpha)


def test_saved_folder_of_another_network_is_refused(tmp_path):
    tiny(gates=False).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"gates": True}))
    with pytest.raises(RuntimeError, match="gate"):
        AttentionUNet.from_pretrained(tmp_path)
