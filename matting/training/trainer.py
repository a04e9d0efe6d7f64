"""Lightning's Trainer, with a precision that suits the machine."""

import warnings
from math import ceil
from typing import Any

import torch
from lightning.pytorch import Trainer

from matting.inference.predictor import fastest_precision


def build_trainer(precision: str = "auto", **settings: Any) -> Trainer:
    """Build a trainer.

    Args:
        precision: Lightning's precision; ``auto`` is bfloat16 autocast where the device multiplies it in hardware,
            GPU or CPU, else float32.
        settings: Passed to `lightning.pytorch.Trainer`.
    """
    # Lightning's own use of torch's pytree, deprecated since torch 2.10: nothing a user can change.
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")
    if precision == "auto":
        on_cuda = settings.get("accelerator", "auto") in ("auto", "gpu", "cuda") and torch.cuda.is_available()
        native = fastest_precision(torch.device("cuda" if on_cuda else "cpu")) == "bfloat16"
        precision = "bf16-mixed" if native else "32-true"
    return Trainer(precision=precision, **settings)  # type: ignore[arg-type]


def run_length(max_epochs: int | None, max_steps: int, batches: int, accumulate: int) -> tuple[int, int]:
    """Length of a run.

    Args:
        max_epochs: Epochs, or None or -1 if steps alone end the run.
        max_steps: Optimiser steps, or -1 if epochs alone end the run.
        batches: Batches of an epoch of one process.
        accumulate: Batches of an optimiser step.

    Returns:
        Epochs begun and optimiser steps taken; whichever limit is met first ends the run.

    Raises:
        ValueError: If neither limit is given, or an epoch has no batch.
    """
    if batches < 1:
        raise ValueError(
            "data.epoch_rows: expected at least one batch an epoch, found less; raise data.epoch_rows above "
            "data.batch_size times the number of processes"
        )
    steps_per_epoch = ceil(batches / accumulate)
    limits = [max_steps] if max_steps >= 0 else []
    limits += [max_epochs * steps_per_epoch] if max_epochs is not None and max_epochs >= 0 else []
    if not limits:
        raise ValueError("trainer: expected max_epochs or max_steps, found neither; the schedule needs an end")
    return max(1, ceil(min(limits) / steps_per_epoch)), max(1, min(limits))
