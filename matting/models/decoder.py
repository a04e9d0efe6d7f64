"""The decoder: from the coarsest features up to full resolution, with gated skips."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from matting.models.attention import AttentionGate
from matting.models.norms import Norm, norm_layer


def conv_block(in_channels: int, out_channels: int, norm: Norm) -> nn.Sequential:
    """Build a 3x3 convolution with normalisation and ReLU."""
    # No bias: the normalisation has a shift of its own.
    layers = [nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False), norm_layer(norm)(out_channels)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


class DecoderBlock(nn.Module):
    """Upsample to the skip's size, concatenate the gated skip, convolve twice.

    Args:
        in_channels: Channels from the coarser level.
        skip_channels: Channels of the skip; 0 for a skip that only gives its size.
        out_channels: Channels of the result.
        stride: Height and width of the skip divided by those of the coarser level.
        gated: Put an attention gate on the skip.
        norm: Normalisation layer.
    """

    def __init__(
        self, in_channels: int, skip_channels: int, out_channels: int, stride: int, gated: bool, norm: Norm
    ) -> None:
        super().__init__()
        self.gate = AttentionGate(skip_channels, in_channels, stride) if gated and skip_channels else None
        self.convs = nn.Sequential(
            conv_block(in_channels + skip_channels, out_channels, norm), conv_block(out_channels, out_channels, norm)
        )

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """Decode one level.

        Args:
            coarse: ``(B, in_channels, h, w)``, also the gating signal.
            skip: ``(B, skip_channels, H, W)``.

        Returns:
            ``(B, out_channels, H, W)``.
        """
        passed = skip if self.gate is None else self.gate(skip, coarse)
        upsampled = F.interpolate(coarse, size=skip.shape[-2:], mode="nearest")
        decoded: Tensor = self.convs(torch.cat([upsampled, passed], dim=1))
        return decoded


class Decoder(nn.Module):
    """Decoder blocks from the coarsest level of a pyramid to the finest.

    Args:
        skip_channels: Channels of the pyramid, finest first; the last is the coarsest level itself.
        strides: Stride of each level of the pyramid in pixels of the image, finest first.
        channels: Channels of each decoder level, coarsest first; one level fewer than the pyramid.
        gated: Put an attention gate on each skip.
        norm: Normalisation layer.
    """

    def __init__(
        self, skip_channels: Sequence[int], strides: Sequence[int], channels: Sequence[int], gated: bool, norm: Norm
    ) -> None:
        super().__init__()
        coarse_first = list(skip_channels)[::-1]
        inputs = [coarse_first[0], *channels]
        # Not always 2: some encoders, such as ConvNeXt, begin at stride 4, next to the detail skip at stride 1.
        ratios = [coarse // fine for fine, coarse in pairwise(strides)][::-1]
        self.blocks = nn.ModuleList(
            DecoderBlock(*widths, gated=gated, norm=norm)
            # `inputs` has one entry more: the last level goes to the heads, not to a further block.
            for widths in zip(inputs, coarse_first[1:], channels, ratios, strict=False)
        )

    def forward(self, pyramid: Sequence[Tensor]) -> list[Tensor]:
        """Decode a pyramid.

        Args:
            pyramid: Features ``(B, C, H, W)`` of each level, finest first.

        Returns:
            Output of each decoder level, coarsest first; the last is ``(B, channels[-1], H, W)`` at the finest size.
        """
        coarse, *skips = list(pyramid)[::-1]
        levels = []
        for block, skip in zip(self.blocks, skips, strict=True):
            coarse = block(coarse, skip)
            levels.append(coarse)
        return levels
