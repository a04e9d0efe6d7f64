"""Terms on scene-antagonistic pairs: one person in front of two backgrounds has one matte and one embedding."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from matting.batch import TrainingBatch
from matting.errors import MattingError
from matting.losses.weighting import image_means, label_free_weight
from matting.models import MattingOutput


def pair_consistency(preds: Tensor, target: Tensor, valid: Tensor, pair: Tensor) -> Tensor:
    """Compute the mean absolute difference between the alphas of the two views of a pair.

    Without labels both views are pulled towards each other. Where both are annotated, only the view with the larger
    error gets a gradient, so that a correct alpha is never pushed away by a wrong partner. Errors are compared there,
    not alphas, so that targets which differ between the views (as camera blur can make them) are no inconsistency.

    Args:
        preds: ``(B, 1, H, W)`` in [0, 1].
        target: ``(B, 1, H, W)`` in [0, 1]; not read in images without any annotation.
        valid: ``(B, 1, H, W)`` in {0, 1}.
        pair: ``(B,)`` int64: equal in the two adjacent rows of a pair, -1 for a row without a pair.

    Returns:
        Scalar in [0, 1], averaged over rows; a row without a pair counts as 0.
    """
    # Every row with the next one, whether a pair or not: gathering the pairs would need their number on the host.
    first, second = slice(None, -1), slice(1, None)
    labelled = valid[first] * valid[second]
    errors = torch.stack([preds[view] - labelled * target[view] for view in (first, second)])
    size = errors.detach().abs()
    # The view with the smaller error is detached, so it is the goal and does not move.
    better = (size < size.flip(0)) & (labelled > 0)
    one, other = torch.where(better, errors.detach(), errors).unbind(0)
    # Two rows without a pair are both -1, which is not a pair either.
    is_pair = ((pair[first] == pair[second]) & (pair[first] >= 0)).to(preds.dtype)
    counted = label_free_weight(valid)
    weight = counted[first] * counted[second] * is_pair[:, None, None, None]
    # Averaged over rows, not pairs (hence the 2), so that the mean over ranks equals the loss of the whole batch.
    return 2 * image_means((one - other).abs(), weight).sum() / len(preds)


def person_embedding(features: Tensor, alpha: Tensor) -> Tensor:
    """Pool features by alpha and normalise them to unit length.

    Args:
        features: ``(B, C, h, w)``.
        alpha: ``(B, 1, H, W)`` in [0, 1], H and W multiples of h and w.

    Returns:
        ``(B, C)``; zero where alpha is zero everywhere.
    """
    share = F.interpolate(alpha, size=features.shape[-2:], mode="area")
    pooled: Tensor = (features * share).sum(dim=(2, 3)) / share.sum(dim=(2, 3)).clamp_min(1e-6)
    return F.normalize(pooled, dim=1)


def pair_contrast(embedding: Tensor, person: Tensor, scene: Tensor, temperature: float = 0.1) -> Tensor:
    """Compute InfoNCE over persons (van den Oord et al. 2018; with several positives, Khosla et al. 2020, eq. 2).

    Positives are the same person in front of another background. Negatives are all other persons, including those in
    front of the same background, which look similar if features leak the scene. The same person in front of the same
    background carries no information about invariance and is left out.

    Args:
        embedding: ``(B, C)``, rows of unit length; a row of zeros is an image without a person and is left out.
        person: ``(B,)`` int64, equal for equal people.
        scene: ``(B,)`` int64, equal for equal backgrounds; -1 is a photo's own background.
        temperature: Divides cosine similarities.

    Returns:
        Scalar in nats, at least 0: mean over the rows with a positive, 0 if there are none.

    Example:
        >>> embedding = torch.eye(2)[[0, 0, 1]]
        >>> loss = pair_contrast(embedding, person=torch.tensor([0, 0, 1]), scene=torch.tensor([0, 1, 0]))
        >>> bool(loss < 1e-3)  # rows 0 and 1: one person, two scenes, equal features; row 2: another person
        True
    """
    present = embedding.detach().abs().sum(dim=1) > 0
    both = present[:, None] & present[None]
    same_person, same_scene = person[:, None] == person[None], scene[:, None] == scene[None]
    positive = same_person & ~same_scene & both
    # This leaves out the diagonal as well: a row has the same person and scene as itself.
    candidate = positive | (~same_person & both)
    similarity = embedding @ embedding.T / temperature
    # -1e4 instead of -inf: a row without candidates would have NaN gradients, although it does not count.
    log_share = similarity - similarity.masked_fill(~candidate, -1e4).logsumexp(dim=1, keepdim=True)
    positives = positive.sum(dim=1)
    attraction = (positive * log_share).sum(dim=1) / positives.clamp_min(1)
    return -attraction.sum() / (positives > 0).sum().clamp_min(1)


class PairConsistency(nn.Module):
    """`pair_consistency` of the alpha head."""

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Compute the scalar loss of a batch."""
        return pair_consistency(outputs[0].alpha, batch.alpha, batch.valid, batch.pair)


class PairContrast(nn.Module):
    """`pair_contrast` of the decoder's features, pooled by the true alpha, or by the predicted one without annotation.

    Args:
        temperature: Divides cosine similarities.

    Raises:
        MattingError: If the temperature is not positive.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        if temperature <= 0:
            raise MattingError(f"pair contrast: expected a temperature above 0, found {temperature}")
        self.temperature = temperature

    def forward(self, outputs: Sequence[MattingOutput], batch: TrainingBatch) -> Tensor:
        """Compute the scalar loss of a batch."""
        # Detached: the term is about features, and must not become smaller by a change of the matte.
        person = torch.lerp(outputs[0].alpha.detach(), batch.alpha, batch.valid) * label_free_weight(batch.valid)
        embedding = person_embedding(outputs[0].features, person)
        return pair_contrast(embedding, batch.person, batch.scene, self.temperature)
