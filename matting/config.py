"""Where a composed configuration becomes objects, and where its mistakes become sentences."""

import difflib
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

MISSING_CHOICE = r"Could not find '([\w/]+)/([^']+)' Available options in '[^']+': (.*?) Config search"
CONFIG_FOLDER = Path(__file__).resolve().parent.parent / "conf"

# The folder of a job: `loss/pairing` must not make two, and a name has at most 255 bytes.
OmegaConf.register_new_resolver("file_name", lambda text: text.replace("/", ".")[:200], replace=True)

EXPECTED_ERRORS = (HydraException, OmegaConfBaseException, ValueError, OSError)
"""What a user's mistake raises; anything else is a fault of the program and shows its traceback."""


def load_config(overrides: Sequence[str]) -> DictConfig:
    """Compose the configuration that ``train.py`` would run with the same overrides.

    Args:
        overrides: Such as ``data=mix_1_8_5_12`` or ``+curriculum=3stage``.

    Raises:
        FileNotFoundError: Outside a checkout: the configuration is not part of the installed package.
    """
    if not CONFIG_FOLDER.is_dir():
        raise FileNotFoundError(
            f"{CONFIG_FOLDER}: expected a checkout's configuration; install with 'pip install -e .'"
        )
    with initialize_config_dir(str(CONFIG_FOLDER), version_base="1.3"):
        return compose("train", overrides=list(overrides))


def build(config: DictConfig, **extra: Any) -> Any:
    """Instantiate a node with plain Python containers."""
    return instantiate(config, _convert_="all", **extra)


def build_all(config: DictConfig) -> list[Any]:
    """Instantiate each entry of a group such as ``callbacks``; an entry set to null is left out."""
    return [part for part in build(config).values() if part is not None]


def run_command(command: Callable[[], object]) -> None:
    """Run a Hydra command so that a user's mistake ends in one line and exit code 1.

    ``HYDRA_FULL_ERROR=1`` shows the traceback instead, as everywhere in Hydra.

    Args:
        command: A function decorated with ``hydra.main``.
    """
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        command()
        return
    os.environ["HYDRA_FULL_ERROR"] = "1"  # so that Hydra hands errors on instead of printing several lines
    try:
        command()
    except EXPECTED_ERRORS as error:
        sys.exit(f"error: {explain(error)}")


def explain(error: BaseException) -> str:
    """Say in one line what a configuration or input error means.

    Args:
        error: As raised by Hydra, OmegaConf or this project.

    Returns:
        The root cause; for a mistyped option with the nearest valid names.
    """
    while isinstance(error, HydraException) and error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(error).split())
    if unknown := re.search(r"Key '(\w+)' is not in struct full_key: ([\w.]+)", text):
        return f"unknown option '{unknown[2]}'{_suggestion(unknown[2])}; 'python train.py --cfg job' lists all options"
    if missing := re.search(MISSING_CHOICE, text):
        near = difflib.get_close_matches(missing[2], missing[3].split(), n=1)
        hint = f", did you mean '{near[0]}'?" if near else ""
        return f"{missing[1]} has no choice '{missing[2]}'{hint} Choices: {', '.join(missing[3].split())}"
    return text


def _suggestion(key: str) -> str:
    options = _keys(OmegaConf.to_container(load_config([])))
    near = difflib.get_close_matches(key, options, n=2)
    return f", did you mean {' or '.join(repr(name) for name in near)}?" if near else ""


def _keys(node: Any, prefix: str = "") -> list[str]:
    if not isinstance(node, dict):
        return []
    names = [f"{prefix}{name}" for name in node]
    return names + [key for name, child in node.items() for key in _keys(child, f"{prefix}{name}.")]
