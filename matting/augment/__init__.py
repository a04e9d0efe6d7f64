"""Everything random that happens to an image on the device: warp, compose, degrade, annotate."""

from matting.augment.augmix import ARTICLE_OPERATIONS, AugMix
from matting.augment.camera import CameraBlur
from matting.augment.compose import compose
from matting.augment.degradation import Degradation, LayeredImage
from matting.augment.gaps import LayerGaps
from matting.augment.jpeg import jpeg
from matting.augment.phone import Phone
from matting.augment.pipeline import Pipeline
from matting.augment.published import EXTRA_OPERATIONS, PUBLISHED_OPERATIONS
from matting.augment.trimap import trimap_labels
from matting.augment.warp import Warp

__all__ = [
    "ARTICLE_OPERATIONS",
    "EXTRA_OPERATIONS",
    "PUBLISHED_OPERATIONS",
    "AugMix",
    "CameraBlur",
    "Degradation",
    "LayerGaps",
    "LayeredImage",
    "Phone",
    "Pipeline",
    "Warp",
    "compose",
    "jpeg",
    "trimap_labels",
]
