"""Normalisation layers by name."""

from collections.abc import Callable
from math import gcd
from typing import Literal

from torch import nn

from matting.errors import MattingError

Norm = Literal["batch", "group"]


def group_norm(channels: int) -> nn.GroupNorm:
    """Build a GroupNorm with at most 32 groups (Wu & He 2018), which depends on neither batch size nor rank."""
    # The number of groups has to divide the channels, which are not always a multiple of 32.
    return nn.GroupNorm(gcd(32, channels), channels)


def norm_layer(name: Norm) -> Callable[[int], nn.Module]:
    """Return a layer's constructor, to be called with the number of channels.

    Raises:
        MattingError: If the name is neither ``batch`` nor ``group``.
    """
    layers: dict[str, Callable[[int], nn.Module]] = {"batch": nn.BatchNorm2d, "group": group_norm}
    if name not in layers:
        raise MattingError(f"model.norm: expected one of {', '.join(layers)}, found '{name}'")
    return layers[name]


def batch_to_group(module: nn.Module) -> None:
    """Replace every BatchNorm2d inside a module by GroupNorm, in place, keeping pre-trained scales and shifts.

    Args:
        module: Any module; other normalisation layers are left unchanged.
    """
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            layer = group_norm(child.num_features)
            if child.affine:
                # Running statistics have no counterpart: GroupNorm computes its own for each image.
                layer.load_state_dict({"weight": child.weight, "bias": child.bias})
            # timm's BatchNormAct2d contains the activation; GroupNorm must be followed by the same one.
            following = [part for _, part in child.named_children()]
            setattr(module, name, nn.Sequential(layer, *following) if following else layer)
        else:
            batch_to_group(child)
