"""Terms on the trimap head."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from matting.batch import TrainingBatch
from matting.losses.weighting import image_mean
from matting.models import MattingOutput


def trimap_cross_entropy(logits: Tensor, target: Tensor, valid: Tensor, focal_gamma: float = 0.0) -> Tensor:
    """Compute the mean cross-entropy of the three classes, optionally focal (Lin et al. 2017, "Focal Loss", eq. 4).

    Args:
        logits: ``(B, 3, H, W)``: background, unknown, foreground.
        target: ``(B, H, W)`` int64 in {0, 1, 2}.
        valid: ``(B, 1, H, W)``; where 0, the pixel does not count.
        focal_gamma: The paper's gamma: a pixel has weight ``(1 - p) ** focal_gamma``, where p is the probability of
            the right class; 0 gives the plain cross-entropy.

    Returns:
        Scalar in nats, averaged per image, then over images; an image without valid pixels counts as 0.

    Example:
        >>> import torch
        >>> logits, target = torch.zeros(1, 3, 4, 4), torch.ones(1, 4, 4, dtype=torch.int64)
        >>> trimap_cross_entropy(logits, target, valid=torch.ones(1, 1, 4, 4))  # log 3
        tensor(1.0986)
    """
    errors = F.cross_entropy(logits, target, reduction="none")
    if focal_gamma:
        # Rounding can make exp(-error) exceed 1, and a fractional power of a negative number is NaN.
        errors = (1 - (-errors).exp()).clamp_min(0) ** focal_gamma * errors
    return image_mean(errors, valid[:, 0])


class TrimapCrossEntropy(nn.Module):
    """`trimap_cross_entropy` of the trimap head.

    Args:
        focal_gamma: Gamma of the focal loss; 0 gives the plain cross-entropy.
    """

    def __init__(self, focal_gamma: float = 0.0) -> None:
        super().__init__()
        self.focal_gamma = focal_gamma

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Compute the scalar loss of a batch."""
        return trimap_cross_entropy(outputs[0].trimap_logits, batch.trimap, batch.valid, self.focal_gamma)
