"""Normalisation layers by name."""

from collections.abc import Callable
from math import gcd
from typing import Any, Literal

from torch import nn

Norm = Literal["batch", "group"]


def group_norm(channels: int, **kwargs: Any) -> nn.GroupNorm:
    """GroupNorm with at most 32 groups (Wu & He 2018): independent of the batch, so of its size and its rank."""
    return nn.GroupNorm(gcd(32, channels), channels, **kwargs)


def norm_layer(name: Norm) -> Callable[..., nn.Module]:
    """The layer's constructor, called with the number of channels.

    Raises:
        ValueError: For any name but ``batch`` and ``group``.
    """
    layers: dict[str, Callable[..., nn.Module]] = {"batch": nn.BatchNorm2d, "group": group_norm}
    if name not in layers:
        raise ValueError(f"model.norm: expected one of {', '.join(layers)}, found '{name}'")
    return layers[name]
