"""Use a trained network: from any photo to its matte or cutout."""

from matting.inference.clock import Clock
from matting.inference.cutout import Style, cut_out, cutout, finish, has_subject, place_on
from matting.inference.detail import refine
from matting.inference.hub import push_to_hub
from matting.inference.loading import Backend, load, trained_network
from matting.inference.model import Model
from matting.inference.predictor import Precision, Predictor, fastest_precision
from matting.inference.resizing import resize, working_shape
from matting.inference.resolving import DEFAULT, resolve, shipped_models

__all__ = [
    "DEFAULT",
    "Backend",
    "Clock",
    "Model",
    "Precision",
    "Predictor",
    "Style",
    "cut_out",
    "cutout",
    "fastest_precision",
    "finish",
    "has_subject",
    "load",
    "place_on",
    "push_to_hub",
    "refine",
    "resize",
    "resolve",
    "shipped_models",
    "trained_network",
    "working_shape",
]
