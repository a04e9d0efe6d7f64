"""The closed loop: the trimap that is predicted and the trimap that the predicted alpha implies must agree."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from matting.batch import TrainingBatch
from matting.errors import MattingError
from matting.losses.weighting import image_mean, label_free_weight
from matting.models import MattingOutput

_HARDLY_SOFT = 0.02  # as far as this from 0 and 1 an alpha may still be meant to be definite


def trimap_plausibility(alpha: Tensor, weight: Tensor, radius: tuple[int, int] = (3, 15)) -> Tensor:
    """How plausible each trimap label is, given a matte.

    A trimap's unknown band reaches somewhere between ``radius[0]`` and ``radius[1]`` pixels from the edge. Hence
    foreground is as plausible as the lowest alpha within the smaller radius, background as the lowest of 1 - alpha
    there; and unknown is implausible where even the larger radius holds nothing but definite alpha.

    That last plausibility carries no gradient: an alpha that is sure where a trimap is not is no fault of the alpha.

    Args:
        alpha: ``(B, 1, H, W)`` in [0, 1].
        weight: ``(B, 1, H, W)`` in {0, 1}; alpha of 0 speaks against no label.
        radius: Smallest and largest half-width of the unknown band in pixels.

    Returns:
        ``(B, 3, H, W)`` in [0, 1]: background, unknown, foreground. They need not sum to 1: between the two radii
        both definite and unknown are plausible.

    Example:
        >>> alpha = torch.tensor([[[[0.0, 0.0, 1.0, 1.0]]]])
        >>> background, unknown, foreground = trimap_plausibility(alpha, torch.ones_like(alpha), radius=(0, 1))[0, :, 0]
        >>> unknown.tolist()
        [0.0, 1.0, 1.0, 0.0]
    """
    near, far = radius
    high, low = alpha * weight, (1 - alpha) * weight
    with torch.no_grad():
        definite = torch.maximum(1 - _highest(low, far), 1 - _highest(high, far))
        unknown = ((1 - definite) / _HARDLY_SOFT).clamp(max=1)
    return torch.cat([1 - _highest(high, near), unknown, 1 - _highest(low, near)], dim=1)


def closed_loop_loss(
    alpha: Tensor,
    trimap_logits: Tensor,
    weight: Tensor,
    radius: tuple[int, int] = (3, 15),
    grad_to_alpha: bool = True,
    grad_to_trimap: bool = True,
) -> Tensor:
    """Probability that the trimap head contradicts the alpha head. Needs no label.

    The mean over pixels of ``sum_c P(c) (1 - plausibility(c))``, P from the trimap head, plausibility from
    `trimap_plausibility`. It is linear in both, so a hole of alpha 0.1 in a sure foreground is pushed as hard as one
    of 0.9.

    Args:
        alpha: ``(B, 1, H, W)`` in [0, 1].
        trimap_logits: ``(B, 3, H, W)``.
        weight: ``(B, 1, H, W)`` in {0, 1}, pixels that count.
        radius: Smallest and largest half-width of the unknown band in pixels.
        grad_to_alpha: Let the trimap head move the alpha head; else a stop-gradient stands between.
        grad_to_trimap: Let the alpha head move the trimap head; else a stop-gradient stands between.

    Returns:
        Scalar in [0, 1]; 0 for a matte with any of its trimaps, but for rims that are hardly soft.
    """
    probability = trimap_logits.softmax(dim=1)
    plausible = trimap_plausibility(alpha if grad_to_alpha else alpha.detach(), weight, radius)
    disagreement = (probability if grad_to_trimap else probability.detach()) * (1 - plausible)
    return image_mean(disagreement.sum(dim=1, keepdim=True), weight)


def _highest(image: Tensor, radius: int) -> Tensor:
    """Maximum within a square of half-width ``radius``, one axis after the other."""
    rows = F.max_pool2d(image, (2 * radius + 1, 1), stride=1, padding=(radius, 0))
    return F.max_pool2d(rows, (1, 2 * radius + 1), stride=1, padding=(0, radius))


class ClosedLoop(nn.Module):
    """`closed_loop_loss` of the two heads.

    Args:
        radius: Smallest and largest half-width in pixels of the unknown band in the training trimaps.
        grad_to_alpha: Let the trimap head move the alpha head.
        grad_to_trimap: Let the alpha head move the trimap head.

    Raises:
        MattingError: If neither head is taught, or radii are negative or out of order.
    """

    def __init__(
        self, radius: tuple[int, int] = (3, 15), grad_to_alpha: bool = True, grad_to_trimap: bool = True
    ) -> None:
        super().__init__()
        if not 0 <= radius[0] <= radius[1]:
            raise MattingError(f"closed loop: expected 0 <= low <= high, found radius={tuple(radius)}")
        if not grad_to_alpha and not grad_to_trimap:
            raise MattingError(
                "closed loop: expected a head to teach, found none; set its weight to 0 to switch it off"
            )
        self.radius, self.grad_to_alpha, self.grad_to_trimap = (radius[0], radius[1]), grad_to_alpha, grad_to_trimap

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Scalar loss of a batch."""
        weight = label_free_weight(batch.valid)
        return closed_loop_loss(
            outputs[0].alpha, outputs[0].trimap_logits, weight, self.radius, self.grad_to_alpha, self.grad_to_trimap
        )
