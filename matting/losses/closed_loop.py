"""The closed loop: the predicted trimap must agree with the trimap implied by the predicted alpha."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from matting.batch import TrainingBatch
from matting.errors import MattingError
from matting.losses.weighting import image_mean, label_free_weight
from matting.models import MattingOutput

_HARDLY_SOFT = 0.02  # an alpha within this distance of 0 or 1, 5 levels of 255, may still be meant as definite


def trimap_plausibility(alpha: Tensor, weight: Tensor, radius: tuple[int, int] = (3, 15)) -> Tensor:
    """Compute how plausible each trimap label is, given a matte.

    A trimap's unknown band extends between ``radius[0]`` and ``radius[1]`` pixels from the edge. So the plausibility
    of foreground is the lowest alpha within the smaller radius, and that of background the lowest 1 - alpha; unknown
    is implausible where all alpha within the larger radius is definite.

    The plausibility of unknown carries no gradient: a definite alpha in an unknown region is not an error.

    Args:
        alpha: ``(B, 1, H, W)`` in [0, 1].
        weight: ``(B, 1, H, W)`` in {0, 1}; where 0, alpha does not count against any label.
        radius: Smallest and largest half-width of the unknown band in pixels.

    Returns:
        ``(B, 3, H, W)`` in [0, 1]: background, unknown, foreground. They need not sum to 1: between the two radii
        both a definite label and unknown are plausible.

    Example:
        >>> alpha = torch.tensor([[[[0.0, 0.0, 1.0, 1.0]]]])
        >>> background, unknown, foreground = trimap_plausibility(alpha, torch.ones_like(alpha), radius=(0, 1))[0, :, 0]
        >>> unknown.tolist()
        [0.0, 1.0, 1.0, 0.0]
    """
    near, far = radius
    # Where the weight is 0 both are 0, so such a pixel speaks against no label.
    high, low = alpha * weight, (1 - alpha) * weight
    with torch.no_grad():
        # 1 - highest(low) is the lowest alpha in the window: near 1 if all of it is foreground.
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
    """Compute the probability that the trimap head contradicts the alpha head; no label is needed.

    It is the mean over pixels of ``sum_c P(c) (1 - plausibility(c))``, with P from the trimap head and
    the plausibility from `trimap_plausibility`. It is linear in both, so in a certain foreground a hole of alpha 0.1
    gets the same gradient as one of 0.9.

    Args:
        alpha: ``(B, 1, H, W)`` in [0, 1].
        trimap_logits: ``(B, 3, H, W)``.
        weight: ``(B, 1, H, W)`` in {0, 1}, pixels that count.
        radius: Smallest and largest half-width of the unknown band in pixels.
        grad_to_alpha: Pass gradients to the alpha head; if False, alpha is detached.
        grad_to_trimap: Pass gradients to the trimap head; if False, its probabilities are detached.

    Returns:
        Scalar in [0, 1]; 0 for a matte with any of its trimaps, except where alpha is within 0.02 of 0 or 1.
    """
    probability = trimap_logits.softmax(dim=1)
    plausible = trimap_plausibility(alpha if grad_to_alpha else alpha.detach(), weight, radius)
    disagreement = (probability if grad_to_trimap else probability.detach()) * (1 - plausible)
    return image_mean(disagreement.sum(dim=1, keepdim=True), weight)


def _highest(image: Tensor, radius: int) -> Tensor:
    """Compute the maximum within a square of half-width ``radius``, separably."""
    # A maximum of maxima is exact and costs two lines of 2 r + 1 values per pixel instead of a square. The padding is
    # minus infinity, so that what is outside of the image does not count.
    rows = F.max_pool2d(image, (2 * radius + 1, 1), stride=1, padding=(radius, 0))
    return F.max_pool2d(rows, (1, 2 * radius + 1), stride=1, padding=(0, radius))


class ClosedLoop(nn.Module):
    """`closed_loop_loss` between the two heads.

    Args:
        radius: Smallest and largest half-width in pixels of the unknown band in the training trimaps.
        grad_to_alpha: Pass gradients to the alpha head.
        grad_to_trimap: Pass gradients to the trimap head.

    Raises:
        MattingError: If neither head gets gradients, or the radii are negative or out of order.
    """

    def __init__(
        self, radius: tuple[int, int] = (3, 15), grad_to_alpha: bool = True, grad_to_trimap: bool = True
    ) -> None:
        super().__init__()
        if not 0 <= radius[0] <= radius[1]:
            raise MattingError(f"closed loop: expected 0 <= low <= high, found radius={tuple(radius)}")
        if not grad_to_alpha and not grad_to_trimap:
            raise MattingError(
                "closed loop: expected grad_to_alpha or grad_to_trimap, found neither; weight 0 disables the term"
            )
        self.radius, self.grad_to_alpha, self.grad_to_trimap = (radius[0], radius[1]), grad_to_alpha, grad_to_trimap

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Compute the scalar loss of a batch."""
        weight = label_free_weight(batch.valid)
        return closed_loop_loss(
            outputs[0].alpha, outputs[0].trimap_logits, weight, self.radius, self.grad_to_alpha, self.grad_to_trimap
        )
