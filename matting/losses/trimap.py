"""Terms on the trimap head."""

import torch.nn.functional as F
from torch import Tensor, nn

from matting.batch import TrainingBatch
from matting.models import MattingOutput


def trimap_cross_entropy(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Mean cross-entropy of the three classes.

    Args:
        logits: ``(B, 3, H, W)``: background, unknown, foreground.
        target: ``(B, H, W)`` int64 in {0, 1, 2}.
        valid: ``(B, 1, H, W)``; pixels of 0 do not count.

    Returns:
        Scalar in nats; 0 where no pixel is valid.
    """
    errors = F.cross_entropy(logits.float(), target, reduction="none")
    return (errors * valid[:, 0]).sum() / valid.sum().clamp_min(1.0)


class TrimapCrossEntropy(nn.Module):
    """`trimap_cross_entropy` of the trimap head."""

    def forward(self, output: MattingOutput, batch: TrainingBatch) -> Tensor:
        """Scalar loss of a batch."""
        return trimap_cross_entropy(output.trimap_logits, batch.trimap, batch.valid)
