"""Count the parameters of a network and its multiply-accumulates per image."""

from copy import deepcopy
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


class Part(NamedTuple):
    """Name, parameters and multiply-accumulates of a direct child of the network."""

    name: str
    parameters: int
    macs: int


class Cost(NamedTuple):
    """Size of a network.

    Attributes:
        parameters: Number of parameters.
        macs: Multiply-accumulates of convolutions and matrix products for one square image.
        parts: The same for each direct child.
    """

    parameters: int
    macs: int
    parts: list[Part]


def cost(model: nn.Module, size: int) -> Cost:
    """Count parameters and multiply-accumulates on the meta device, so that nothing is computed.

    Args:
        model: Network that takes ``(B, 3, H, W)`` images; not modified.
        size: Side of the image in pixels.

    Returns:
        Parameters, and MACs for one image, of the whole network and of each child.

    Raises:
        ValueError: If the network does not accept this size.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False))
        >>> cost(network, size=16)[:2]
        (216, 55296)
    """
    # Evaluation mode: in training, BatchNorm refuses one value per channel, which a small image leaves at the last
    # level.
    shadow = deepcopy(model).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shadow(torch.empty(1, 3, size, size, device="meta"))
    # The counter counts a multiply-accumulate as two operations, hence the halves below.
    flops = counter.get_flop_counts()
    parts = [
        Part(name, _parameters(child), sum(flops.get(f"{type(model).__name__}.{name}", {}).values()) // 2)
        for name, child in model.named_children()
    ]
    return Cost(_parameters(model), counter.get_total_flops() // 2, parts)


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
