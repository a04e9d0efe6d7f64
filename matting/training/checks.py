"""Checks that cost nothing, made before a corpus is rendered or read."""

from omegaconf import DictConfig
from torch import nn

from matting.config import build
from matting.errors import MattingError
from matting.models import AttentionUNet


def check_run(config: DictConfig, model: AttentionUNet) -> None:
    """Check what the parts of a run require of each other.

    Args:
        config: A composed configuration, checked by `matting.training.numbers.check_numbers`.
        model: The network of the run.

    Raises:
        MattingError: If sizes, batch and network do not fit together.
    """
    data, built = config.data, build(config.data)
    check_even_batch(data.batch_size, built["pairing"].fraction)
    curriculum = build(config.curriculum) if "curriculum" in config else None
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
    smallest = min((curriculum and curriculum.sizes) or [data.size])
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


def _check_normalisation(model: AttentionUNet, images: int, size: int) -> None:
    """Refuse a batch with one value per channel in the deepest level: BatchNorm cannot compute its variance."""
    batched = any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in model.modules())
    if batched and images * (size // model.stride) ** 2 < 2:
        raise MattingError(
            f"data.batch_size: expected at least 2 images of {size} px for BatchNorm, found {images}; give "
            "data.batch_size=2, a larger data.size, or model.norm=group"
        )
