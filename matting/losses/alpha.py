"""Terms on the alpha head."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from matting.batch import TrainingBatch
from matting.models import MattingOutput

UNKNOWN = 1


def alpha_l1(preds: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean absolute error.

    Args:
        preds: ``(B, 1, H, W)`` in [0, 1].
        target: ``(B, 1, H, W)`` in [0, 1].
        weight: ``(B, 1, H, W)``, non-negative; 0 where the annotation is to be ignored.

    Returns:
        Scalar: sum of ``weight * |preds - target|`` over the sum of weights; 0 where all weights are 0.
    """
    return (weight * (preds - target).abs()).sum() / weight.sum().clamp_min(1e-6)


def laplacian_pyramid_loss(preds: Tensor, target: Tensor, valid: Tensor, levels: int = 5) -> Tensor:
    """L1 distance of Laplacian pyramids (Niklaus & Liu 2018; Hou & Liu 2019, eq. 4).

    ``sum_s 2^(s-1) mean |L_s(preds) - L_s(target)|``, with the 5-tap binomial kernel. The pyramid is linear, so that of the
    difference is taken.

    Args:
        preds: ``(B, 1, H, W)`` in [0, 1], H and W multiples of ``2 ** (levels - 1)``.
        target: ``(B, 1, H, W)`` in [0, 1].
        valid: ``(B, 1, H, W)``; where 0, the prediction counts as right.
        levels: Number of band-pass levels.

    Returns:
        Scalar, 0 at a perfect prediction.
    """
    current = (preds - target) * valid
    total = current.new_zeros(())
    for level in range(levels):
        coarser = _blur(current)[..., ::2, ::2]
        band = current - F.interpolate(coarser, size=current.shape[-2:], mode="bilinear", align_corners=False)
        total = total + 2**level * band.abs().mean()
        current = coarser
    return total


def _blur(picture: Tensor) -> Tensor:
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=picture.dtype, device=picture.device) / 16
    rows = F.conv2d(F.pad(picture, (2, 2, 0, 0), mode="replicate"), taps.view(1, 1, 1, 5))
    return F.conv2d(F.pad(rows, (0, 0, 2, 2), mode="replicate"), taps.view(1, 1, 5, 1))


class AlphaL1(nn.Module):
    """`alpha_l1` with the unknown region weighed up.

    Args:
        unknown: Weight of a pixel of the unknown region, where one elsewhere has 1.
    """

    def __init__(self, unknown: float = 1.0) -> None:
        super().__init__()
        self.unknown = unknown

    def forward(self, output: MattingOutput, batch: TrainingBatch) -> Tensor:
        """Scalar loss of a batch."""
        weight = batch.valid * torch.where(batch.trimap == UNKNOWN, self.unknown, 1.0)[:, None]
        return alpha_l1(output.alpha, batch.alpha, weight)


class LaplacianPyramid(nn.Module):
    """`laplacian_pyramid_loss` of the alpha head.

    Args:
        levels: Number of levels.
    """

    def __init__(self, levels: int = 5) -> None:
        super().__init__()
        self.levels = levels

    def forward(self, output: MattingOutput, batch: TrainingBatch) -> Tensor:
        """Scalar loss of a batch."""
        return laplacian_pyramid_loss(output.alpha, batch.alpha, batch.valid, self.levels)
