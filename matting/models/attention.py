"""The additive attention gate (Oktay et al. 2018, "Attention U-Net", arXiv 1804.03999, eq. 1-2)."""

import torch.nn.functional as F
from torch import Tensor, nn


class AttentionGate(nn.Module):
    """Weigh the encoder's features by what the decoder already knows.

    With skip features x and the gating signal g from the next coarser level of the decoder::

        attention = sigmoid(psi(relu(W_x x + W_g g + b_g)) + b_psi)        at the resolution of g
        gated     = x * upsample(attention)

    As published, W_x is a strided convolution that brings x to the grid of g, W_g and psi are 1x1, and the
    coefficients are upsampled by linear interpolation. No layer follows the product, so coefficients of 1 give the
    plain U-Net exactly.

    Args:
        skip_channels: Channels of x.
        gating_channels: Channels of g.
        stride: Height and width of x divided by those of g.
    """

    def __init__(self, skip_channels: int, gating_channels: int, stride: int) -> None:
        super().__init__()
        inner = max(skip_channels // 2, 8)
        self.stride = stride
        # No bias: the sum of eq. 1 has only one, that of the gating signal.
        self.project_skip = nn.Conv2d(skip_channels, inner, stride, stride, bias=False)
        self.project_gating = nn.Conv2d(gating_channels, inner, 1)
        self.psi = nn.Conv2d(inner, 1, 1)

    def forward(self, skip: Tensor, gating: Tensor) -> Tensor:
        """Gate the skip.

        Args:
            skip: ``(B, skip_channels, H, W)``.
            gating: ``(B, gating_channels, H / stride, W / stride)``.

        Returns:
            ``(B, skip_channels, H, W)``.
        """
        return skip * self.coefficients(skip, gating)

    def coefficients(self, skip: Tensor, gating: Tensor) -> Tensor:
        """Compute the attention coefficients of `forward`, ``(B, 1, H, W)`` in [0, 1]."""
        attention = self.psi(F.relu(self.project_skip(skip) + self.project_gating(gating))).sigmoid()
        # With align_corners, the map would be off by up to half a pixel of g at the rim.
        return F.interpolate(attention, scale_factor=float(self.stride), mode="bilinear", align_corners=False)
