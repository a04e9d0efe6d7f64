"""Backbone weights from the hub or from a local file, with the way out named when there is neither."""

from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import torch
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.constants import ENDPOINT
from safetensors.torch import load_file
from torch import Tensor, nn

OFFLINE = "without network set model.pretrained=false, or give a local file with model.encoder_weights=FILE"


def require_reachable(name: str) -> None:
    """Fail at once where the hub client would retry for most of a minute before it says so.

    Args:
        name: A timm model.

    Raises:
        ValueError: If its weights are neither cached nor is the hub reachable.
    """
    import timm  # lazily, as in the encoder

    hub_id = getattr(timm.get_pretrained_cfg(name), "hf_hub_id", None)
    if hub_id is None or any(
        isinstance(try_to_load_from_cache(hub_id, file), str) for file in ("model.safetensors", "pytorch_model.bin")
    ):
        return
    try:
        urlopen(Request(ENDPOINT, method="HEAD"), timeout=10).close()
    except HTTPError:
        return  # it answers
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise ValueError(
            f"model.pretrained: {ENDPOINT} with the weights of '{name}' is not reachable ({reason}); {OFFLINE}"
        ) from error


def load_backbone_weights(backbone: nn.Module, path: Path) -> None:
    """Load backbone weights from a local file; what the backbone has no place for, such as a classifier, is ignored.

    Args:
        backbone: The module to fill.
        path: ``.safetensors``, or ``.pth``/``.pt``/``.bin`` read with ``weights_only=True``.

    Raises:
        ValueError: If the file is no weight file, or keys are missing or of another shape; they are listed.
        FileNotFoundError: If there is no such file.
    """
    # A feature pyramid calls "stages.0" what the whole model calls "stages_0"; without dots both are the same name.
    found = {key.replace(".", "_"): value for key, value in _read(path).items()}
    expected = backbone.state_dict()
    names = {key: key.replace(".", "_") for key in expected if not key.endswith("num_batches_tracked")}
    missing = [key for key, name in names.items() if name not in found]
    wrong = [key for key, name in names.items() if name in found and found[name].shape != expected[key].shape]
    if missing or wrong:
        raise ValueError(
            f"model.encoder_weights: {path} does not fit the encoder: {_listed('missing', missing)}, "
            f"{_listed('of another shape', wrong)}; give the weights of the same timm model"
        )
    backbone.load_state_dict(expected | {key: found[name] for key, name in names.items()})


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"model.encoder_weights: {path}: expected a weight file, found none")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content: dict[str, Any] = torch.load(path, "cpu", weights_only=True)
        content = content.get("state_dict", content)
        return {key: value for key, value in content.items() if isinstance(value, Tensor)}
    except Exception as error:
        # A damaged file makes its reader fail in many ways, with types of several libraries.
        raise ValueError(
            f"model.encoder_weights: {path}: expected .safetensors or a .pth of plain tensors, found: {error}; "
            "save it with torch.save(model.state_dict(), path)"
        ) from error


def _listed(what: str, keys: list[str], most: int = 5) -> str:
    names = ", ".join(keys[:most]) + (", …" if len(keys) > most else "")
    return f"{len(keys)} keys {what}" + (f" ({names})" if keys else "")
