"""How a network was trained, read from its run folder."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

NOT_THE_CONFIGURATION = ("seed", "folder", "resume", "logger", "hydra")
"""Settings in which runs of one configuration may differ."""


class Training(NamedTuple):
    """How a network was trained.

    Attributes:
        configuration: Digest of the configuration, equal for runs that differ in their seed alone.
        mixture: The streams of its training images with their weights, in words.
        augmentations: Classes of `matting.augment` that degraded images; none where the mixture degrades nothing.
        seed: Seed of the training.
    """

    configuration: str
    mixture: str
    augmentations: frozenset[str]
    seed: int


def read_training(checkpoint: Path) -> Training | None:
    """Read the configuration that a training run saved along with its checkpoints.

    Args:
        checkpoint: Checkpoint file in ``RUN/checkpoints``.

    Returns:
        How the network was trained, or None for a checkpoint without a run folder.
    """
    from omegaconf import OmegaConf

    file = checkpoint.resolve().parent.parent / ".hydra" / "config.yaml"
    if not file.is_file():
        return None
    config = OmegaConf.load(file)
    settings: dict[str, Any] = OmegaConf.to_container(config)  # type: ignore[assignment]
    kept = {name: value for name, value in settings.items() if name not in NOT_THE_CONFIGURATION}
    digest = hashlib.sha256(repr(kept).encode()).hexdigest()
    mixture = settings["data"]["mixture"]
    weights = {stream: weight for stream, weight in mixture.get("weights", {}).items() if weight > 0}
    words = ", ".join(f"{stream} {weight:g}" for stream, weight in weights.items()) or "sources by their sizes"
    # The configuration lists augmentations even where the mixture draws no image to degrade.
    degrades = "augmented" in weights or mixture.get("augmented_share", 0) > 0
    return Training(digest, words, _classes(settings["augment"]) if degrades else frozenset(), settings["seed"])


def _classes(node: Any) -> frozenset[str]:
    """Return the unqualified names of all classes that a configuration builds."""
    if not isinstance(node, dict):
        return frozenset()
    own = {str(node["_target_"]).rpartition(".")[2]} if "_target_" in node else set()
    return frozenset(own).union(*(_classes(child) for child in node.values()))
