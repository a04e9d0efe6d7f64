"""Use of a trained network: any photograph in, its matte or cut-out out."""

from matting.inference.cutout import cut_out_file, cutout, place_on
from matting.inference.detail import refine
from matting.inference.foreground import estimate_foreground
from matting.inference.predictor import Precision, Predictor, fastest_precision
from matting.inference.resizing import resize, working_shape

__all__ = [
    "Precision",
    "Predictor",
    "cut_out_file",
    "cutout",
    "estimate_foreground",
    "fastest_precision",
    "place_on",
    "refine",
    "resize",
    "working_shape",
]
