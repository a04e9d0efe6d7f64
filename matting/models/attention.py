"""The additive attention gate (Oktay et al. 2018, "Attention U-Net", arXiv 1804.03999, eq. 1-2)."""

import torch.nn.functional as F
from torch import Tensor, nn

from matting.models.norms import Norm, norm_layer


class AttentionGate(nn.Module):
    """Lets the decoder decide which of the encoder's features pass.

    With skip features x and the gating signal g from the next coarser level of the decoder::

        attention = sigmoid(psi(relu(W_x x + W_g g)))        at the resolution of g
        gated     = x * upsample(attention)

    As published, x is brought to the grid of g by a strided convolution and the coefficients back by linear
    interpolation. Nothing follows the product, so that coefficients of 1 give the plain U-Net exactly.

    Args:
        skip_channels: Channels of x.
        gating_channels: Channels of g.
        norm: Normalisation of the two projections.
    """

    def __init__(self, skip_channels: int, gating_channels: int, norm: Norm = "batch") -> None:
        super().__init__()
        inner = max(skip_channels // 2, 8)
        layer = norm_layer(norm)
        self.project_skip = nn.Sequential(nn.Conv2d(skip_channels, inner, 1, bias=False), layer(inner))
        self.project_gating = nn.Sequential(nn.Conv2d(gating_channels, inner, 1, bias=False), layer(inner))
        self.psi = nn.Conv2d(inner, 1, 1)

    def forward(self, skip: Tensor, gating: Tensor) -> Tensor:
        """Gate the skip.

        Args:
            skip: ``(B, skip_channels, H, W)``.
            gating: ``(B, gating_channels, h, w)`` with H and W whole multiples of h and w.

        Returns:
            ``(B, skip_channels, H, W)``.
        """
        return skip * self.coefficients(skip, gating)

    def coefficients(self, skip: Tensor, gating: Tensor) -> Tensor:
        """Attention coefficients, ``(B, 1, H, W)`` in [0, 1]."""
        stride = (skip.shape[-2] // gating.shape[-2], skip.shape[-1] // gating.shape[-1])
        coarse = F.avg_pool2d(skip, stride, stride)
        attention = self.psi(F.relu(self.project_skip(coarse) + self.project_gating(gating))).sigmoid()
        return F.interpolate(attention, scale_factor=stride, mode="bilinear", align_corners=False)
