"""Pixel weights, and means over images."""

from torch import Tensor


def image_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Compute the weighted mean within each image, then the mean over images, as the metrics do.

    The loss of a batch is thus the mean of the losses of its halves, so data-parallel training equals training on
    the whole batch.

    Args:
        values: ``(B, ...)``.
        weight: The same shape, non-negative.

    Returns:
        Scalar; an image without weight counts as 0.
    """
    return image_means(values, weight).mean()


def image_means(values: Tensor, weight: Tensor) -> Tensor:
    """Compute the weighted mean within each image, ``(B,)``; see `image_mean`."""
    # Smaller than any real sum of weights, so that it only turns 0 / 0 into 0.
    return (weight * values).flatten(1).sum(dim=1) / weight.flatten(1).sum(dim=1).clamp_min(1e-6)


def label_free_weight(valid: Tensor) -> Tensor:
    """Compute the weight of each pixel in a term that needs no annotation.

    In an annotated image the valid pixels count: the ignored ones, such as a bystander's, have no right answer. In an
    image without any annotation all pixels count: such terms exist for these images.

    Args:
        valid: ``(B, 1, H, W)``, 1 where the annotation is valid, else 0.

    Returns:
        ``(B, 1, H, W)``, 1 where a pixel counts, else 0.

    Example:
        >>> import torch
        >>> partly, never = torch.tensor([0.0, 1.0]), torch.zeros(2)
        >>> label_free_weight(torch.stack([partly, never])[:, None, None]).flatten(1).tolist()
        [[0.0, 1.0], [1.0, 1.0]]
    """
    # Arithmetic, not an `if` per image, which would make the host wait.
    unlabelled = (valid.amax(dim=(1, 2, 3), keepdim=True) == 0).to(valid.dtype)
    return valid + unlabelled * (1 - valid)
