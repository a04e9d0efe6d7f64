"""bfloat16 training on a CPU, with depthwise convolutions in float32."""

from typing import Any

import torch
from lightning.pytorch.plugins.precision import MixedPrecision
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


class CpuMixedPrecision(MixedPrecision):
    """Lightning's ``bf16-mixed``, except that depthwise convolutions of the network stay in float32.

    The way back through one takes a CPU longer in bfloat16 than in float32. ``experiments/throughput`` compares both.
    """

    def __init__(self) -> None:
        super().__init__("bf16-mixed", "cpu")
        self._handles: list[RemovableHandle] = []

    def convert_module(self, module: nn.Module) -> nn.Module:
        """Let the depthwise convolutions leave autocast while they work."""
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1:
                state = _OutsideAutocast()
                self._handles += [
                    layer.register_forward_pre_hook(state.leave),
                    layer.register_forward_hook(state.come_back, always_call=True),
                ]
        return module

    def teardown(self) -> None:
        """Restore the layers, so that the network is tested as everywhere else."""
        for handle in self._handles:
            handle.remove()
        self._handles = []


class _OutsideAutocast:
    """Hooks of one layer, which remember whether there was an autocast to come back to."""

    def __init__(self) -> None:
        self.was_on = False

    def leave(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        self.was_on = torch.is_autocast_enabled("cpu")
        torch.set_autocast_enabled("cpu", False)
        return tuple(tensor.float() for tensor in inputs) if self.was_on else inputs

    def come_back(self, *_: Any) -> None:
        torch.set_autocast_enabled("cpu", self.was_on)
