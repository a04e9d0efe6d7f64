import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from matting.models import AttentionGate, AttentionUNet


def gate(skip=6, gating=5, stride=2, dtype=torch.float64):
    torch.manual_seed(0)
    return AttentionGate(skip, gating, stride).to(dtype)


def pair(skip=6, gating=5, stride=2, side=3, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    fine = torch.randn(2, skip, side * stride, side * stride, dtype=dtype, generator=generator)
    return fine, torch.randn(2, gating, side, side, dtype=dtype, generator=generator)


def by_hand(module, skip, gating):
    """Coefficients at the resolution of the gating signal, pixel by pixel."""
    weights = {name: value.detach().numpy() for name, value in module.named_parameters()}
    x, g, s = skip.numpy(), gating.numpy(), module.stride
    result = np.empty((len(x), *g.shape[-2:]))
    for b, i, j in np.ndindex(*result.shape):
        patch = x[b, :, i * s : (i + 1) * s, j * s : (j + 1) * s]
        sums = np.tensordot(weights["project_skip.weight"], patch, axes=3)
        sums += weights["project_gating.weight"][:, :, 0, 0] @ g[b, :, i, j] + weights["project_gating.bias"]
        score = weights["psi.weight"][0, :, 0, 0] @ np.maximum(sums, 0) + weights["psi.bias"][0]
        result[b, i, j] = 1 / (1 + np.exp(-score))
    return result


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_coefficients_follow_the_published_equation(stride):
    module, (skip, gating) = gate(stride=stride), pair(stride=stride)
    fine = module.coefficients(skip, gating).detach()
    expected = torch.from_numpy(by_hand(module, skip, gating))[:, None]
    upsampled = nn.Upsample(scale_factor=stride, mode="bilinear", align_corners=False)(expected)
    torch.testing.assert_close(fine, upsampled)
    torch.testing.assert_close(module(skip, gating).detach(), skip * upsampled)


def test_gradients_are_right():
    module, (skip, gating) = gate(), pair()
    assert torch.autograd.gradcheck(module, (skip.requires_grad_(), gating.requires_grad_()))


def test_gate_shares_one_coefficient_between_all_channels():
    module, (skip, gating) = gate(), pair()
    ratio = module(skip, gating) / skip
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio))


@settings(max_examples=20)
@given(st.floats(-30, 30))
def test_coefficients_are_between_closed_and_open(bias):
    module, (skip, gating) = gate(), pair()
    nn.init.constant_(module.psi.bias, bias)
    coefficients = module.coefficients(skip, gating)
    assert coefficients.min() >= 0 and coefficients.max() <= 1


def network(gates):
    torch.manual_seed(0)
    return AttentionUNet("test_resnet", pretrained=False, decoder_channels=(24, 16, 16, 8, 8), gates=gates).eval()


def set_gates(model, bias):
    for module in model.modules():
        if isinstance(module, AttentionGate):
            nn.init.zeros_(module.psi.weight)
            nn.init.constant_(module.psi.bias, bias)


def test_open_gates_are_the_plain_unet_exactly():
    gated, plain = network(True), network(False)
    plain.load_state_dict({key: value for key, value in gated.state_dict().items() if ".gate." not in key})
    set_gates(gated, 1e4)
    image = torch.rand(2, 3, 64, 96)
    for ours, theirs in zip(gated(image), plain(image), strict=True):
        assert torch.equal(ours, theirs)


def test_closed_gates_shut_every_skip_off_exactly():
    model = network(True)
    set_gates(model, -1e4)
    blocks = model.decoder.blocks
    seen = []
    for block in blocks:
        block.gate.register_forward_hook(lambda _, __, passed: seen.append(passed.abs().max().item()))
    first = model(torch.rand(1, 3, 64, 64))
    assert seen == [0.0] * len(blocks)
    # What comes out is then a function of the coarsest level alone.
    pyramid = [torch.randn_like(level) for level in model.encoder(torch.rand(1, 3, 64, 64))]
    detail = [torch.randn(1, 8, 64, 64) for _ in range(2)]
    other = [torch.randn_like(level) for level in pyramid[:-1]] + pyramid[-1:]
    once, again = model.decoder([detail[0], *pyramid]), model.decoder([detail[1], *other])
    assert torch.equal(once[-1], again[-1])
    assert first.alpha.isfinite().all()
