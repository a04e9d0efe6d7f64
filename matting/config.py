"""Compose the configuration, build objects from it, and explain its errors in one line."""

import difflib
import importlib
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from matting.arguments import check_arguments
from matting.errors import DEBUG, MattingError
from matting.options import list_groups
from matting.overrides import as_typed

MISSING_CHOICE = r"Could not find '([\w/]+)/([^']+)' Available options in '[^']+': (.*?) Config search"

_SHIPPED = Path(__file__).resolve().parent / "recipe"
RECIPE = _SHIPPED if _SHIPPED.is_dir() else _SHIPPED.parent.parent
"""Folder with ``train.py``, ``conf`` and the split lists: the checkout, or its copy in the wheel."""
CONFIG_FOLDER = RECIPE / "conf"
PROGRAM = "matting train" if _SHIPPED.is_dir() else "python train.py"
"""What starts a run here, for help and messages: an installed wheel has no ``train.py`` in the current directory."""

# Names the folder of a job: `loss/pairing` must not become two folders, and a file name has at most 255 bytes.
OmegaConf.register_new_resolver("file_name", lambda text: text.replace("/", ".")[:200], replace=True)
# The program and the list of groups in `python train.py --help`.
OmegaConf.register_new_resolver("program", lambda: PROGRAM, replace=True)
OmegaConf.register_new_resolver("group_list", lambda: list_groups(CONFIG_FOLDER), replace=True)
# A file of the repository that a configuration names, wherever the run starts.
OmegaConf.register_new_resolver("recipe", lambda path: str(RECIPE / path), replace=True)

_MISTAKES = (MattingError, OSError, HydraException, OmegaConfBaseException)


def load_config(overrides: Sequence[str]) -> DictConfig:
    """Compose the configuration that ``train.py`` would run with the same overrides.

    Args:
        overrides: Hydra overrides such as ``data=mix_1_8_5_12`` or ``+curriculum=3stage``.
    """
    with initialize_config_dir(str(CONFIG_FOLDER), version_base="1.3"):
        return compose("train", overrides=[as_typed(override) for override in overrides])


def build(config: DictConfig, **extra: Any) -> Any:
    """Instantiate a configuration node, with plain Python containers as arguments.

    Raises:
        MattingError: If a value is missing, or not of the type that its target takes.
    """
    if missing := OmegaConf.missing_keys(config):  # Hydra would leave them out of the call: a traceback
        option = min(missing)
        raise MattingError(f"{option}: expected a value, found none; give {option}=…")
    _check_types(config, config._get_full_key(None) or "")
    return instantiate(config, _convert_="all", **extra)


def _check_types(node: Any, where: str) -> None:
    """Check the values of each target against its annotations, before anything is built."""
    if isinstance(node, DictConfig) and "_target_" in node:
        module, _, name = str(node["_target_"]).rpartition(".")
        try:
            target = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError):
            return  # Hydra explains a target that does not exist
        content: Any = OmegaConf.to_container(node, resolve=True)
        plain = {key: value for key, value in content.items() if not _has_target(value)}
        check_arguments(where, target, plain)
    if isinstance(node, DictConfig):
        for key, child in node.items():
            _check_types(child, f"{where}.{key!s}" if where else str(key))
    elif isinstance(node, ListConfig):
        for k, child in enumerate(node):
            _check_types(child, f"{where}[{k}]")


def _has_target(value: Any) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (isinstance(value, dict) and "_target_" in value) or any(map(_has_target, children))


def build_all(config: DictConfig) -> list[Any]:
    """Instantiate each entry of a group such as ``callbacks``; an entry set to null is left out."""
    return [part for part in build(config).values() if part is not None]


def run_command(command: Callable[[], object]) -> None:
    """Run a Hydra command so that a user's mistake ends in one line and exit code 1.

    Any other error shows its traceback; so does a mistake with ``--debug`` on the command line.

    Args:
        command: A function decorated with ``hydra.main``.
    """
    debug = DEBUG in sys.argv
    program, *arguments = (argument for argument in sys.argv if argument != DEBUG)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise errors instead of printing several lines
    try:
        sys.argv = [program, *map(as_typed, arguments)]
        with _quiet_jobs():
            command()
    except Exception as error:
        line = explain(error)
        if line is None or debug:
            raise
        sys.exit(f"error: {line}{''.join(getattr(error, '__notes__', ()))}")


@contextmanager
def _quiet_jobs() -> Iterator[None]:
    """Keep Hydra from announcing a failed job on stderr when its error is a user's mistake, which is printed anyway."""
    announced: property = vars(JobReturn)["return_value"]

    def value(job: JobReturn) -> Any:
        if job.status == JobStatus.FAILED and explain(job._return_value) is not None:
            if job.hydra_cfg is not None and job.hydra_cfg.hydra.mode == RunMode.MULTIRUN:
                job._return_value.add_note(f"; in the job {' '.join(job.overrides or ())}")
            raise job._return_value
        return announced.__get__(job)

    JobReturn.return_value = property(value, announced.fset)  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        JobReturn.return_value = announced  # type: ignore[method-assign,assignment]


def explain(error: BaseException) -> str | None:
    """Explain a user's mistake in one line.

    Args:
        error: As raised by Hydra, OmegaConf or this project.

    Returns:
        The root cause; for a mistyped option, also the nearest valid names. None for a fault of the program: an error
        that is neither a `MattingError` nor from the operating system, Hydra, OmegaConf or Lightning's check of its
        settings, even if Hydra wrapped it while it built an object.
    """
    while isinstance(error, HydraException) and (cause := error.__cause__) is not None:
        if not isinstance(cause, _MISTAKES) and _raised_by_hydra(cause):
            break  # the configuration names a missing target, or arguments that the target does not take
        error = cause
    # By its name, since Lightning, which raises it for options that exclude each other, takes seconds to import.
    if not isinstance(error, _MISTAKES) and type(error).__name__ != "MisconfigurationException":
        return None
    text = str(error)
    if isinstance(error, OverrideParseException):
        reason = next(line for line in text.splitlines()[::-1] if not line.startswith("See "))
        text = f"override '{error.override}': expected KEY=VALUE, found {reason}; docs/train.md shows how to quote"
    if "in DataLoader worker process" in text:  # followed by the worker's traceback, whose last line is the error
        text = text.strip().splitlines()[-1].partition(": ")[2]
    text = " ".join(text.replace(", set env var HYDRA_FULL_ERROR=1 to see chained exception.", ";").split())
    if unknown := re.search(r"Key '(\w+)' is not in struct full_key: ([\w.]+)", text):
        return f"unknown option '{unknown[2]}'{_suggestion(unknown[2])}; 'matting train --cfg job' lists all options"
    if missing := re.search(MISSING_CHOICE, text):
        near = difflib.get_close_matches(missing[2], missing[3].split(), n=1)
        hint = f", did you mean '{near[0]}'?" if near else "."
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


def _raised_by_hydra(error: BaseException) -> bool:
    """Return whether an error arose in Hydra's own code and not in a target, for example from unexpected arguments."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals["__name__"]).startswith("hydra.")
