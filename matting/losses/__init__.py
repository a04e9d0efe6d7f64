"""Loss terms as pure functions, the classes that name them in a config, and the criterion that weighs them."""

from matting.losses.alpha import AlphaL1, LaplacianPyramid, alpha_l1, laplacian_pyramid_loss
from matting.losses.criterion import Criterion, Term
from matting.losses.trimap import TrimapCrossEntropy, trimap_cross_entropy

__all__ = [
    "AlphaL1",
    "Criterion",
    "LaplacianPyramid",
    "Term",
    "TrimapCrossEntropy",
    "alpha_l1",
    "laplacian_pyramid_loss",
    "trimap_cross_entropy",
]
