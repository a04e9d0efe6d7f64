"""The gallery of a report: photo, true alpha, predicted alpha, error and cutout of selected test images."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.data.test_sets.examples import Example, Pair
from matting.evaluation.prediction import Method, predict
from matting.evaluation.scoring import Evaluation
from matting.inference import place_on, resize

COLUMNS = ("photo", "true alpha", "predicted alpha", "error: red too opaque, blue too transparent", "cutout")
TILE = (300, 360)
"""Width and height, in pixels, of the box into which each image of a row is fitted."""
BACKGROUND = (64, 160, 112)
"""RGB of the background of the cutouts."""
CLOSE_UP = 150
"""Side, in pixels of the photo, of the close-up, which is shown at 200 %."""
_TOO_OPAQUE = (200, 30, 45)
_TOO_TRANSPARENT = (35, 80, 190)


class GalleryEntry(NamedTuple):
    """A selected image and the reason for its selection."""

    pair: Pair
    reason: str


class RenderedEntry(NamedTuple):
    """A gallery entry with its rendered images.

    Attributes:
        title: Reason and name.
        scores: Its scores, as text.
        tiles: ``(h, w, 3)`` uint8 RGB images of equal size in the order of `COLUMNS`, fitted into `TILE`.
        close_up: The same five at 200 %, where the error in the unknown region is largest.
        others: Mattes of the other methods by name, at the size of the tiles.
    """

    title: str
    scores: str
    tiles: list[NDArray[np.uint8]]
    close_up: list[NDArray[np.uint8]]
    others: dict[str, NDArray[np.uint8]]


def select_entries(evaluation: Evaluation, method: str, limit: int = 7) -> list[GalleryEntry]:
    """Select images by whole-image MAD: the worst, the median and the best, then the worst of each label.

    Args:
        evaluation: The scores.
        method: Name of the method whose errors are ranked.
        limit: Largest number of images.

    Returns:
        At most `limit` different images.
    """
    rows = [row for row in evaluation.rows if row.method == method and row.region == "whole"]
    ranked = [row.pair for row in sorted(rows, key=lambda row: row.scores["mad"], reverse=True)]
    if not ranked:
        return []
    chosen = [GalleryEntry(ranked[0], f"worst of {len(ranked)}"), GalleryEntry(ranked[len(ranked) // 2], "median")]
    chosen.append(GalleryEntry(ranked[-1], "best"))
    for group in evaluation.groups:
        # The first group is the set itself; only labels get an entry of their own.
        members = (pair for pair in ranked if group in pair.groups[1:])
        chosen += [GalleryEntry(pair, f"worst of {group}") for pair in members][:1]
    # Reversed, so that an image chosen several times keeps its first reason.
    different = {entry.pair: entry for entry in reversed(chosen)}
    return [entry for entry in chosen if different[entry.pair] is entry][:limit]


def render_entries(evaluation: Evaluation, methods: Mapping[str, Method]) -> Iterator[RenderedEntry]:
    """Load, predict and render the entries of the method under test, one at a time.

    Args:
        evaluation: The scores.
        methods: The evaluated methods, the one under test first. They predict again, since `evaluate` keeps no mattes.

    Yields:
        Rendered entries in the order of `select_entries`.
    """
    first, *others = evaluation.methods
    scored = {name: evaluation.scored(name) for name in others}
    scores = {(row.pair, row.region): row.scores for row in evaluation.rows if row.method == first}
    for pair, reason in select_entries(evaluation, first):
        example = pair.example()
        alpha = predict(methods[first], example).alpha
        whole, unknown = scores[pair, "whole"], scores.get((pair, "unknown"))
        of_unknown = f"SAD in the unknown region {unknown['sad']:.2f}" if unknown else "no unknown region"
        text = f"MAD {whole['mad']:.4f} · SAD {whole['sad']:.2f} · {of_unknown}"
        tiles = render_tiles(example, alpha)
        shape = (tiles[0].shape[0], tiles[0].shape[1])
        mattes = {
            name: _gray(resize(_levels(predict(methods[name], example).alpha), shape))
            for name in others
            if pair in scored[name]
        }
        yield RenderedEntry(f"{reason}: {pair.name}", text, tiles, render_close_up(example, alpha), mattes)


def render_tiles(example: Example, alpha: NDArray[np.float32]) -> list[NDArray[np.uint8]]:
    """Render the five images of a row at the size of the photo fitted into one tile.

    Args:
        example: The test image.
        alpha: ``(H, W)`` float32 in [0, 1], the prediction.

    Returns:
        ``(h, w, 3)`` uint8 RGB tiles of equal size in the order of `COLUMNS`.
    """
    height, width = example.alpha.shape
    scale = min(TILE[0] / width, TILE[1] / height)
    shape = (max(1, round(height * scale)), max(1, round(width * scale)))
    error = resize(
        signed_error(alpha, example.alpha), shape
    )  # coloured before it shrinks: opposite errors would cancel
    image, target, preds = (resize(layer, shape) for layer in (example.image, example.alpha, _levels(alpha)))
    return [image, _gray(target), _gray(preds), error, _on_background(image, preds)]


def render_close_up(example: Example, alpha: NDArray[np.float32]) -> list[NDArray[np.uint8]]:
    """Render at 200 % the window of side `CLOSE_UP` with the largest error in the unknown region.

    Args:
        example: The test image.
        alpha: ``(H, W)`` float32 in [0, 1], the prediction.

    Returns:
        ``(2 h, 2 w, 3)`` uint8 RGB crops in the order of `COLUMNS`.
    """
    window = _worst_window(example, alpha)
    image, target, preds = example.image[window], example.alpha[window], _levels(alpha[window])
    error = signed_error(alpha[window], target)
    shape = (2 * target.shape[0], 2 * target.shape[1])
    images = (image, _gray(target), _gray(preds), error, _on_background(image, preds))
    return [resize(image, shape) for image in images]


def signed_error(alpha: NDArray[np.float32], target: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Render ``alpha - target`` on white: red where the matte is too opaque, blue where it is too transparent.

    Args:
        alpha: ``(H, W)`` float32 in [0, 1], the prediction.
        target: ``(H, W)`` uint8, the true alpha.

    Returns:
        ``(H, W, 3)`` uint8 RGB; the saturation is the square root of the error, so that small errors stay visible.
    """
    # int16, since a difference of uint8 wraps around; 255 is added to make it an index.
    colours: NDArray[np.uint8] = _ERROR_COLOURS[_levels(alpha).astype(np.int16) - target + 255]
    return colours


def _worst_window(example: Example, alpha: NDArray[np.float32]) -> tuple[slice, slice]:
    height, width = (min(CLOSE_UP, side) for side in example.alpha.shape)
    unknown = (example.trimap > 0) & (example.trimap < 255)
    error = np.abs(alpha - example.alpha / np.float32(255)) * unknown
    # With the anchor at the corner, the box sum at a pixel is that of the window that starts there.
    sums = cv2.boxFilter(error, -1, (width, height), anchor=(0, 0), normalize=False, borderType=cv2.BORDER_CONSTANT)
    # Windows that would reach over the lower or the right edge are left out.
    sums = sums[: error.shape[0] - height + 1, : error.shape[1] - width + 1]
    top, left = map(int, np.unravel_index(int(sums.argmax()), sums.shape))
    return slice(top, top + height), slice(left, left + width)


def _error_colours() -> NDArray[np.uint8]:
    """Return the colours of all differences of 8-bit levels, from -255 to 255."""
    error = np.arange(-255, 256)[:, None] / 255
    colour = np.where(error > 0, _TOO_OPAQUE, _TOO_TRANSPARENT)
    return np.asarray(np.rint(255 + np.sqrt(np.abs(error)) * (colour - 255)), np.uint8)


_ERROR_COLOURS = _error_colours()


def _levels(alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    # Rounds and saturates in one pass; it also takes the absolute value, which changes no alpha.
    return np.asarray(cv2.convertScaleAbs(alpha, alpha=255), np.uint8)


def _gray(level: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(level, cv2.COLOR_GRAY2RGB), np.uint8)


def _on_background(image: NDArray[np.uint8], level: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return place_on(image, level.astype(np.float32) / np.float32(255), BACKGROUND)
