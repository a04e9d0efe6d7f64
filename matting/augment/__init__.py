"""Everything random that happens to a picture on the device: compose, warp, degrade, annotate."""

from matting.augment.augmix import ARTICLE_OPERATIONS, AugMix
from matting.augment.camera import CameraBlur, Picture
from matting.augment.colour import linear_to_srgb, srgb_to_linear
from matting.augment.compose import compose
from matting.augment.gaps import LayerGaps
from matting.augment.jpeg import jpeg
from matting.augment.phone import Phone
from matting.augment.pipeline import Pipeline
from matting.augment.published import EXTRA_OPERATIONS, PUBLISHED_OPERATIONS
from matting.augment.trimap import trimap_from_alpha
from matting.augment.warp import Warp

__all__ = [
    "ARTICLE_OPERATIONS",
    "EXTRA_OPERATIONS",
    "PUBLISHED_OPERATIONS",
    "AugMix",
    "CameraBlur",
    "LayerGaps",
    "Phone",
    "Picture",
    "Pipeline",
    "Warp",
    "compose",
    "jpeg",
    "linear_to_srgb",
    "srgb_to_linear",
    "trimap_from_alpha",
]
