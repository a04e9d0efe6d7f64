"""Runs of the real entry point, a few steps long, on the miniature corpus."""

import csv
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from matting.config import load_config
from matting.training.resume import resumed_arguments
from tests.conftest import MINIATURE
from train import train

SHORT = (*MINIATURE, "data.epoch_rows=24", "data.batch_size=4", "data.workers=0", "trainer.accelerator=cpu")
"""Six steps per epoch."""


def configure(folder: Path, *overrides: str) -> DictConfig:
    return load_config(
        [*SHORT, "trainer.log_every_n_steps=1", "callbacks.progress=null", f"folder={folder}", *overrides]
    )


def run(folder: Path, *overrides: str) -> dict[str, float]:
    """Train, evaluate and report in this process."""
    folder.mkdir(parents=True, exist_ok=True)
    return train(configure(folder, *overrides))


def resume(folder: Path, *overrides: str) -> dict[str, float]:
    """Continue a run in its folder, as the command does with ``resume=FOLDER``, in this process."""
    own = [override for override in resumed_arguments([f"resume={folder}", *overrides]) if override[:6] != "hydra."]
    return train(load_config([*own, f"folder={folder}"]))


def keep_overrides(folder: Path, *overrides: str) -> None:
    """Write the overrides of a run as Hydra does."""
    (folder / ".hydra").mkdir(parents=True, exist_ok=True)
    own = [*SHORT, "trainer.log_every_n_steps=1", "callbacks.progress=null", *overrides]
    OmegaConf.save(OmegaConf.create(own), folder / ".hydra" / "overrides.yaml")


def checkpoint(folder: Path) -> dict[str, Any]:
    """The last checkpoint of a run."""
    content: dict[str, Any] = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    return content


def logged(folder: Path, column: str = "train/loss") -> dict[int, str]:
    """Step to logged value, as text: equal text is equal to the bit."""
    with (folder / "metrics.csv").open() as file:
        return {int(row["step"]): row[column] for row in csv.DictReader(file) if row.get(column)}


def assert_same_training(first: Path, second: Path) -> None:
    """Weights, averaged weights, optimiser and schedule of the last checkpoints are equal to the bit."""
    one, two = checkpoint(first), checkpoint(second)
    for key in ("state_dict", "current_model_state"):
        assert one[key].keys() == two[key].keys()
        for name, tensor in one[key].items():
            assert torch.equal(tensor, two[key][name]), f"{key}: {name} differs"
    assert_equal(one["optimizer_states"], two["optimizer_states"])
    assert_equal(one["lr_schedulers"], two["lr_schedulers"])
    assert one["global_step"] == two["global_step"]


def assert_equal(one: Any, two: Any) -> None:
    """Nested containers of tensors and numbers are equal to the bit."""
    if isinstance(one, dict):
        assert one.keys() == two.keys()
        for key in one:
            assert_equal(one[key], two[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(two)
        for first, second in zip(one, two, strict=True):
            assert_equal(first, second)
    else:
        assert torch.equal(one, two) if isinstance(one, torch.Tensor) else one == two
