"""Views for a consistency loss: one picture, mixed several times, under one matte."""

import torch
from torch import Tensor

from matting.augment.augmix import AugMix
from matting.augment.randomness import Stream, fold


def consistency_views(image: Tensor, appearance: Tensor, augmix: AugMix, count: int) -> Tensor:
    """AugMix every picture of a batch anew, at full strength.

    AugMix's published consistency (Hendrycks et al. 2020) compares a picture with two mixed ones. AugMix moves nothing,
    so alpha and trimap hold for every view.

    Args:
        image: ``(B, 3, S, S)`` float32 in [0, 1].
        appearance: ``(B,)`` int64 keys; equal keys and pictures give equal views.
        augmix: makes the views.
        count: number of views.

    Returns:
        ``(B, count, 3, S, S)`` float32 in [0, 1].
    """
    if not count:
        return image.new_empty((len(image), 0, *image.shape[1:]))
    key = fold(appearance, Stream.CONSISTENCY)
    strength = torch.ones(len(image), device=image.device, dtype=image.dtype)
    return torch.stack([augmix(image, fold(key, index), strength) for index in range(count)], dim=1)
