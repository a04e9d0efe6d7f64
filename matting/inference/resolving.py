"""The one place that knows where weights are: a name, a path or a hub repository becomes a local path."""

import difflib
import os
from pathlib import Path

from matting.models import RECORDS, is_model_folder

PRETRAINED = Path(__file__).parent / "pretrained"
"""Folder of the shipped models: one model folder per name."""

DEFAULT = "portrait"
"""The shipped model that is used where none is named. It is trained on rendered people only."""

GRAPH = "model.onnx"
"""Name of the graph in a model folder."""

HUB = "hf:"
"""Marks a repository of the Hugging Face hub, as in ``hf:owner/name``."""


def shipped_models() -> dict[str, Path]:
    """Return the folders of the models that come with this package, by name."""
    return {folder.name: folder for folder in sorted(PRETRAINED.glob("*")) if is_model_folder(folder)}


def resolve(source: str | Path) -> Path:
    """Find the weights that a user names.

    Args:
        source: Name of a shipped model; path of a run folder, a checkpoint file, a model folder or a ``model.onnx``;
            or ``hf:owner/name``, a model folder on the Hugging Face hub, fetched once into its cache. A shipped name
            wins over a file of that name, which its absolute path reaches.

    Returns:
        An existing local path.

    Raises:
        FileNotFoundError: There is nothing of that name; the nearest shipped name is in the text.
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

    # Nothing else is fetched: no pickled weights, no code.
    files = ["config.json", "model.safetensors", RECORDS, GRAPH]
    try:
        return Path(snapshot_download(repository, allow_patterns=files, endpoint=os.environ.get("HF_ENDPOINT")))
    except (OSError, ValueError) as error:  # what the hub's client raises derives from one of them
        reason = " ".join(str(error).split())
        raise OSError(
            f"{HUB}{repository}: expected a model folder on the Hugging Face hub, found: {reason}; "
            "check OWNER/NAME and the connection (HF_ENDPOINT)"
        ) from error
