"""What a network costs: parameters, and multiply-accumulates of a picture."""

from copy import deepcopy
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


class Cost(NamedTuple):
    """Size of a network.

    Attributes:
        parameters: Number of learnt values.
        macs: Multiply-accumulates of convolutions and matrix products for one square picture.
    """

    parameters: int
    macs: int


def cost(model: nn.Module, size: int) -> Cost:
    """Count without computing: shapes are enough.

    Args:
        model: Takes ``(B, 3, H, W)`` pictures. It is left as it is.
        size: Side of the picture in pixels.

    Returns:
        Parameters and MACs of one picture.
    """
    shadow = deepcopy(model).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shadow(torch.empty(1, 3, size, size, device="meta"))
    return Cost(sum(parameter.numel() for parameter in model.parameters()), counter.get_total_flops() // 2)
