"""Packages that only some commands need: each is in an extra of the installation and is imported where it is used."""

from importlib import import_module
from typing import Any

from matting.errors import MattingError

EXTRAS = {
    "dask": "dask",
    "distributed": "dask",
    "fiftyone": "fiftyone",
    "fsspec": "parquet",
    "gradio": "page",
    "matplotlib": "figures",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "pyarrow": "parquet",
    "pycocotools": "coco",
    "pymatting": "closed-form",
    "tensorboard": "tensorboard",
    "wandb_workspaces": "wandb",
}
"""The extra that brings a package, by the package's import name."""


def require(module: str, purpose: str) -> Any:
    """Import a module of an optional package.

    Args:
        module: Name of the module, such as ``pyarrow.parquet``.
        purpose: What needs it, in words, for the error.

    Returns:
        The module.

    Raises:
        MattingError: It is not installed.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        # `error.name` may be another package, one that the module itself needs.
        raise MattingError(
            f"{purpose} needs the package {error.name or package}, which is not installed; "
            f"install it with: pip install 'portrait-matting[{EXTRAS[package]}]'"
        ) from error
