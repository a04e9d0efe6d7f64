"""Loggers, and how each of them records images and results."""

import csv
import json
import netrc
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger
from numpy.typing import NDArray

from matting.evaluation.provenance import commit
from matting.extras import require

ARTIFACTS = {"checkpoint": "checkpoints/last.ckpt", "plan": "plan.csv"}
"""Files of a run folder that W&B stores as artifacts, by type."""


def continue_metrics(loggers: Sequence[Logger], step: int) -> None:
    """Keep what a resumed run has logged so far; Lightning would delete the file.

    Args:
        loggers: The loggers of the run; those that are not `CSVLogger` need nothing.
        step: Optimiser steps at the checkpoint; what was logged later is trained and logged again.
    """
    for logger in loggers:
        file = Path(logger.save_dir or ".") / "metrics.csv"
        if isinstance(logger, CSVLogger) and file.is_file():
            with file.open(newline="") as stream:
                rows = [(number, row) for row in csv.DictReader(stream) if (number := int(row.pop("step"))) < step]
            writer = logger.experiment
            for number, row in rows:
                writer.log_metrics({name: value for name, value in row.items() if value}, number)
            logger.save()


@contextmanager
def closing(loggers: list[Logger]) -> Iterator[list[Logger]]:
    """Flush and close all loggers, however the run ends.

    W&B would otherwise log a later job of the same process into this run.

    Args:
        loggers: The loggers of one run.

    Yields:
        The loggers.
    """
    # Overwritten only at the end of the block, so that any exception, also an interrupt, counts as a failure.
    status, exit_code = "failed", 1
    try:
        yield loggers
        status, exit_code = "success", 0
    finally:
        for logger in loggers:
            logger.finalize(status)
            if isinstance(logger, WandbLogger):
                logger.experiment.finish(exit_code=exit_code)


def csv_logger(save_dir: Path | str) -> CSVLogger:
    """Build a logger that writes ``metrics.csv`` directly into the run folder.

    Args:
        save_dir: Run folder.
    """
    # Lightning warns that it would delete an earlier metrics.csv: see `continue_metrics`.
    warnings.filterwarnings("ignore", message="Experiment logs directory .* exists and is not empty")
    # Written at once: after a kill, a resumed run would lack what was logged before its checkpoint.
    return CSVLogger(save_dir, name="", version="", flush_logs_every_n_steps=1)


def tensorboard_logger(save_dir: Path | str) -> TensorBoardLogger:
    """Build a logger that writes TensorBoard's event files to ``tensorboard`` in the run folder.

    Args:
        save_dir: Run folder.

    Raises:
        MattingError: TensorBoard is not installed.
    """
    require("tensorboard", "logger=tensorboard")
    return TensorBoardLogger(save_dir, name="", version="tensorboard")


def wandb_logger(save_dir: Path | str, project: str, **settings: object) -> WandbLogger:
    """Build a W&B logger, which is offline if there is no key instead of asking for one.

    It records the run's configuration, overrides and commit; the jobs of a sweep form a group.

    Args:
        save_dir: Run folder; ``wandb sync RUN/wandb/offline-*`` uploads an offline run later.
        project: W&B project.
        settings: Passed to ``wandb.init``.
    """
    offline = os.environ.get("WANDB_MODE") == "offline" or not has_wandb_key()
    recorded = {**_identity(Path(save_dir)), **settings}
    return WandbLogger(save_dir=save_dir, project=project, offline=offline, **recorded)


def log_images(
    loggers: Sequence[Logger], key: str, images: Sequence[NDArray[np.uint8]], caption: str, step: int
) -> None:
    """Log images to the loggers that can show them: W&B and TensorBoard.

    Args:
        loggers: The loggers of one run.
        key: Name of the images, such as ``panels/validation``.
        images: ``(H, W, 3)`` uint8 RGB, of equal size.
        caption: What they show.
        step: Optimiser steps so far.
    """
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            logger.log_image(key, list(images), caption=[f"{k}: {caption}" for k in range(len(images))])
        elif isinstance(logger, TensorBoardLogger):
            for k, image in enumerate(images):
                logger.experiment.add_image(f"{key}/{k}", image, step, dataformats="HWC")


def publish(loggers: Sequence[Logger], folder: Path, metrics: Mapping[str, float], step: int) -> None:
    """Log the test results: the scores to all loggers, the report to TensorBoard, tables and files to W&B.

    Args:
        loggers: The loggers of one run.
        folder: Run folder with the report.
        metrics: Flat scores of the report, ``<split>/<set>/<region>/<metric>``.
        step: Optimiser steps of the run.
    """
    for logger in loggers:
        logger.log_metrics(dict(metrics), step=step)
        if isinstance(logger, WandbLogger):
            _publish_to_wandb(logger.experiment, folder)
        elif isinstance(logger, TensorBoardLogger):
            logger.experiment.add_text("evaluation/report", (folder / "report.md").read_text(), step)


def _publish_to_wandb(run: Any, folder: Path) -> None:
    import wandb

    with (folder / "per_image.csv").open(newline="") as file:
        header, *lines = csv.reader(file)
    methods = json.loads((folder / "results.json").read_text())["by_method"]
    columns = ["method", "figure", "mean", "low", "high", "images"]
    cells = [[method, name, *cell.values()] for method, found in methods.items() for name, cell in found.items()]
    run.log({"evaluation/per_image": wandb.Table(header, lines), "evaluation/methods": wandb.Table(columns, cells)})
    for kind, name in ARTIFACTS.items():
        if (folder / name).is_file():
            artifact = wandb.Artifact(f"{kind}-{run.id}", type=kind)
            artifact.add_file(str(folder / name))
            run.log_artifact(artifact)


def _identity(folder: Path) -> dict[str, Any]:
    """Read name, sweep, configuration and commit of a run from the files that Hydra writes before it starts."""
    from omegaconf import OmegaConf

    identity: dict[str, Any] = {"config": {"commit": commit()}}
    if not (folder / ".hydra").is_dir():
        return identity
    config, overrides, hydra = (OmegaConf.load(folder / f".hydra/{n}.yaml") for n in ("config", "overrides", "hydra"))
    config = OmegaConf.merge(config, {"folder": str(folder)})
    settings: Any = OmegaConf.to_container(config, resolve=True)
    identity["config"] |= {**settings, "overrides": list(overrides)}
    identity["name"] = folder.name
    if OmegaConf.select(hydra, "hydra.mode") == "MULTIRUN":
        identity["group"] = folder.parent.name
    return identity


def has_wandb_key() -> bool:
    """Return whether a W&B key is in ``$WANDB_API_KEY`` or in the netrc file that ``wandb login`` writes."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    try:
        # $NETRC is passed on because Python's module looks only in the home folder.
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False
