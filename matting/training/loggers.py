"""Loggers without surprises."""

import netrc
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

from lightning.pytorch.loggers import CSVLogger, Logger, WandbLogger


@contextmanager
def closing(loggers: list[Logger]) -> Iterator[list[Logger]]:
    """Write out and close all loggers, however the run ends.

    A later job of the same process must not log into this run, which is what W&B does while a run is open.

    Args:
        loggers: The loggers of one run.

    Yields:
        The loggers.
    """
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
    """A logger that writes ``metrics.csv`` straight into the run folder.

    Args:
        save_dir: Run folder.
    """
    # Lightning warns that it would delete an earlier metrics.csv; Hydra makes a new folder for each run.
    warnings.filterwarnings("ignore", message="Experiment logs directory .* exists and is not empty")
    return CSVLogger(save_dir, name="", version="")


def wandb_logger(save_dir: Path | str, project: str, **settings: object) -> WandbLogger:
    """A W&B logger that goes offline instead of asking for a key.

    Args:
        save_dir: Run folder; ``wandb sync RUN/wandb/offline-*`` uploads an offline run later.
        project: W&B project.
        settings: Passed to ``wandb.init``.
    """
    offline = os.environ.get("WANDB_MODE") == "offline" or not has_wandb_key()
    return WandbLogger(save_dir=save_dir, project=project, offline=offline, **settings)  # type: ignore[arg-type]


def has_wandb_key() -> bool:
    """Whether a W&B key is in ``$WANDB_API_KEY`` or in the netrc file that ``wandb login`` writes."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False
