"""The one batch layout of the project, before and after the device pipeline.

Every source delivers the same three layers. A real photo that is not composited again is passed as
``foreground == background == photo``: compositing it gives the photo back, so no later step has to know
which kind of sample it processes.
"""

from typing import NamedTuple

from torch import Tensor


class LayerBatch(NamedTuple):
    """The batch that the loader's workers deliver: square uint8 crops, one row per draw of the plan.

    Attributes:
        foreground: ``(B, 3, H, W)`` uint8, sRGB, straight (not premultiplied) colours.
        background: ``(B, 3, H, W)`` uint8, sRGB.
        alpha: ``(B, 1, H, W)`` uint8, 255 = foreground.
        ignore: ``(B, 1, H, W)`` uint8, 1 where there is no annotation (no loss, no metric), else 0.
        seed: ``(B,)`` int64, non-negative. Everything random about a view on the device is a function of its row's
            seed, so a view does not depend on its neighbours, its rank or the number of workers. Views of a pair
            share it, hence share geometry.
        view: ``(B,)`` int64, 0, or 1 for the second view of a pair: photometric randomness is a function of
            ``(seed, view)``, geometry of ``seed`` alone.
        severity: ``(B,)`` float32 in [0, 1]; 0 leaves the image's appearance exactly as it is.
        pair: ``(B,)`` int64 pair id, -1 for a view without a partner.
        person: ``(B,)`` int64, equal where the same person or group is shown.
        scene: ``(B,)`` int64, equal for equal background items, -1 for a photo's own background.
    """

    foreground: Tensor
    background: Tensor
    alpha: Tensor
    ignore: Tensor
    seed: Tensor
    view: Tensor
    severity: Tensor
    pair: Tensor
    person: Tensor
    scene: Tensor


class TrainingBatch(NamedTuple):
    """The batch that the device pipeline delivers to the network and the loss.

    Attributes:
        image: ``(B, 3, S, S)`` float32 in [0, 1], sRGB. The network normalises for its own encoder.
        views: ``(B, N, 3, S, S)`` float32 in [0, 1]: N further AugMix views of each image, for a
            consistency term; N is usually 0.
        alpha: ``(B, 1, S, S)`` float32 in [0, 1].
        trimap: ``(B, S, S)`` int64: 0 background, 1 unknown, 2 foreground.
        foreground: ``(B, 3, S, S)`` float32 in [0, 1], warped like the image, not degraded.
        background: ``(B, 3, S, S)`` float32 in [0, 1], warped like the image, not degraded.
        valid: ``(B, 1, S, S)`` float32, 1 where the annotation is valid, 0 where it is ignored.
        pair: ``(B,)`` int64 pair id, -1 for none.
        person: ``(B,)`` int64, equal where the same person or group is shown.
        scene: ``(B,)`` int64, equal for equal background items, -1 for a photo's own background.
    """

    image: Tensor
    views: Tensor
    alpha: Tensor
    trimap: Tensor
    foreground: Tensor
    background: Tensor
    valid: Tensor
    pair: Tensor
    person: Tensor
    scene: Tensor
