"""Model folders, the form in which a network is shared: weights as safetensors, settings and records as JSON."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from matting.errors import MattingError
from matting.models.attention_unet import AttentionUNet

RECORDS = "training.json"
"""File along with ``config.json`` and ``model.safetensors``: working size, corpus, and how it was trained."""


def is_model_folder(folder: Path) -> bool:
    """Return whether a folder was written by ``matting export`` or `AttentionUNet.save_pretrained`."""
    return (folder / "config.json").is_file()


def read_model_folder(folder: Path) -> tuple[AttentionUNet, dict[str, Any]]:
    """Load a network and its records.

    Args:
        folder: Folder written by ``matting export``.

    Returns:
        The network in evaluation mode, and the content of ``training.json``.

    Raises:
        MattingError: If a file is missing or damaged.
    """
    try:
        records = json.loads((folder / RECORDS).read_text())
        if not {"size", "corpus"} <= records.keys():
            raise MattingError(f"{RECORDS} without size and corpus")
        settings = json.loads((folder / "config.json").read_text())
        model = AttentionUNet(**settings | {"pretrained": False, "encoder_weights": None})
        model.load_state_dict(load_file(folder / "model.safetensors"))  # from_pretrained would print to the console
        return model.eval(), records
    except (OSError, ValueError, TypeError, RuntimeError, AttributeError, SafetensorError) as error:
        raise MattingError(
            f"{folder}: expected a model folder with config.json, model.safetensors and {RECORDS}, found: {error}; "
            "write one with 'matting export'"
        ) from error


def weights_digest(model: nn.Module) -> str:
    """Return 12 hexadecimal digits that identify a network's weights, independent of the file format."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        # As bytes, since NumPy has no bfloat16; flattened first, since a scalar has no axis to be split into bytes.
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:12]
