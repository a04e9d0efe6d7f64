"""Build Lightning's Trainer, with a precision that suits the machine."""

import os
import warnings
from typing import Any

import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ProgressBar

from matting.arguments import check_arguments
from matting.errors import MattingError
from matting.inference.predictor import fastest_precision
from matting.plan.length import RunLength, run_length
from matting.training.precision import CpuMixedPrecision
from matting.training.profiler import StepProfiler


def build_trainer(precision: str = "auto", profile: bool = False, **settings: Any) -> Trainer:
    """Build a trainer.

    Args:
        precision: Lightning's precision; ``auto`` is bfloat16 autocast if the device, GPU or CPU, multiplies it in
            hardware, else float32. In ``bf16-mixed`` on a CPU, depthwise convolutions stay in float32.
        profile: Measure where the time of a step goes; see `matting.training.profiler.StepProfiler`.
        settings: Passed to `lightning.pytorch.Trainer`.

    Raises:
        MattingError: If Lightning rejects a setting.
    """
    # Lightning uses a part of torch's pytree that torch 2.10 deprecates; a user cannot change that.
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")
    # A run that is resumed continues in its folder.
    warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
    # All processes log the same plan: there is nothing to sum.
    warnings.filterwarnings("ignore", message=r"It is recommended to use `self.log\('plan/")
    if precision == "auto":
        on_cuda = settings.get("accelerator", "auto") in ("auto", "gpu", "cuda") and torch.cuda.is_available()
        native = fastest_precision(torch.device("cuda" if on_cuda else "cpu")) == "bfloat16"
        precision = "bf16-mixed" if native else "32-true"
    check_arguments("trainer", Trainer, settings)
    if precision == "bf16-mixed" and _is_cpu(settings.get("accelerator", "auto")):
        settings["plugins"] = [*settings.get("plugins", ()), CpuMixedPrecision()]
        settings["precision"] = None  # the plugin is it
    _check_devices(settings.get("accelerator", "auto"), settings.get("devices", 1))
    if profile:
        settings["profiler"] = StepProfiler()
    if not any(isinstance(callback, ProgressBar) for callback in settings.get("callbacks") or ()):
        settings.setdefault("enable_progress_bar", False)  # else Lightning would add its own bar of each epoch
    try:
        return Trainer(**{"precision": precision, **settings})
    except (MisconfigurationException, TypeError, ValueError) as error:  # all that Lightning raises for wrong settings
        raise MattingError(f"trainer: {error}") from error


def _check_devices(accelerator: str, devices: object) -> None:
    """Explain wishes for devices that this machine cannot meet, which Lightning does without naming the option."""
    if accelerator in ("gpu", "cuda") and _is_cpu("auto"):
        raise MattingError(
            f"trainer.accelerator: expected a device that this machine has, found '{accelerator}' and no GPU that "
            f"torch {torch.__version__} can use; give trainer.accelerator=auto, or install torch for this GPU's driver"
        )
    if _is_cpu(accelerator) and isinstance(devices, int) and devices > (cores := os.cpu_count() or 1):
        raise MattingError(
            f"trainer.devices: expected at most one process per core of the CPU, found {devices} for {cores} cores; "
            "give trainer.devices=1, which uses all cores"
        )


def _is_cpu(accelerator: object) -> bool:
    gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
    return accelerator == "cpu" or (accelerator == "auto" and not gpu)


def measure_run(trainer: Trainer, rows: int, batch_size: int) -> RunLength:
    """Compute the length of a run, and leave the limit of batches per epoch to it.

    Args:
        trainer: Its limits of epochs, steps and batches, its accumulation and its number of processes.
        rows: Rows per epoch.
        batch_size: Rows per batch and process.

    Returns:
        The length.
    """
    length = run_length(
        rows,
        batch_size * trainer.world_size,
        trainer.max_epochs,
        trainer.max_steps,
        trainer.limit_train_batches,
        trainer.accumulate_grad_batches,
    )
    # The plan has no more batches than this; Lightning would take a share of them once more.
    trainer.limit_train_batches = length.batches
    return length
