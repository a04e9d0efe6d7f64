"""What a matte is for: the subject on transparency, or on another ground."""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matting.foreground import estimate_foreground
from matting.inference.clock import Clock
from matting.inference.detail import refine
from matting.inference.predictor import Predictor
from matting.inference.resizing import resize

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255 each."""

SUBJECT = 0.001
"""Share of an image that is more foreground than not from which on somebody is there: 10 x 15 px of 384 x 384."""

_ROWS = 64


@dataclass(frozen=True)
class Style:
    """What is made of a photo and its matte.

    Attributes:
        kind: ``cutout`` is straight RGBA, ``matte`` the alpha alone, ``composite`` the subject before `ground`.
        ground: One colour, or an image ``(h, w, 3)`` uint8 RGB, which is scaled to cover the photo and cropped
            around its middle.
        foreground: Estimate the subject's own colours; else soft edges keep the old background in them.
        clear: Set the colours of a cutout to 0 where alpha is: the file is smaller, and nothing is hidden in it.
    """

    kind: Literal["cutout", "matte", "composite"] = "cutout"
    ground: NDArray[np.uint8] | Colour = (255, 255, 255)
    foreground: bool = True
    clear: bool = False


class Result(NamedTuple):
    """What became of a photo.

    Attributes:
        pixels: uint8 of the photo's size: ``(H, W, 4)`` straight RGBA, ``(H, W)``, or ``(H, W, 3)``, by the style.
        subject_found: Whether somebody is in it; see `has_subject`.
    """

    pixels: NDArray[np.uint8]
    subject_found: bool


def has_subject(alpha: NDArray[np.float32]) -> bool:
    """Whether a matte shows anybody: `SUBJECT` of it or more is above one half.

    Area and not the largest value, because a network that sees nobody still raises single specks; one half, because a
    network that doubts everywhere has found nobody; a share, so that the rule is the same at every size.

    Args:
        alpha: ``(H, W)`` float32 in [0, 1], at the working size or the photo's own.
    """
    return bool(np.mean(alpha > 0.5) >= SUBJECT)


def cut_out(predictor: Predictor, image: NDArray[np.uint8], style: Style, clock: Clock) -> Result:
    """Cut a photo out.

    Args:
        predictor: Gives the matte.
        image: ``(H, W, 3)`` uint8 RGB.
        style: What is wanted.
        clock: Takes the times of the steps ``network``, ``detail`` and ``foreground``.

    Returns:
        The result. Where no subject is found its matte is empty: specks are nobody's cutout.

    Raises:
        ValueError: Another shape or dtype.
    """
    with clock("network"):
        coarse = predictor.coarse_mattes([image])[0]
    return from_coarse(image, coarse, style, clock)


def from_coarse(image: NDArray[np.uint8], coarse: NDArray[np.float32], style: Style, clock: Clock) -> Result:
    """Cut a photo out whose matte is known at the working size; otherwise as `cut_out`."""
    if not has_subject(coarse):
        # Without a subject there are no colours to clean, and none to hide behind a matte of zeros.
        empty = np.zeros(image.shape[:2], np.float32)
        return Result(finish(image, empty, replace(style, foreground=False, clear=True)), subject_found=False)
    with clock("detail"):
        alpha = refine(image, coarse)
    with clock("foreground"):
        return Result(finish(image, alpha, style), subject_found=True)


def finish(image: NDArray[np.uint8], alpha: NDArray[np.float32], style: Style) -> NDArray[np.uint8]:
    """Make of a photo and its matte what the style says; the pixels of a `Result`."""
    if style.kind == "matte":
        return to_bytes(alpha)
    colours = estimate_foreground(image, alpha) if style.foreground else image
    if style.kind == "cutout":
        return cutout(colours, alpha, clear=style.clear)
    ground = style.ground if isinstance(style.ground, tuple) else cover(style.ground, (image.shape[0], image.shape[1]))
    return place_on(colours, alpha, ground)


def to_bytes(alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Round a matte in [0, 1] to 8 bits."""
    scaled = alpha * np.float32(255)
    return np.asarray(np.rint(scaled, out=scaled).clip(0, 255, out=scaled).astype(np.uint8))


def cutout(image: NDArray[np.uint8], alpha: NDArray[np.float32], *, clear: bool = False) -> NDArray[np.uint8]:
    """Put the matte behind the colours.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        alpha: ``(H, W)`` float in [0, 1].
        clear: Set the colours to 0 where the stored alpha is 0.

    Returns:
        ``(H, W, 4)`` uint8, straight (not premultiplied) RGBA.

    Raises:
        ValueError: The shapes do not belong together.
    """
    _check_same_size(image, alpha)
    rgba = np.dstack([image, to_bytes(alpha)])
    if clear:
        rgba[rgba[..., 3] == 0] = 0
    return rgba


def place_on(
    image: NDArray[np.uint8], alpha: NDArray[np.float32], ground: NDArray[np.uint8] | Colour
) -> NDArray[np.uint8]:
    """Compose ``alpha * image + (1 - alpha) * ground`` in sRGB, as every published composite is.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        alpha: ``(H, W)`` float in [0, 1].
        ground: One RGB colour, or an image of the same size.

    Returns:
        ``(H, W, 3)`` uint8.

    Raises:
        ValueError: The shapes do not belong together.
    """
    _check_same_size(image, alpha)
    below = np.broadcast_to(np.asarray(ground), image.shape)
    result = np.empty_like(image)
    for top in range(0, image.shape[0], _ROWS):  # floats of the whole image would be four times its size
        rows = slice(top, top + _ROWS)
        weight = np.clip(alpha[rows], 0, 1)[..., None].astype(np.float32)
        under = below[rows].astype(np.float32)
        result[rows] = np.rint(under + weight * (image[rows] - under))
    return result


def cover(image: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Scale an image so that it covers a shape, and crop it around its middle.

    Args:
        image: ``(h, w, 3)`` uint8.
        shape: ``(height, width)`` wanted.

    Returns:
        ``(height, width, 3)`` uint8, in the image's own proportions.
    """
    (height, width), (h, w) = shape, image.shape[:2]
    scale = max(height / h, width / w)
    # Cropped before it is scaled: a panorama behind a portrait is not blown up whole.
    keep_h, keep_w = max(1, round(height / scale)), max(1, round(width / scale))
    top, left = (h - keep_h) // 2, (w - keep_w) // 2
    return resize(np.ascontiguousarray(image[top : top + keep_h, left : left + keep_w]), shape)


def _check_same_size(image: NDArray[np.uint8], alpha: NDArray[np.float32]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or alpha.shape != image.shape[:2]:
        raise ValueError(f"expected (H, W, 3) and (H, W) of one size, found {image.shape} and {alpha.shape}")
