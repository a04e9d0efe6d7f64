"""The resume guard: a run is continued as the run that it was, or its changes are named."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer
from omegaconf import DictConfig, OmegaConf

from matting.data.corpora import Corpus
from matting.data.folds import FOLD_RULE
from matting.errors import MattingError
from matting.models.checkpoint import read_checkpoint
from matting.plan.length import RunLength
from matting.training.datamodule import MattingDataModule

PLANNED = ("seed", "data", "corpus", "curriculum", "augment", "processes")
"""Groups of options on which the plan depends, or what is made of its rows."""
STEPPED = ("trainer.accumulate_grad_batches", "trainer.limit_train_batches")
"""Options that change which rows make a step."""
LENGTH = ("trainer.max_epochs", "trainer.max_steps")
"""Options that move the stages of a curriculum."""
# The result of a run does not depend on the number of workers.
FREE = ("data.workers",)
UNRECORDED = ("folder", "resume", "logger")
"""Options that say nothing about the training."""

log = logging.getLogger(__name__)


class ResumeGuard:
    """Compare a run with the checkpoint from which it is resumed; without a checkpoint everything fits.

    Args:
        config: The composed configuration; its ``resume.checkpoint`` is a file or None, and ``resume.allow`` lists
            options, or groups of them, that may change the plan.
        trainer: Trainer of the run, with its number of processes.

    Attributes:
        origin: What the plan of this run depends on, for its own checkpoints.
        saved: Steps, network and data of the checkpoint, or None.

    Raises:
        FileNotFoundError: If there is no checkpoint.
        MattingError: If the file is no checkpoint of a run, or the plan would be another.
    """

    def __init__(self, config: DictConfig, trainer: Trainer) -> None:
        allow, self.trainer = config.resume.allow, trainer
        self.allow = [allow] if isinstance(allow, str) else list(allow)
        self.origin: dict[str, dict[str, Any]] = {"options": options_of(config, trainer.world_size)}
        self.saved: dict[str, Any] | None = None
        if config.resume.checkpoint is not None:
            self.file = Path(config.resume.checkpoint)
            self.saved = _read(self.file)
            if "origin" not in self.saved["data"]:
                log.warning("%s: does not say of which options its plan was made; they are not compared", self.file)
            self._compare("options")
            if trainer.is_global_zero:
                log.info("resumed after step %d", self.saved["steps"])

    def check_network(self, settings: Mapping[str, Any]) -> None:
        """Refuse another network than the run's.

        Args:
            settings: Settings of the network, as in `AttentionUNet.settings`.

        Raises:
            MattingError: If they differ from those in the checkpoint.
        """
        if self.saved is None:
            return
        # Where the weights come from does not matter: the checkpoint has its own.
        given = {name: value for name, value in settings.items() if name not in ("pretrained", "encoder_weights")}
        own = {name: value for name, value in self.saved["model"].items() if name in given}
        if words := differences(own, given):
            raise MattingError(
                f"resume: expected the run's own network, found another: {', '.join(words.values())}; to start a new "
                f"run from its weights, give model=trained model.path={self.file}"
            )

    def check_corpus(self, corpus: Corpus) -> None:
        """Refuse another corpus than the run's: another label, other numbers of items, or folds of another rule.

        Args:
            corpus: The corpus, after a fold was left out.

        Raises:
            MattingError: If it differs and that is not allowed.
        """
        sizes = {f"corpus.items.{name}": len(source) for name, source in corpus.sets.items()}
        self.origin["corpus"] = {"corpus.label": corpus.label} | sizes | {"corpus.scenes": len(corpus.scenes)}
        if self.origin["options"]["data.fold"] is not None:
            self.origin["corpus"]["corpus.fold_rule"] = FOLD_RULE
        self._compare("corpus")

    def is_finished(self, length: RunLength) -> bool:
        """Return whether the checkpoint is from the end of a run of this length."""
        return self.saved is not None and int(self.saved["steps"]) >= length.steps

    def how_to_continue(self, length: RunLength, folder: str) -> str:
        """Return the line for a run that is finished."""
        twice = {"trainer.max_epochs": 2 * length.epochs, "trainer.max_steps": 2 * length.steps}
        options = self.origin["options"]
        # Limits that are not set, None or -1, stay so.
        more = {name: number for name, number in twice.items() if (options[name] or -1) >= 0}
        # Stages would move, which has to be allowed.
        allow = f" resume.allow=[{','.join(more)}]" if _has_stages(options) else ""
        words = " ".join(f"{name}={number}" for name, number in more.items())
        return (
            f"the run is finished after {length.epochs} epochs and {length.steps} steps; its report is "
            f"{folder}/report.md. To train it further: resume={folder} {words}{allow}"
        )

    def _compare(self, part: str) -> None:
        origin = self.saved["data"].get("origin") if self.saved else None
        # A checkpoint without an origin has had its warning.
        for words in check_options(origin[part], self.origin[part], self.allow) if origin else ():
            if self.trainer.is_global_zero:
                log.info("resumed with a change: %s", words)


def _read(file: Path) -> dict[str, Any]:
    """Read what the guard needs, so that the tensors are not kept in memory."""
    content, state = read_checkpoint(file), MattingDataModule.__qualname__
    if missing := {"optimizer_states", "loops", "global_step", state} - content.keys():
        raise MattingError(
            f"{file}: expected a checkpoint of a training run, found weights without {', '.join(sorted(missing))}; "
            "to start a new run from them, give model=trained model.path=FILE"
        )
    model = content["hyper_parameters"]["model"]
    return {"steps": content["global_step"], "model": model, "data": content[state]}


def options_of(config: DictConfig, processes: int) -> dict[str, Any]:
    """Return the options of a run by name, as plain values that a checkpoint can keep.

    Args:
        config: A composed configuration.
        processes: Number of processes of the run.
    """
    content: Any = OmegaConf.to_container(config)
    recorded = {name: value for name, value in content.items() if name not in UNRECORDED}
    return dict(_flat(recorded)) | {"processes": processes}


def _flat(node: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in node.items():
        nested = isinstance(value, Mapping) and value
        pairs += _flat(value, f"{prefix}{name}.") if nested else [(f"{prefix}{name}", value)]
    return pairs


def check_options(saved: Mapping[str, Any], now: Mapping[str, Any], allow: Sequence[str] = ()) -> list[str]:
    """Refuse options with which the plan of a run would be another.

    Args:
        saved: Options of the run, from its checkpoint.
        now: Options that are asked for.
        allow: Options, or groups of them, that may change the plan.

    Returns:
        All differences in words, ``name old -> new``.

    Raises:
        MattingError: If the plan would be another and that is not allowed.
    """
    words = differences(saved, now)
    # Where there is one stage the length moves nothing in the plan: such a run may be extended.
    planned = (*PLANNED, *STEPPED, *LENGTH) if _has_stages(saved) else (*PLANNED, *STEPPED)
    refused = [name for name in words if _within(name, planned) and not _within(name, (*FREE, *allow))]
    if refused:
        raise MattingError(
            f"resume: expected the run's own options, since its plan depends on them, found others: "
            f"{', '.join(words[name] for name in refused)}; leave them out, or change the plan from here on with "
            f"resume.allow=[{','.join(refused)}]"
        )
    return list(words.values())


def differences(saved: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """Describe the options that differ, by name: ``name old -> new``."""
    # Not None, which is the value of some options.
    absent = object()
    changed = [name for name in {**saved, **now} if saved.get(name, absent) != now.get(name, absent)]
    return {name: f"{name} {_shown(saved, name)} -> {_shown(now, name)}" for name in changed}


def _has_stages(options: Mapping[str, Any]) -> bool:
    return len(options.get("curriculum.stages", ())) > 1


def _within(name: str, groups: Sequence[str]) -> bool:
    return any(name == group or name.startswith(f"{group}.") for group in groups)


def _shown(options: Mapping[str, Any], name: str) -> str:
    text = str(options[name]) if name in options else "absent"
    return text if len(text) <= 80 else f"{text[:77]}..."
