"""Terms on differences between neighbouring pixels: sensitive to edges and hair, which a mean error hardly sees."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from matting.batch import TrainingBatch
from matting.models import MattingOutput


def laplacian_pyramid_loss(preds: Tensor, target: Tensor, valid: Tensor, levels: int = 5) -> Tensor:
    """Compute the L1 distance of Laplacian pyramids.

    It is, as in Niklaus & Liu 2018 and Hou & Liu 2019, "Context-Aware Image Matting",
    ``sum_s 2^(s-1) ||L_s(preds) - L_s(target)||_1`` over the band-pass levels s = 1 … ``levels``, per pixel of the
    image, with the pyramid of Burt & Adelson (1983): reduce and expand by the binomial kernel (1 4 6 4 1) / 16, edges
    replicated. The pyramid is linear, so one pyramid of the difference is enough.

    The norm is a sum, as in the papers. Implementations often take each level's mean instead, which multiplies level s
    by a further 4^(s-1): the coarsest of five levels then counts 256 times as much, and single hairs are learnt last.

    Args:
        preds: ``(B, 1, H, W)`` in [0, 1].
        target: ``(B, 1, H, W)`` in [0, 1].
        valid: ``(B, 1, H, W)``; where 0, the error counts as 0.
        levels: Number of band-pass levels.

    Returns:
        Scalar, 0 for a perfect prediction.
    """
    current = (preds - target) * valid
    total = current.new_zeros(())
    pixels = current.numel()
    for level in range(levels):
        # The kernel is separable: once along the rows and, transposed, once along the columns.
        coarser = _reduce(_reduce(current).transpose(2, 3)).transpose(2, 3)
        expanded = _expand(_expand(coarser).transpose(2, 3)).transpose(2, 3)
        # Of an odd side the expanded one is longer by a pixel.
        band = current - expanded[..., : current.shape[2], : current.shape[3]]
        # `level` is s - 1 of the formula.
        total = total + 2**level * band.abs().sum() / pixels
        current = coarser
    return total


def gradient_loss(preds: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Compute the mean L1 distance of spatial gradients (forward differences; see Forte & Pitié 2020, "FBA Matting").

    Args:
        preds: ``(B, 1, H, W)`` in [0, 1].
        target: ``(B, 1, H, W)`` in [0, 1].
        valid: ``(B, 1, H, W)``; where 0, the error counts as 0.

    Returns:
        Scalar: mean absolute horizontal plus mean absolute vertical difference of the errors.
    """
    # Masked before the differences, so an ignored pixel affects its neighbours as if it were right.
    error = (preds - target) * valid
    return error.diff(dim=3).abs().mean() + error.diff(dim=2).abs().mean()


def _reduce(image: Tensor) -> Tensor:
    """Blur along the last axis and keep every second sample; sums of slices are faster than a convolution."""
    padded = F.pad(image, (2, 2, 0, 0), mode="replicate")
    first, second, third, fourth, fifth = (padded[..., k : padded.shape[-1] - 4 + k : 2] for k in range(5))
    return (first + fifth + 4 * (second + fourth) + 6 * third) / 16


def _expand(image: Tensor) -> Tensor:
    """Put zeros between the samples of the last axis and blur at twice the gain, even and odd samples separately."""
    padded = F.pad(image, (1, 1, 0, 0), mode="replicate")
    # Twice (1 4 6 4 1) / 16, where every second sample is 0: the taps 1 6 1 or 4 4 remain.
    even = (padded[..., :-2] + 6 * padded[..., 1:-1] + padded[..., 2:]) / 8
    odd = (padded[..., 1:-1] + padded[..., 2:]) / 2
    return torch.stack([even, odd], dim=-1).flatten(-2)


class LaplacianPyramid(nn.Module):
    """`laplacian_pyramid_loss` of the alpha head.

    Args:
        levels: Number of band-pass levels.
    """

    def __init__(self, levels: int = 5) -> None:
        super().__init__()
        self.levels = levels

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Compute the scalar loss of a batch."""
        return laplacian_pyramid_loss(outputs[0].alpha, batch.alpha, batch.valid, self.levels)


class Gradient(nn.Module):
    """`gradient_loss` of the alpha head."""

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Compute the scalar loss of a batch."""
        return gradient_loss(outputs[0].alpha, batch.alpha, batch.valid)
