"""Views for a consistency loss: one picture, clean and mixed, under one matte."""

import torch
from torch import Tensor

from matting.augment.augmix import AugMix
from matting.augment.randomness import Stream, fold
from matting.batch import LayerBatch, TrainingBatch


@torch.no_grad()
def consistency_views(batch: TrainingBatch, layers: LayerBatch, augmix: AugMix, count: int = 2) -> Tensor:
    """AugMix every picture of a batch anew, for a Jensen-Shannon term on the trimap head and an L1 term on alpha.

    AugMix's published consistency compares the clean picture with two mixed ones; hand over a batch that was made
    with severity 0 to have ``batch.image`` clean. AugMix moves nothing, so alpha and trimap hold for every view.

    Args:
        batch: what the pipeline delivered for ``layers``.
        layers: gives each row's seed, view and severity.
        augmix: makes the views.
        count: number of views.

    Returns:
        ``(count, B, 3, S, S)`` float32 in [0, 1]; the pictures themselves, to the bit, in rows of severity 0.
    """
    key = fold(fold(layers.seed, Stream.CONSISTENCY), layers.view)
    return torch.stack([augmix(batch.image, fold(key, index), layers.severity) for index in range(count)])
