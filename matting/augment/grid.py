"""Render every degradation at growing severity: ``python -m matting.augment.grid -o FILE [IMAGE]``."""

import argparse
import io
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from matting.augment.augmix import ARTICLE_OPERATIONS, AugMix
from matting.augment.camera import CameraBlur
from matting.augment.compose import compose
from matting.augment.degradation import LayeredImage, select
from matting.augment.gaps import LayerGaps
from matting.augment.operations import Operation
from matting.augment.phone import Phone
from matting.augment.portrait import Layers, render_portrait
from matting.augment.randomness import Keys
from matting.errors import MattingError
from matting.files import write_atomic
from matting.images import read_rgba

_SEVERITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
_LABEL = 18  # height of a caption, pixels
_FULL_LEVEL = 0.3  # strength of a single operation at severity 1: AugMix's default level of 3 out of 10

Step = Callable[[LayeredImage, Keys, Tensor], LayeredImage]
"""A layered image, keys and severities ``(B,)`` to the degraded image and matte."""


def degradation_grid(layers: Layers, seed: int = 26) -> NDArray[np.uint8]:
    """Render one row per degradation, one column per severity from 0 to 1; a second row is the matte where it changes.

    Args:
        layers: one image of side S.
        seed: of the degradations.

    Returns:
        RGB image, ``(rows * (S + caption), 5 * S, 3)`` uint8.
    """
    severity = torch.tensor(_SEVERITIES)
    clean = LayeredImage(compose(*layers), layers.alpha, layers.foreground, layers.background)
    columns = LayeredImage(*(layer.expand(len(severity), -1, -1, -1) for layer in clean))
    # equal keys in every column, so that severity alone differs
    keys = Keys(*torch.full((2, len(severity)), seed))
    strips = []
    for caption, step in _steps().items():
        degraded = step(columns, keys, severity)
        strips.append(_strip(caption, degraded.image))
        if not torch.equal(degraded.alpha, columns.alpha):
            strips.append(_strip(f"{caption}: alpha", degraded.alpha.expand(-1, 3, -1, -1)))
    return np.concatenate(strips)


def _steps() -> dict[str, Step]:
    single = {operation.__name__.replace("_", " "): partial(_operate, operation) for operation in ARTICLE_OPERATIONS}
    return {
        **single,
        "AugMix of the four": AugMix().degrade,
        "camera blur": CameraBlur(subject=0, alpha="sharp").degrade,
        "camera blur, the subject moves": CameraBlur(subject=1).degrade,
        "background out of focus": partial(_close, LayerGaps(defocus=1)),
        "light matched or mismatched": partial(_close, LayerGaps(light=1)),
        "low resolution": Phone(low_resolution=1).degrade,
        "screenshot": Phone(screenshot=1).degrade,
    }


def _operate(operation: Operation, layers: LayeredImage, keys: Keys, severity: Tensor) -> LayeredImage:
    changed = operation(layers.image, _FULL_LEVEL * severity, keys.appearance)
    return layers._replace(image=select(severity > 0, changed, layers.image))


def _close(gaps: LayerGaps, layers: LayeredImage, keys: Keys, severity: Tensor) -> LayeredImage:
    foreground, background = gaps(layers.foreground, layers.background, layers.alpha, keys.appearance, severity)
    return layers._replace(image=compose(foreground, background, layers.alpha))


def _strip(caption: str, images: Tensor) -> NDArray[np.uint8]:
    """Put the images of a row side by side under their caption."""
    row = (torch.cat(list(images), dim=2) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    label = Image.new("RGB", (row.shape[1], _LABEL), "white")
    ImageDraw.Draw(label).text((4, 1), caption, fill="black", font=ImageFont.load_default(13))
    return np.concatenate([np.asarray(label), row])


def read_layers(path: Path, size: int) -> Layers:
    """Read a cutout (with its alpha, before the rendered street) or a photo (as both layers), centre-cropped."""
    pixels = read_rgba(path)
    rgba = torch.from_numpy(pixels).permute(2, 0, 1).float().div(255)
    side = min(rgba.shape[1:])
    top, left = (rgba.shape[1] - side) // 2, (rgba.shape[2] - side) // 2
    square = rgba[None, :, top : top + side, left : left + side]
    square = F.interpolate(square, size=(size, size), mode="bicubic", antialias=True).clamp(0, 1)
    colours, alpha = square[:, :3], square[:, 3:]
    # of the file's own pixels, which resizing has not touched yet
    opaque = bool((pixels[..., 3] == 255).all())
    return Layers(colours, colours if opaque else render_portrait(size).background, alpha)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m matting.augment.grid", description=main.__doc__)
    parser.add_argument("image", type=Path, nargs="?", help="photo or RGBA cutout; by default a portrait is rendered")
    parser.add_argument("-o", "--output", type=Path, required=True, help="JPEG or PNG file to write")
    parser.add_argument("--size", type=int, default=160, help="side of each cell, pixels")
    parser.add_argument("--seed", type=int, default=26, help="seed of the degradations")
    options = parser.parse_args(arguments)
    try:
        layers = read_layers(options.image, options.size) if options.image else render_portrait(options.size)
        encoded = io.BytesIO()
        Image.fromarray(degradation_grid(layers, options.seed)).save(
            encoded, format={".png": "PNG"}.get(options.output.suffix.lower(), "JPEG"), quality=90
        )
        write_atomic(options.output, encoded.getvalue())
    except (MattingError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
