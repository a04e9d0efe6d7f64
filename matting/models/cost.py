"""What a network costs: parameters, and multiply-accumulates of an image."""

from copy import deepcopy
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


class Part(NamedTuple):
    """A child of the network: its name, its learnt values and its multiply-accumulates."""

    name: str
    parameters: int
    macs: int


class Cost(NamedTuple):
    """Size of a network.

    Attributes:
        parameters: Number of learnt values.
        macs: Multiply-accumulates of convolutions and matrix products for one square image.
        parts: The same of each child.
    """

    parameters: int
    macs: int
    parts: list[Part]


def cost(model: nn.Module, size: int) -> Cost:
    """Count without computing: shapes are enough.

    Args:
        model: Takes ``(B, 3, H, W)`` images. It is left as it is.
        size: Side of the image in pixels.

    Returns:
        Parameters and MACs of one image, of the whole and of each child.

    Raises:
        ValueError: If the network does not take this size.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False))
        >>> cost(network, size=16)[:2]
        (216, 55296)
    """
    shadow = deepcopy(model).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shadow(torch.empty(1, 3, size, size, device="meta"))
    flops = counter.get_flop_counts()
    parts = [
        Part(name, _learnt(child), sum(flops.get(f"{type(model).__name__}.{name}", {}).values()) // 2)
        for name, child in model.named_children()
    ]
    return Cost(_learnt(model), counter.get_total_flops() // 2, parts)


def _learnt(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
