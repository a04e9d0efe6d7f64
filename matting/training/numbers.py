"""Check the numbers of a configuration that belong to no target, without torch."""

from typing import Any

from omegaconf import DictConfig

from matting.arguments import check_value
from matting.errors import MattingError

_TYPES: dict[str, Any] = {
    "seed": int,
    "data.epoch_rows": int,
    "data.batch_size": int,
    "data.size": int,
    "data.crop_size": int,
    "data.min_crop": float,
    "data.workers": int,
    "data.fold": int | None,
    "data.folds": int,
}
_AT_LEAST = {"data.epoch_rows": 1, "data.batch_size": 1, "data.size": 1, "data.workers": 0, "seed": 0}


def check_numbers(config: DictConfig) -> None:
    """Check the type and range of the numbers that do not belong to a target of the configuration.

    Args:
        config: A composed configuration.

    Raises:
        MattingError: If a number is of another type or too small; the message names the option.
    """
    # Asked first: this answer says more than that a whole number was expected.
    if config.data.batch_size == "auto":
        raise MattingError(
            "data.batch_size: expected a whole number, found 'auto'; the plan and its schedule depend on it, so it is "
            "not searched for: double data.batch_size until memory is full"
        )
    for option, hint in _TYPES.items():
        group, _, name = option.rpartition(".")
        value = (config[group] if group else config)[name]
        check_value(option, value, hint)
        if option in _AT_LEAST and value < _AT_LEAST[option]:
            raise MattingError(f"{option}: expected at least {_AT_LEAST[option]}, found {value}; give {option}=…")
    if not 0 < config.data.min_crop <= 1:
        raise MattingError(f"data.min_crop: expected a share in (0, 1], found {config.data.min_crop}; give 0.5")
