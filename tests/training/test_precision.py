"""bfloat16 training on a CPU: depthwise convolutions stay in float32."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from matting.training.precision import CpuMixedPrecision
from matting.training.trainer import build_trainer


class Failing(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("no")


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 4, 1, groups=2))


def computed(model: nn.Sequential) -> list[torch.dtype]:
    """Return the types in which the layers compute."""
    x, found = torch.rand(2, 3, 8, 8), []
    for layer in model:
        x = layer(x)
        found.append(x.dtype)
    return found


def test_only_depthwise_convolutions_leave_autocast_and_only_while_training():
    plugin, model = CpuMixedPrecision(), network()
    plugin.convert_module(model)
    with plugin.forward_context():
        for one in (model, deepcopy(model)):  # averaged weights are in a copy
            assert computed(one) == [torch.bfloat16, torch.float32, torch.bfloat16]
            assert torch.is_autocast_enabled("cpu")
    assert computed(model) == [torch.float32] * 3 and not torch.is_autocast_enabled("cpu")
    plugin.teardown()
    with plugin.forward_context():
        assert computed(model) == [torch.bfloat16] * 3


def test_an_error_in_a_layer_does_not_end_autocast():
    plugin, model = CpuMixedPrecision(), nn.Sequential(Failing(2, 2, 1, groups=2))
    plugin.convert_module(model)
    with plugin.forward_context():
        with pytest.raises(RuntimeError):
            model(torch.rand(1, 2, 4, 4))
        assert torch.is_autocast_enabled("cpu")


def test_gradients_are_those_of_float32_within_rounding():
    torch.manual_seed(0)
    images, models = torch.rand(2, 3, 16, 16), [network()]
    models.append(deepcopy(models[0]))
    plugin = CpuMixedPrecision()
    plugin.convert_module(models[1])
    models[0](images).square().mean().backward()
    with plugin.forward_context():
        models[1](images).float().square().mean().backward()
    for exact, mixed in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert mixed.grad.dtype == torch.float32
        torch.testing.assert_close(mixed.grad, exact.grad, rtol=0.05, atol=0.02 * float(exact.grad.abs().max()))


@pytest.mark.parametrize(("precision", "own"), [("bf16-mixed", True), ("32-true", False)])
def test_the_trainer_of_a_cpu_uses_it(precision, own):
    plugin = build_trainer(precision, accelerator="cpu", logger=False).precision_plugin
    assert isinstance(plugin, CpuMixedPrecision) == own
    assert plugin.precision == precision
