"""Checks that cost nothing, made before a corpus is rendered or read."""

import logging

from omegaconf import DictConfig
from torch import nn

from matting.config import build
from matting.errors import MattingError
from matting.losses import AugMixConsistency, Criterion
from matting.models import AttentionUNet
from matting.plan.curriculum import STREAMS, Curriculum
from matting.plan.mixture import AUGMENTED

_log = logging.getLogger(__name__)


def check_run(config: DictConfig, model: AttentionUNet, criterion: Criterion) -> None:
    """Check what the parts of a run require of each other; degradations that no row gets are named in the log.

    Args:
        config: A composed configuration, checked by `matting.training.numbers.check_numbers`.
        model: The network of the run.
        criterion: Its losses.

    Raises:
        MattingError: If sizes, batch and network, mixture and curriculum, or views and losses do not fit together.
    """
    data, built = config.data, build(config.data)
    check_even_batch(data.batch_size, built["pairing"].fraction)
    curriculum = build(config.curriculum) if "curriculum" in config else Curriculum()
    mixture = built["mixture"]
    if callable(mixture):  # `natural`, whose streams do not depend on the sizes
        mixture = mixture(dict.fromkeys(STREAMS, 1))
    drawn = {name for stage in curriculum.stages for name in stage.open_weights(mixture.streams())}
    _check_views(config.augment.get("views", 0), criterion)
    if AUGMENTED not in drawn:
        _name_idle(config.augment)
    if curriculum.sizes and curriculum.sizes[-1] != data.size:
        last = curriculum.sizes[-1]
        raise MattingError(
            f"curriculum.sizes: expected to end at data.size={data.size}, at which the network is used, found {last}; "
            f"give data.size={last} data.crop_size={last * 9 // 8}"
        )
    if data.size % model.stride:
        near = max(model.stride, round(data.size / model.stride) * model.stride)
        raise MattingError(
            f"data.size: expected a multiple of {model.stride}, found {data.size}; give data.size={near}"
        )
    if data.crop_size < data.size:
        raise MattingError(
            f"data.crop_size: expected at least data.size={data.size}, found {data.crop_size}; an eighth more leaves a "
            f"margin for the warp: data.crop_size={data.size * 9 // 8}"
        )
    # A curriculum may have stages of smaller images than data.size.
    smallest = min(curriculum.sizes or [data.size])
    # Views of AugMix share the forward pass, so they count as images.
    _check_normalisation(model, data.batch_size * (1 + config.augment.get("views", 0)), smallest)


def check_even_batch(batch_size: int, paired: float) -> None:
    """Refuse an odd batch size under pairing, which would split pairs.

    Raises:
        MattingError: If the batch size is odd and a share of the draws is paired.
    """
    if paired and batch_size % 2:
        raise MattingError(
            f"data.batch_size: expected an even number under pairing, found {batch_size}; give "
            f"data.batch_size={batch_size + 1}, or data.pairing.fraction=0 for no pairs"
        )


def _check_views(views: int, criterion: Criterion) -> None:
    """Refuse mixed views that no loss reads, and a loss that lacks them."""
    wanted = any(isinstance(term, AugMixConsistency) for term in criterion.terms.values())
    if wanted and not views:
        raise MattingError("augment.views: expected at least 1 for loss=augmix, found 0; give augment.views=2")
    if views and not wanted:
        raise MattingError(
            f"augment.views: expected 0 without loss=augmix, found {views}, which no loss reads; give augment.views=0"
        )


def _name_idle(augment: DictConfig) -> None:
    """Name the degradations that change nothing, because only rows of the stream ``augmented`` have a severity."""
    # AugMix also mixes the views, of which every image has some.
    idle = [
        name
        for name in ("gaps", "blur", "augmix", "phone")
        if augment.get(name) and not (name == "augmix" and augment.get("views"))
    ]
    if idle:
        _log.warning(
            "augment: %s will change no image, since no stage draws the stream '%s'; augment=none says so",
            ", ".join(idle),
            AUGMENTED,
        )


def _check_normalisation(model: AttentionUNet, images: int, size: int) -> None:
    """Refuse a batch with one value per channel in the deepest level: BatchNorm cannot compute its variance."""
    batched = any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in model.modules())
    if batched and images * (size // model.stride) ** 2 < 2:
        raise MattingError(
            f"data.batch_size: expected at least 2 images of {size} px for BatchNorm, found {images}; give "
            "data.batch_size=2, a larger data.size, or model.norm=group"
        )
