"""Draw every degradation at growing severity: ``python -m matting.augment.grid -o FILE [PICTURE]``."""

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
from matting.augment.camera import CameraBlur, Picture
from matting.augment.compose import compose
from matting.augment.gaps import LayerGaps
from matting.augment.operations import Operation
from matting.augment.phone import Phone
from matting.augment.portrait import Layers, draw_portrait
from matting.images import read_rgba, write_atomic

_SEVERITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
_LABEL = 18  # height of a caption, pixels
_FULL_LEVEL = 0.3  # strength of a single operation at severity 1: AugMix's default level of 3 out of 10

Step = Callable[[Layers, Tensor, Tensor], tuple[Tensor, Tensor]]
"""Layers, keys ``(B,)`` and severities ``(B,)`` to image and alpha."""


def degradation_grid(layers: Layers, seed: int = 21) -> NDArray[np.uint8]:
    """One row per degradation, one column per severity, 0 to 1; a second row shows the matte where it changes.

    Args:
        layers: one picture of side S.
        seed: of the degradations.

    Returns:
        RGB picture, ``(rows * (S + caption), 5 * S, 3)`` uint8.
    """
    columns = Layers(*(layer.expand(len(_SEVERITIES), -1, -1, -1) for layer in layers))
    keys, severity = torch.full((len(_SEVERITIES),), seed), torch.tensor(_SEVERITIES)
    strips = []
    for caption, step in _steps().items():
        image, alpha = step(columns, keys, severity)
        strips.append(_strip(caption, image))
        if not torch.equal(alpha, columns.alpha):
            strips.append(_strip(f"{caption}: alpha", alpha.expand(-1, 3, -1, -1)))
    return np.concatenate(strips)


def _steps() -> dict[str, Step]:
    shake, subject = CameraBlur(probability=1, subject=0, alpha="sharp"), CameraBlur(probability=1, subject=1)
    single = {operation.__name__.replace("_", " "): partial(_operate, operation) for operation in ARTICLE_OPERATIONS}
    return {
        **single,
        "AugMix of the four": _augmix,
        "camera blur": partial(_blur, shake),
        "camera blur, the subject moves": partial(_blur, subject),
        "background out of focus": partial(_close, LayerGaps(defocus=1)),
        "light matched or mismatched": partial(_close, LayerGaps(light=1)),
        "low resolution": partial(_phone, Phone(low_resolution=1)),
        "screenshot": partial(_phone, Phone(screenshot=1)),
    }


def _operate(operation: Operation, layers: Layers, keys: Tensor, severity: Tensor) -> tuple[Tensor, Tensor]:
    image = compose(*layers)
    changed = operation(image, _FULL_LEVEL * severity, keys)
    return torch.where((severity > 0)[:, None, None, None], changed, image), layers.alpha


def _augmix(layers: Layers, keys: Tensor, severity: Tensor) -> tuple[Tensor, Tensor]:
    return AugMix()(compose(*layers), keys, severity), layers.alpha


def _blur(blur: CameraBlur, layers: Layers, keys: Tensor, severity: Tensor) -> tuple[Tensor, Tensor]:
    picture = Picture(compose(*layers), layers.alpha, layers.foreground, layers.background)
    moved: tuple[Tensor, Tensor] = blur(picture, keys, keys, severity)
    return moved


def _close(gaps: LayerGaps, layers: Layers, keys: Tensor, severity: Tensor) -> tuple[Tensor, Tensor]:
    foreground, background = gaps(*layers, keys, severity)
    return compose(foreground, background, layers.alpha), layers.alpha


def _phone(phone: Phone, layers: Layers, keys: Tensor, severity: Tensor) -> tuple[Tensor, Tensor]:
    shown: tuple[Tensor, Tensor] = phone(compose(*layers), layers.alpha, keys, keys, severity)
    return shown


def _strip(caption: str, images: Tensor) -> NDArray[np.uint8]:
    """The pictures of a row side by side under their caption."""
    row = (torch.cat(list(images), dim=2) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    label = Image.new("RGB", (row.shape[1], _LABEL), "white")
    ImageDraw.Draw(label).text((4, 1), caption, fill="black", font=ImageFont.load_default(13))
    return np.concatenate([np.asarray(label), row])


def read_layers(picture: Path, size: int) -> Layers:
    """Read a cut-out (with its alpha, before the drawn street) or a photograph (as both layers), centre-cropped."""
    pixels = read_rgba(picture)
    rgba = torch.from_numpy(pixels).permute(2, 0, 1).float().div(255)
    side = min(rgba.shape[1:])
    top, left = (rgba.shape[1] - side) // 2, (rgba.shape[2] - side) // 2
    square = rgba[None, :, top : top + side, left : left + side]
    square = F.interpolate(square, size=(size, size), mode="bicubic", antialias=True).clamp(0, 1)
    colours, alpha = square[:, :3], square[:, 3:]
    opaque = bool((pixels[..., 3] == 255).all())
    return Layers(colours, colours if opaque else draw_portrait(size).background, alpha)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m matting.augment.grid", description=main.__doc__)
    parser.add_argument("picture", type=Path, nargs="?", help="photograph or RGBA cut-out; by default one is drawn")
    parser.add_argument("-o", "--output", type=Path, required=True, help="JPEG or PNG file to write")
    parser.add_argument("--size", type=int, default=160, help="side of each cell, pixels")
    parser.add_argument("--seed", type=int, default=21, help="seed of the degradations")
    options = parser.parse_args(arguments)
    try:
        layers = read_layers(options.picture, options.size) if options.picture else draw_portrait(options.size)
        encoded = io.BytesIO()
        Image.fromarray(degradation_grid(layers, options.seed)).save(
            encoded, format={".png": "PNG"}.get(options.output.suffix.lower(), "JPEG"), quality=90
        )
        write_atomic(options.output, encoded.getvalue())
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
