"""Use of a trained network: any photograph in, its matte or cut-out out."""

from matting.inference.cutout import cut_out_file, cutout, place_on
from matting.inference.predictor import Predictor, resize, working_shape

__all__ = ["Predictor", "cut_out_file", "cutout", "place_on", "resize", "working_shape"]
