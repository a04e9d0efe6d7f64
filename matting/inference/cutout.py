"""From a photo and its matte to a cutout, or to the subject on another background."""

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
"""Least share of pixels above one half for which a subject counts as found: 10 x 15 px of 384 x 384."""

_ROWS = 64  # per strip that is composed in floating point


@dataclass(frozen=True)
class Style:
    """The kind of result made from a photo and its matte.

    Attributes:
        kind: ``cutout`` is straight RGBA, ``matte`` the alpha alone, ``composite`` the subject in
            front of `background`.
        background: One colour, or an image ``(h, w, 3)`` uint8 RGB, which is scaled to cover the photo and cropped
            at the centre.
        foreground: Estimate the subject's own colours; otherwise the old background shows through soft edges.
        clear: Set the colours of a cutout to 0 where alpha is 0: the file is smaller and hides no image content.
    """

    kind: Literal["cutout", "matte", "composite"] = "cutout"
    background: NDArray[np.uint8] | Colour = (255, 255, 255)
    foreground: bool = True
    clear: bool = False


class Result(NamedTuple):
    """The result for one photo.

    Attributes:
        pixels: uint8 of the photo's size: ``(H, W, 4)`` straight RGBA, ``(H, W)``, or ``(H, W, 3)``, by the style.
        subject_found: Whether a subject was found; see `has_subject`.
    """

    pixels: NDArray[np.uint8]
    subject_found: bool


def has_subject(alpha: NDArray[np.float32]) -> bool:
    """Return whether a matte shows a subject: at least the share `SUBJECT` of its pixels is above one half.

    The rule uses the area and not the maximum, because without a subject a network still predicts single specks; one
    half, because a network that is uncertain everywhere has found nobody; and a share, so that it applies at any size.

    Args:
        alpha: ``(H, W)`` float32 in [0, 1], at the working size or the photo's own.
    """
    return bool(np.mean(alpha > 0.5) >= SUBJECT)


def cut_out(
    predictor: Predictor,
    image: NDArray[np.uint8],
    style: Style,
    clock: Clock,
    opacity: NDArray[np.uint8] | None = None,
) -> Result:
    """Cut the subject out of a photo.

    Args:
        predictor: Predicts the matte.
        image: ``(H, W, 3)`` uint8 RGB.
        style: The kind of result.
        clock: Records the time of the steps ``network``, ``detail`` and ``foreground``.
        opacity: ``(H, W)`` uint8, the photo's own transparency, which the matte does not exceed; None if it is opaque.

    Returns:
        The result. If no subject is found its matte is empty: specks are not a cutout.

    Raises:
        ValueError: Another shape or dtype.
    """
    with clock("network"):
        coarse = predictor.coarse_mattes([image])[0]
    return from_coarse(image, coarse, style, clock, opacity)


def from_coarse(
    image: NDArray[np.uint8],
    coarse: NDArray[np.float32],
    style: Style,
    clock: Clock,
    opacity: NDArray[np.uint8] | None = None,
) -> Result:
    """Cut out a photo whose matte is known at the working size; see `cut_out`."""
    # Before a subject is looked for: what the photo itself hides is none.
    coarse = within_opacity(coarse, opacity)
    if not has_subject(coarse):
        # Without a subject there are no colours to estimate, and the photo must not stay hidden under a matte of zeros.
        empty = np.zeros(image.shape[:2], np.float32)
        return Result(finish(image, empty, replace(style, foreground=False, clear=True)), subject_found=False)
    with clock("detail"):
        # Limited once more: refining follows the colours, also those under transparent pixels.
        alpha = within_opacity(refine(image, coarse), opacity)
    with clock("foreground"):
        return Result(finish(image, alpha, style), subject_found=True)


def within_opacity(alpha: NDArray[np.float32], opacity: NDArray[np.uint8] | None) -> NDArray[np.float32]:
    """Limit a matte of any size to a photo's own transparency; a photo that is opaque limits nothing."""
    if opacity is None:
        return alpha
    limit = resize(opacity, (alpha.shape[0], alpha.shape[1])).astype(np.float32) / np.float32(255)
    # The minimum, not the product: where both are one half the result is one half, not a quarter.
    return np.asarray(np.minimum(alpha, limit))


def finish(image: NDArray[np.uint8], alpha: NDArray[np.float32], style: Style) -> NDArray[np.uint8]:
    """Return the pixels of a `Result`, made from a photo and its matte in the given style."""
    if style.kind == "matte":
        return to_bytes(alpha)
    colours = estimate_foreground(image, alpha) if style.foreground else image
    if style.kind == "cutout":
        return cutout(colours, alpha, clear=style.clear)
    behind = style.background
    if not isinstance(behind, tuple):
        behind = cover(behind, (image.shape[0], image.shape[1]))
    return place_on(colours, alpha, behind)


def to_bytes(alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Round a matte in [0, 1] to 8 bits."""
    scaled = alpha * np.float32(255)
    return np.asarray(np.rint(scaled, out=scaled).clip(0, 255, out=scaled).astype(np.uint8))


def cutout(image: NDArray[np.uint8], alpha: NDArray[np.float32], *, clear: bool = False) -> NDArray[np.uint8]:
    """Join colours and matte to an RGBA image.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        alpha: ``(H, W)`` float in [0, 1].
        clear: Set the colours to 0 where the stored alpha is 0.

    Returns:
        ``(H, W, 4)`` uint8, straight (not premultiplied) RGBA.

    Raises:
        ValueError: Image and matte differ in size.
    """
    _check_same_size(image, alpha)
    rgba = np.dstack([image, to_bytes(alpha)])
    if clear:
        rgba[rgba[..., 3] == 0] = 0
    return rgba


def place_on(
    image: NDArray[np.uint8], alpha: NDArray[np.float32], background: NDArray[np.uint8] | Colour
) -> NDArray[np.uint8]:
    """Compose ``alpha * image + (1 - alpha) * background`` in sRGB, as published composites are made.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        alpha: ``(H, W)`` float in [0, 1].
        background: One RGB colour, or an image of the same size.

    Returns:
        ``(H, W, 3)`` uint8.

    Raises:
        ValueError: Image and matte differ in size.
    """
    _check_same_size(image, alpha)
    below = np.broadcast_to(np.asarray(background), image.shape)
    result = np.empty_like(image)
    for top in range(0, image.shape[0], _ROWS):  # in floats the whole image would take four times its memory
        rows = slice(top, top + _ROWS)
        weight = np.clip(alpha[rows], 0, 1)[..., None].astype(np.float32)
        under = below[rows].astype(np.float32)
        result[rows] = np.rint(under + weight * (image[rows] - under))
    return result


def cover(image: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Scale an image to cover a shape, and crop it at the centre.

    Args:
        image: ``(h, w, 3)`` uint8.
        shape: ``(height, width)`` wanted.

    Returns:
        ``(height, width, 3)`` uint8, with the image's aspect ratio kept.
    """
    (height, width), (h, w) = shape, image.shape[:2]
    scale = max(height / h, width / w)
    # Cropped before it is scaled: a panorama behind a portrait is never enlarged as a whole.
    keep_h, keep_w = max(1, round(height / scale)), max(1, round(width / scale))
    top, left = (h - keep_h) // 2, (w - keep_w) // 2
    return resize(np.ascontiguousarray(image[top : top + keep_h, left : left + keep_w]), shape)


def _check_same_size(image: NDArray[np.uint8], alpha: NDArray[np.float32]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or alpha.shape != image.shape[:2]:
        raise ValueError(f"expected (H, W, 3) and (H, W) of one size, found {image.shape} and {alpha.shape}")
