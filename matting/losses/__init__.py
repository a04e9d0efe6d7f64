"""Loss terms as pure functions, modules that wrap them for a configuration, and the criterion that sums them."""

from matting.losses.alpha import AlphaL1, Composition, Holes, alpha_l1, composition_loss, hole_loss
from matting.losses.augmix import AugMixConsistency, alpha_spread, jensen_shannon
from matting.losses.closed_loop import ClosedLoop, closed_loop_loss, trimap_plausibility
from matting.losses.criterion import Criterion, Term
from matting.losses.detail import Gradient, LaplacianPyramid, gradient_loss, laplacian_pyramid_loss
from matting.losses.pairing import PairConsistency, PairContrast, pair_consistency, pair_contrast, person_embedding
from matting.losses.trimap import TrimapCrossEntropy, trimap_cross_entropy

__all__ = [
    "AlphaL1",
    "AugMixConsistency",
    "ClosedLoop",
    "Composition",
    "Criterion",
    "Gradient",
    "Holes",
    "LaplacianPyramid",
    "PairConsistency",
    "PairContrast",
    "Term",
    "TrimapCrossEntropy",
    "alpha_l1",
    "alpha_spread",
    "closed_loop_loss",
    "composition_loss",
    "gradient_loss",
    "hole_loss",
    "jensen_shannon",
    "laplacian_pyramid_loss",
    "pair_consistency",
    "pair_contrast",
    "person_embedding",
    "trimap_cross_entropy",
    "trimap_plausibility",
]
