"""Normalisation layers by name."""

from collections.abc import Callable
from math import gcd
from typing import Literal

from torch import nn

from matting.errors import MattingError

Norm = Literal["batch", "group"]


def group_norm(channels: int) -> nn.GroupNorm:
    """GroupNorm with at most 32 groups (Wu & He 2018): independent of the batch, so of its size and its rank."""
    return nn.GroupNorm(gcd(32, channels), channels)


def norm_layer(name: Norm) -> Callable[[int], nn.Module]:
    """The layer's constructor, called with the number of channels.

    Raises:
        MattingError: For any name but ``batch`` and ``group``.
    """
    layers: dict[str, Callable[[int], nn.Module]] = {"batch": nn.BatchNorm2d, "group": group_norm}
    if name not in layers:
        raise MattingError(f"model.norm: expected one of {', '.join(layers)}, found '{name}'")
    return layers[name]


def batch_to_group(module: nn.Module) -> None:
    """Replace every BatchNorm2d below a module by GroupNorm, in place; pre-trained scales and shifts are kept.

    Args:
        module: Any module; layers that already are independent of the batch stay as they are.
    """
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            layer = group_norm(child.num_features)
            if child.affine:
                layer.load_state_dict({"weight": child.weight, "bias": child.bias})
            # timm fuses some normalisations with what follows; GroupNorm has to be followed by the same.
            rest = [part for _, part in child.named_children()]
            setattr(module, name, nn.Sequential(layer, *rest) if rest else layer)
        else:
            batch_to_group(child)
