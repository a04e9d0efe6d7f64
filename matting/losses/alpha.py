"""Terms that compare the alpha head with the true matte, pixel by pixel."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from matting.batch import TrainingBatch
from matting.losses.weighting import image_mean
from matting.models import MattingOutput
from matting.trimap import FOREGROUND, UNKNOWN


def alpha_l1(preds: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Compute the weighted mean absolute error (Xu et al. 2017, "Deep Image Matting", without its smoothing at 0).

    Args:
        preds: ``(B, 1, H, W)`` in [0, 1].
        target: ``(B, 1, H, W)`` in [0, 1].
        weight: ``(B, 1, H, W)``, non-negative; 0 where the annotation is ignored.

    Returns:
        Scalar: ``weight * |preds - target|`` summed over each image and divided by its sum of weights, averaged over
        images.

    Example:
        >>> preds, target = torch.tensor([[[[0.5, 1.0]]]]), torch.ones(1, 1, 1, 2)
        >>> alpha_l1(preds, target, weight=torch.ones_like(target))
        tensor(0.2500)
    """
    return image_mean((preds - target).abs(), weight)


def composition_loss(preds: Tensor, target: Tensor, foreground: Tensor, background: Tensor, weight: Tensor) -> Tensor:
    """Compute the mean absolute difference of the composites with the predicted and the true matte (Xu et al. 2017).

    Both composites use the true layers, so their difference is ``(preds - target) (F - B)``: an error counts as much
    as it is visible. A photo that serves as both of its layers has zero loss.

    Args:
        preds: ``(B, 1, H, W)`` in [0, 1].
        target: ``(B, 1, H, W)`` in [0, 1].
        foreground: ``(B, 3, H, W)`` in [0, 1], straight colours.
        background: ``(B, 3, H, W)`` in [0, 1].
        weight: ``(B, 1, H, W)``, non-negative.

    Returns:
        Scalar in sRGB values, averaged over channels.

    Example:
        >>> preds, target = torch.tensor([[[[0.5, 1.0]]]]), torch.ones(1, 1, 1, 2)
        >>> white, gray = torch.ones(1, 3, 1, 2), torch.full((1, 3, 1, 2), 0.5)
        >>> composition_loss(preds, target, white, gray, weight=torch.ones_like(target))  # half of the error is visible
        tensor(0.1250)
    """
    difference = (preds - target).abs() * (foreground - background).abs().mean(dim=1, keepdim=True)
    return image_mean(difference, weight)


def hole_loss(preds: Tensor, target: Tensor, inside: Tensor) -> Tensor:
    """Compute the mean shortfall of alpha inside the definite foreground, with equal weight for each image.

    A hole covers few pixels, so a mean over the image hardly notices it. Here each image's shortfall is relative to
    its own definite foreground, however small the person is.

    Args:
        preds: ``(B, 1, H, W)`` in [0, 1].
        target: ``(B, 1, H, W)`` in [0, 1].
        inside: ``(B, 1, H, W)``, 1 in the definite foreground, else 0.

    Returns:
        Scalar in [0, 1]; an image without definite foreground counts as 0.
    """
    return image_mean((target - preds).relu(), inside)


class AlphaL1(nn.Module):
    """`alpha_l1` with a higher weight in the unknown region.

    Args:
        unknown: Weight of pixels in the unknown region; other pixels have weight 1.
    """

    def __init__(self, unknown: float = 1.0) -> None:
        super().__init__()
        self.unknown = unknown

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Compute the scalar loss of a batch."""
        weight = batch.valid * torch.where(batch.trimap == UNKNOWN, self.unknown, 1.0)[:, None]
        return alpha_l1(outputs[0].alpha, batch.alpha, weight)


class Composition(nn.Module):
    """`composition_loss` with the true layers of the batch."""

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Compute the scalar loss of a batch."""
        return composition_loss(outputs[0].alpha, batch.alpha, batch.foreground, batch.background, batch.valid)


class Holes(nn.Module):
    """`hole_loss` inside the trimap's foreground."""

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Compute the scalar loss of a batch."""
        inside = batch.valid * (batch.trimap == FOREGROUND)[:, None]
        return hole_loss(outputs[0].alpha, batch.alpha, inside)
