"""Terms that compare the alpha head with the true matte, pixel by pixel."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from matting.batch import TrainingBatch
from matting.losses.weighting import image_mean
from matting.models import MattingOutput
from matting.trimap import FOREGROUND, UNKNOWN


def alpha_l1(preds: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean absolute error (Xu et al. 2017, "Deep Image Matting", without its rounding of the kink).

    Args:
        preds: ``(B, 1, H, W)`` in [0, 1].
        target: ``(B, 1, H, W)`` in [0, 1].
        weight: ``(B, 1, H, W)``, non-negative; 0 where the annotation is to be ignored.

    Returns:
        Scalar: sum of ``weight * |preds - target|`` over the sum of weights of each image, averaged over images.

    Example:
        >>> preds, target = torch.tensor([[[[0.5, 1.0]]]]), torch.ones(1, 1, 1, 2)
        >>> alpha_l1(preds, target, weight=torch.ones_like(target))
        tensor(0.2500)
    """
    return image_mean((preds - target).abs(), weight)


def composition_loss(preds: Tensor, target: Tensor, foreground: Tensor, background: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference of the composites by the predicted and by the true matte (Xu et al. 2017).

    Both composites are made of the true layers, so their difference is ``(preds - target) (F - B)``: an error costs
    what it would show. A photo that stands for both of its layers costs nothing.

    Args:
        preds: ``(B, 1, H, W)`` in [0, 1].
        target: ``(B, 1, H, W)`` in [0, 1].
        foreground: ``(B, 3, H, W)`` in [0, 1], straight colours.
        background: ``(B, 3, H, W)`` in [0, 1].
        weight: ``(B, 1, H, W)``, non-negative.

    Returns:
        Scalar in display values, averaged over channels.

    Example:
        >>> preds, target = torch.tensor([[[[0.5, 1.0]]]]), torch.ones(1, 1, 1, 2)
        >>> white, gray = torch.ones(1, 3, 1, 2), torch.full((1, 3, 1, 2), 0.5)
        >>> composition_loss(preds, target, white, gray, weight=torch.ones_like(target))  # half of the error is seen
        tensor(0.1250)
    """
    difference = (preds - target).abs() * (foreground - background).abs().mean(dim=1, keepdim=True)
    return image_mean(difference, weight)


def hole_loss(preds: Tensor, target: Tensor, inside: Tensor) -> Tensor:
    """How much of the body is missing: mean shortfall of alpha inside the eroded foreground, every person alike.

    A hole is few pixels of an image, hence little of a mean over it; here each image's shortfall is relative to
    its own definite foreground, however small the person stands.

    Args:
        preds: ``(B, 1, H, W)`` in [0, 1].
        target: ``(B, 1, H, W)`` in [0, 1].
        inside: ``(B, 1, H, W)``, 1 in the eroded foreground, else 0.

    Returns:
        Scalar in [0, 1]; an image without a definite foreground adds 0.
    """
    return image_mean((target - preds).relu(), inside)


class AlphaL1(nn.Module):
    """`alpha_l1` with the unknown region weighed up.

    Args:
        unknown: Weight of a pixel of the unknown region, where one elsewhere has 1.
    """

    def __init__(self, unknown: float = 1.0) -> None:
        super().__init__()
        self.unknown = unknown

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Scalar loss of a batch."""
        weight = batch.valid * torch.where(batch.trimap == UNKNOWN, self.unknown, 1.0)[:, None]
        return alpha_l1(outputs[0].alpha, batch.alpha, weight)


class Composition(nn.Module):
    """`composition_loss` with the true layers of the batch."""

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Scalar loss of a batch."""
        return composition_loss(outputs[0].alpha, batch.alpha, batch.foreground, batch.background, batch.valid)


class Holes(nn.Module):
    """`hole_loss` inside the trimap's foreground."""

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Scalar loss of a batch."""
        inside = batch.valid * (batch.trimap == FOREGROUND)[:, None]
        return hole_loss(outputs[0].alpha, batch.alpha, inside)
