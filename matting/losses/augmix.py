"""AugMix consistency: an image and its mixed views have the same trimap and matte (Hendrycks et al. 2020)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from matting.batch import TrainingBatch
from matting.errors import MattingError
from matting.losses.weighting import image_mean, label_free_weight
from matting.models import MattingOutput


def jensen_shannon(logits: Tensor, weight: Tensor) -> Tensor:
    """Compute the Jensen-Shannon divergence of the class distributions of several views (Hendrycks et al. 2020).

    Args:
        logits: ``(N, B, K, H, W)``: N views, K classes.
        weight: ``(B, 1, H, W)``, non-negative.

    Returns:
        Scalar in nats, in [0, log N]; 0 if all views agree.
    """
    log_probability = logits.log_softmax(dim=2)
    probability = log_probability.exp()
    mixture = probability.mean(dim=0)
    # A probability can underflow to 0 in every view; 0 times the infinite logarithm would be NaN.
    divergence = (probability * (log_probability - mixture.clamp_min(1e-12).log())).sum(dim=2).mean(dim=0)
    return image_mean(divergence[:, None], weight)


def alpha_spread(alphas: Tensor, weight: Tensor) -> Tensor:
    """Compute the mean absolute deviation of the views' mattes from that of the first view.

    Args:
        alphas: ``(N, B, 1, H, W)`` in [0, 1]: N >= 2 views, the clean one first.
        weight: ``(B, 1, H, W)``, non-negative.

    Returns:
        Scalar in [0, 1].

    Example:
        >>> views = torch.tensor([0.2, 0.4, 0.6]).view(3, 1, 1, 1, 1)
        >>> alpha_spread(views, weight=torch.ones(1, 1, 1, 1))
        tensor(0.3000)
    """
    return image_mean((alphas[1:] - alphas[:1]).abs().mean(dim=0), weight)


class AugMixConsistency(nn.Module):
    """`jensen_shannon` of the trimap head plus `alpha_spread` of the alpha head.

    Args:
        alpha: Weight of `alpha_spread`; `jensen_shannon` has weight 1.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Compute the scalar loss of a batch.

        Args:
            outputs: Outputs of the network for the images, then for each of their mixed views.
            batch: The batch; only ``valid`` is read.

        Raises:
            MattingError: If there are no mixed views.
        """
        if len(outputs) < 2:
            raise MattingError("loss augmix: expected mixed views of every image, found none; set augment.views=2")
        # Views are compared with each other, not with the target, so images without annotation train too.
        weight = label_free_weight(batch.valid)
        trimaps = jensen_shannon(torch.stack([output.trimap_logits for output in outputs]), weight)
        return trimaps + self.alpha * alpha_spread(torch.stack([output.alpha for output in outputs]), weight)
