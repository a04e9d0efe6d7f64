"""Everything random that happens to a picture on the device: compose, warp, degrade, annotate."""

from matting.augment.compose import compose, linear_to_srgb, srgb_to_linear
from matting.augment.pipeline import Pipeline
from matting.augment.trimap import trimap_from_alpha
from matting.augment.warp import Warp

__all__ = [
    "Pipeline",
    "Warp",
    "compose",
    "linear_to_srgb",
    "srgb_to_linear",
    "trimap_from_alpha",
]
