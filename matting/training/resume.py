"""Find the run that ``resume=RUN`` names, and continue with its own overrides in its own folder."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from matting.errors import MattingError
from matting.processes import is_of_torchrun

FRESH = ".hydra/resumed"
"""Where Hydra puts the configuration of a resumed run, until it is known that it fits the run."""

LAST = Path("checkpoints") / "last.ckpt"
"""The checkpoint from which a run is resumed, in its folder."""

FRESH_STORE = "TORCH_DISABLE_SHARE_RDZV_TCP_STORE"
"""Environment variable, without which torchrun keeps one store for all starts of its workers."""


class Run(NamedTuple):
    """A run to resume: its folder and the checkpoint."""

    folder: Path
    checkpoint: Path


def find_run(path: str) -> Run:
    """Find a run by its folder, or by one of its checkpoints.

    Raises:
        FileNotFoundError: If there is no checkpoint, or no run folder around it.
    """
    given = Path(path).expanduser().absolute()
    file = given / LAST if given.is_dir() else given
    if not file.is_file():
        raise FileNotFoundError(
            f"resume: expected a run folder with checkpoints/last.ckpt, or a checkpoint, found none at {path}; "
            "a run that has not saved one yet is started again"
        )
    folder = file.parent.parent
    if not (folder / ".hydra" / "overrides.yaml").is_file():
        raise FileNotFoundError(
            f"resume: expected .hydra/overrides.yaml in the run folder {folder}, found none; "
            "give resume.checkpoint=FILE and the run's own options, to continue in a new folder"
        )
    return Run(folder, file)


def resumed_arguments(arguments: Sequence[str]) -> list[str]:
    """Replace ``resume=RUN`` on the command line by the run's own overrides, its folder and its checkpoint.

    Args:
        arguments: Command-line arguments; overrides among them win over the run's.

    Returns:
        Arguments for Hydra; unchanged without ``resume=``, except those of torchrun (`_of_torchrun`).

    Raises:
        FileNotFoundError: As `find_run`.
        MattingError: If several jobs are asked for, or torchrun has no run folder, or no new store for restarts.
    """
    given = [argument for argument in arguments if _key(argument) != "resume"]
    runs = [argument.partition("=")[2] for argument in arguments if _key(argument) == "resume"]
    # The store that torchrun keeps has addresses of the processes before a restart, which new ones may read.
    if os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0") != "0" and os.environ.get(FRESH_STORE) != "1":
        raise MattingError(f"torchrun: --max-restarts needs a new store for each start; set {FRESH_STORE}=1 before it")
    if not runs:
        return _of_torchrun(given) if is_of_torchrun() else given
    if {"-m", "--multirun"} & set(given):
        raise MattingError("resume: expected one run, found --multirun; resume the jobs of a sweep one by one")
    run = find_run(runs[-1].strip("'\""))
    own = [str(override) for override in OmegaConf.load(run.folder / ".hydra" / "overrides.yaml")]
    place = [f"hydra.run.dir={_quoted(run.folder)}", f"hydra.output_subdir={FRESH}"]
    # The overrides come first: Hydra's parser takes them in one piece.
    return [*merged(own, given), *place, f"resume.checkpoint={_quoted(run.checkpoint)}", *given]


def _of_torchrun(given: list[str]) -> list[str]:
    """Continue the run in the given folder, if it has a checkpoint.

    After a failure torchrun starts the same command line again, with a count of restarts that is not the same on all
    machines. What is the same is the run folder.
    """
    folders = [argument for argument in given if _key(argument) == "hydra.run.dir"]
    if not folders:
        raise MattingError(
            "torchrun: expected a run folder that all processes share, found none; give hydra.run.dir=FOLDER"
        )
    value = OverridesParser.create().parse_override(folders[-1]).value()
    checkpoint = Path(OmegaConf.create({"folder": value}).folder).absolute() / LAST
    if not checkpoint.is_file():
        return given
    own = [argument for argument in given if _key(argument) != "resume.checkpoint"]
    return [f"hydra.output_subdir={FRESH}", f"resume.checkpoint={_quoted(checkpoint)}", *own]


def continue_requeued(config: DictConfig) -> None:
    """Continue the run in the folder of a job of a sweep that SLURM starts again, if it has a checkpoint.

    Args:
        config: The composed configuration; its ``resume.checkpoint`` is set.
    """
    last = Path(config.folder) / LAST
    if "SUBMITIT_EXECUTOR" in os.environ and last.is_file():
        config.resume.checkpoint = str(last)


def merged(own: Sequence[str], given: Sequence[str]) -> list[str]:
    """Return the overrides of a run that new ones do not replace.

    Example:
        >>> merged(["+curriculum=3stage", "seed=1", "resume.allow=[seed]"], ["seed=2"])
        ['+curriculum=3stage']
    """
    replaced = {_key(override) for override in given if not override.startswith("-")}
    # A run that was resumed before has the checkpoint of that time among its overrides.
    return [override for override in own if _key(override) not in replaced and not _key(override).startswith("resume.")]


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _quoted(path: Path) -> str:
    """Quote a path for Hydra's grammar, and hide interpolations in it from OmegaConf."""
    text = str(path).replace("'", "\\'").replace("${", "\\${")
    return f"'{text}'"


def adopt_configuration(folder: Path) -> None:
    """Make the configuration of a resumed run that of its folder: from now on it is what the run was trained with."""
    for file in sorted((folder / FRESH).glob("*.yaml")):
        file.replace(folder / ".hydra" / file.name)
