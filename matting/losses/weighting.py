"""Which pixels count, and means over them."""

from torch import Tensor


def image_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Mean by weight within each image, then over the images, as the metrics are averaged.

    So the loss of a batch is the mean of the losses of its halves, and data-parallel training equals training with the
    whole batch.

    Args:
        values: ``(B, ...)``.
        weight: The same shape, non-negative.

    Returns:
        Scalar; an image whose weights are all 0 counts as 0.
    """
    return image_means(values, weight).mean()


def image_means(values: Tensor, weight: Tensor) -> Tensor:
    """Mean by weight within each image, as `image_mean`: ``(B,)``."""
    return (weight * values).flatten(1).sum(dim=1) / weight.flatten(1).sum(dim=1).clamp_min(1e-6)


def label_free_weight(valid: Tensor) -> Tensor:
    """Pixels that count in a term which needs no annotation.

    In an image with an annotation they are those where it holds: what it skips, such as a bystander, has no
    right answer. In an image without any annotation all pixels count: that is what such a term is for.

    Args:
        valid: ``(B, 1, H, W)``, 1 where the annotation holds, else 0.

    Returns:
        ``(B, 1, H, W)``, 1 where a pixel counts, else 0.

    Example:
        >>> import torch
        >>> partly, never = torch.tensor([0.0, 1.0]), torch.zeros(2)
        >>> label_free_weight(torch.stack([partly, never])[:, None, None]).flatten(1).tolist()
        [[0.0, 1.0], [1.0, 1.0]]
    """
    unlabelled = (valid.amax(dim=(1, 2, 3), keepdim=True) == 0).to(valid.dtype)
    return valid + unlabelled * (1 - valid)
