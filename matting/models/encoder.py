"""The one door to timm."""

from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import timm
import torch
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.constants import ENDPOINT
from safetensors.torch import load_file
from torch import Tensor, nn

from matting.models.norms import Norm, group_norm


OFFLINE = "without network set model.pretrained=false, or give a local file with model.encoder_weights=FILE"


class Encoder(nn.Module):
    """A timm backbone as a pyramid of features.

    Pictures are normalised here, by the statistics the backbone was pre-trained with: no caller can forget it.

    Args:
        name: Any timm model that supports ``features_only``.
        pretrained: Fetch timm's weights for it. Ignored where ``weights`` is given.
        weights: Local file of backbone weights, ``.safetensors`` or ``.pth``, in timm's naming.
        norm: ``batch`` keeps the backbone's own layers; ``group`` replaces them by GroupNorm, for ResNets.

    Attributes:
        channels: Channels of each level, finest first.
        reductions: Stride of each level.

    Raises:
        ValueError: If timm has no such model, its weights cannot be fetched, or a file does not fit.
    """

    def __init__(self, name: str, pretrained: bool, weights: Path | str | None = None, norm: Norm = "batch") -> None:
        super().__init__()
        extra: dict[str, Any] = {"norm_layer": group_norm} if norm == "group" else {}
        self.backbone = _create(name, pretrained=pretrained and weights is None, **extra)
        if weights is not None:
            load_backbone_weights(self.backbone, Path(weights))
        self.channels: list[int] = self.backbone.feature_info.channels()
        self.reductions: list[int] = self.backbone.feature_info.reduction()
        config = self.backbone.pretrained_cfg
        self.register_buffer("mean", torch.tensor(config["mean"]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config["std"]).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features, finest first, of ``(B, 3, H, W)`` pictures in [0, 1]."""
        features: list[Tensor] = self.backbone((image - self.mean) / self.std)
        return features


def _create(name: str, *, pretrained: bool, **extra: Any) -> nn.Module:
    if not timm.is_model(name):
        close = ", ".join(timm.list_models(f"*{name.split('.')[0]}*")[:5]) or "see timm.list_models()"
        raise ValueError(f"model.encoder: timm has no model '{name}'; near: {close}")
    if pretrained:
        _require_reachable(name)
    try:
        backbone: nn.Module = timm.create_model(name, features_only=True, pretrained=pretrained, **extra)
    except Exception as error:
        # timm and the hub client raise many types, of several libraries.
        what = "its weights could not be fetched" if pretrained else "it cannot serve as a feature pyramid"
        raise ValueError(
            f"model.encoder '{name}': {what}: {error}; {OFFLINE if pretrained else 'choose another'}"
        ) from error
    return backbone


def _require_reachable(name: str) -> None:
    """Fail at once where the hub client would retry for most of a minute before it says so."""
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
    """Load backbone weights from a local file; a classifier's head in it is ignored.

    Args:
        backbone: The module to fill.
        path: ``.safetensors``, or ``.pth``/``.pt``/``.bin`` read with ``weights_only=True``.

    Raises:
        ValueError: If the file is no weight file, or keys are missing or of another shape; they are listed.
        FileNotFoundError: If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"model.encoder_weights: {path}: expected a weight file, found none")
    try:
        found = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"model.encoder_weights: {path}: expected .safetensors or a .pth of plain tensors, found: {error}"
        ) from error
    # A feature pyramid calls "stages.0" what the whole model calls "stages_0"; without dots both are the same name.
    found = {key.replace(".", "_"): value for key, value in found.get("state_dict", found).items()}
    names = {key: key.replace(".", "_") for key in backbone.state_dict() if not key.endswith("num_batches_tracked")}
    expected = backbone.state_dict()
    missing = [key for key, name in names.items() if name not in found]
    wrong = [key for key, name in names.items() if name in found and found[name].shape != expected[key].shape]
    if missing or wrong:
        raise ValueError(
            f"model.encoder_weights: {path} does not fit the encoder: {len(missing)} keys missing "
            f"({', '.join(missing[:5])} …), {len(wrong)} of another shape ({', '.join(wrong[:5])} …); "
            "give the weights of the same timm model"
        )
    backbone.load_state_dict(expected | {key: found[name] for key, name in names.items()})
