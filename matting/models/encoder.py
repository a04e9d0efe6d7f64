"""The encoder; the only module besides `matting.models.weights` that imports timm."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from matting.errors import MattingError
from matting.models.norms import Norm, batch_to_group
from matting.models.weights import load_backbone_weights, load_pretrained_weights, read_weights


class Encoder(nn.Module):
    """A timm backbone that returns a pyramid of features.

    Images are normalised here, with the statistics of the backbone's pre-training, so that no caller can forget it.

    Args:
        name: A timm model that supports ``features_only`` and accepts images of any size.
        pretrained: Start from ImageNet weights, see `load_pretrained_weights`. Ignored if ``weights`` is given.
        weights: Local file of backbone weights, ``.safetensors`` or ``.pth``, in timm's naming.
        norm: ``batch`` keeps the backbone's own layers; ``group`` replaces BatchNorm by GroupNorm.

    Attributes:
        channels: Channels of each level, finest first.
        reductions: Stride of each level.

    Raises:
        MattingError: If timm has no such model, its weights cannot be fetched, or a file does not fit.
        FileNotFoundError: If ``weights`` names no file.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, pretrained: bool, weights: Path | str | None = None, norm: Norm = "batch") -> None:
        super().__init__()
        backbone = _create(name)
        if weights is not None:
            load_backbone_weights(backbone, read_weights(Path(weights)), weights)
        elif pretrained:
            load_pretrained_weights(backbone, name)
        self.channels: list[int] = backbone.feature_info.channels()
        self.reductions: list[int] = backbone.feature_info.reduction()
        statistics = backbone.pretrained_cfg
        # Not in checkpoints: the name of the encoder determines both.
        self.register_buffer("mean", torch.tensor(statistics["mean"]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(statistics["std"]).view(1, 3, 1, 1), persistent=False)
        # After loading: weight files have the names and statistics of BatchNorm.
        if norm == "group":
            batch_to_group(backbone)
        self.backbone = backbone
        # Some timm backbones, such as Swin, return (B, H, W, C).
        self.channels_last: bool = getattr(backbone, "output_fmt", None) == "NHWC"

    def forward(self, image: Tensor) -> list[Tensor]:
        """Extract features.

        Args:
            image: ``(B, 3, H, W)`` float in [0, 1], sRGB.

        Returns:
            ``(B, channels[k], H / reductions[k], W / reductions[k])`` of each level k, finest first.
        """
        features: list[Tensor] = self.backbone((image - self.mean) / self.std)
        return [level.permute(0, 3, 1, 2) for level in features] if self.channels_last else features


def with_constant_padding(model: nn.Module) -> nn.Module:
    """Return a copy of a network whose TensorFlow-style ("same") convolutions pad by constants.

    They compute their padding from the sides, which at a multiple of their stride, as all are here, is always the same.
    Where the sides are symbols, in `torch.export`, the formula nests with every level and is not simplified in minutes.

    Args:
        model: Takes images whose sides are multiples of its stride. It is left as it is.
    """
    from timm.layers import Conv2dSame

    copy = deepcopy(model)
    # A list, because the tree changes while it is traversed.
    for parent in list(copy.modules()):
        for name, child in parent.named_children():
            if isinstance(child, Conv2dSame):
                setattr(parent, name, nn.Sequential(nn.ZeroPad2d(_same_padding(child)), child))
                child.__class__ = nn.Conv2d  # its own padding is 0
    return copy


def _same_padding(conv: nn.Conv2d) -> tuple[int, int, int, int]:
    """Left, right, top and bottom padding for sides that are multiples of the stride."""
    sizes = zip(conv.dilation, conv.kernel_size, conv.stride, strict=True)
    high, wide = (max(dilation * (kernel - 1) + 1 - stride, 0) for dilation, kernel, stride in sizes)
    return wide // 2, wide - wide // 2, high // 2, high - high // 2


def _create(name: str) -> Any:
    import timm  # imported here: it takes seconds, and ONNX Runtime does not need it

    if not timm.is_model(name):
        close = ", ".join(timm.list_models(f"*{name.split('.')[0]}*")[:5]) or "see timm.list_models()"
        raise MattingError(f"model.encoder: timm has no model '{name}'; near: {close}")
    try:
        return timm.create_model(name, features_only=True, pretrained=False)
    except Exception as error:
        # timm raises exceptions of many types, from several libraries.
        raise MattingError(
            f"model.encoder '{name}': it cannot serve as a feature pyramid: {error}; choose another"
        ) from error
