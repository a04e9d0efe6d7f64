"""Resolve the name of a model, a path or a hub repository to a local path."""

import difflib
import os
from pathlib import Path

from matting.models import RECORDS, is_model_folder

PRETRAINED = Path(__file__).parent / "pretrained"
"""Folder of the shipped models: one model folder per name."""

DEFAULT = "portrait"
"""The shipped model that is used by default. It has seen no photo of a person in training."""

GRAPH = "model.onnx"
"""Name of the graph in a model folder."""

HUB = "hf:"
"""Prefix of a repository on the Hugging Face hub, as in ``hf:owner/name``."""

FROM_HUB = ("config.json", "model.safetensors", RECORDS, GRAPH)
"""Files to download from there: no pickled weights, which could execute code, and no scripts."""


def shipped_models() -> dict[str, Path]:
    """Return the folders of the models that come with this package, by name."""
    return {folder.name: folder for folder in sorted(PRETRAINED.glob("*")) if is_model_folder(folder)}


def resolve(source: str | Path) -> Path:
    """Find the weights of a model.

    Args:
        source: Name of a shipped model; path of a run folder, a checkpoint file, a model folder or a ``model.onnx``;
            or ``hf:owner/name``, a model folder on the Hugging Face hub, downloaded once into its cache. A shipped
            name takes precedence over a file of that name; give the file by its absolute path.

    Returns:
        An existing local path.

    Raises:
        FileNotFoundError: Nothing has that name; the message contains the nearest shipped name.
        OSError: The hub cannot be reached, or has no such model.
    """
    name, shipped = str(source), shipped_models()
    if name in shipped:
        return shipped[name]
    if name.startswith(HUB):
        return _from_hub(name.removeprefix(HUB))
    if (path := Path(source)).exists():
        return path
    near = difflib.get_close_matches(name, shipped, n=1)
    raise FileNotFoundError(
        f"{name}: expected a run folder, a checkpoint, a model folder, a .onnx file, hf:OWNER/NAME or a shipped model "
        f"({', '.join(shipped) or 'none in this installation'}), found nothing"
        + (f"; did you mean '{near[0]}'?" if near else "; check the path")
    )


def _from_hub(repository: str) -> Path:
    from huggingface_hub import snapshot_download

    # The hub's client reads this variable only once, when it is imported.
    endpoint = os.environ.get("HF_ENDPOINT")
    try:
        return Path(snapshot_download(repository, allow_patterns=list(FROM_HUB), endpoint=endpoint))
    except (OSError, ValueError) as error:  # all errors of the hub's client derive from one of these
        # The client's messages have several lines, those of the command line one.
        reason = " ".join(str(error).split())
        raise OSError(
            f"{HUB}{repository}: expected a model folder on the Hugging Face hub, found: {reason}; "
            "check OWNER/NAME and the connection (HF_ENDPOINT)"
        ) from error
