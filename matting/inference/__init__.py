"""Use of a trained network: any photograph in, its matte or cut-out out."""

from matting.inference.clock import Clock
from matting.inference.cutout import Style, cut_out, cutout, finish, place_on
from matting.inference.detail import refine
from matting.inference.loading import Backend, Loaded, load_predictor, newest_run
from matting.inference.predictor import Precision, Predictor, fastest_precision
from matting.inference.resizing import resize, working_shape

__all__ = [
    "Backend",
    "Clock",
    "Loaded",
    "Precision",
    "Predictor",
    "Style",
    "cut_out",
    "cutout",
    "fastest_precision",
    "finish",
    "load_predictor",
    "newest_run",
    "place_on",
    "refine",
    "resize",
    "working_shape",
]
