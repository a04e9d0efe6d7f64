"""Images of a test: what the method saw, what it should have said, what it said, and where it was wrong."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.data.test_sets.examples import Example, Pair
from matting.evaluation.prediction import Method, predict
from matting.evaluation.scoring import Evaluation
from matting.inference import place_on, resize

COLUMNS = ("photo", "true alpha", "predicted alpha", "error: red too opaque, blue too clear", "cutout")
TILE = (300, 360)
"""Width and height, in pixels, of the box each image of a row is fitted into."""
GROUND = (64, 160, 112)
CLOSE_UP = 150
"""Side, in pixels of the photo, of the window that is shown at 200 %."""
_TOO_OPAQUE = (200, 30, 45)
_TOO_CLEAR = (35, 80, 190)


class Exhibit(NamedTuple):
    """An image worth showing, and why."""

    pair: Pair
    reason: str


class Plate(NamedTuple):
    """An exhibit, drawn.

    Attributes:
        title: Why it is shown and what it is.
        figures: Its scores.
        tiles: RGB images of equal size in the order of `COLUMNS`, scaled into `TILE`.
        close_up: The same five at 200 % where the unknown region is wrong most.
        others: The mattes of the other methods, by name, at the size of the tiles.
    """

    title: str
    figures: str
    tiles: list[NDArray[np.uint8]]
    close_up: list[NDArray[np.uint8]]
    others: dict[str, NDArray[np.uint8]]


def select_exhibits(evaluation: Evaluation, method: str, limit: int = 7) -> list[Exhibit]:
    """Choose images by whole-image MAD: the worst, the median and the best, then the worst of each label.

    Args:
        evaluation: The scores.
        method: Whose errors decide.
        limit: Most images wanted.

    Returns:
        At most `limit` different images.
    """
    rows = [row for row in evaluation.rows if row.method == method and row.region == "whole"]
    ranked = [row.pair for row in sorted(rows, key=lambda row: row.scores["mad"], reverse=True)]
    if not ranked:
        return []
    chosen = [Exhibit(ranked[0], f"worst of {len(ranked)}"), Exhibit(ranked[len(ranked) // 2], "median")]
    chosen.append(Exhibit(ranked[-1], "best"))
    for group in evaluation.groups:
        members = (pair for pair in ranked if group in pair.groups[1:])
        chosen += [Exhibit(pair, f"worst of {group}") for pair in members][:1]
    different = {exhibit.pair: exhibit for exhibit in reversed(chosen)}
    return [exhibit for exhibit in chosen if different[exhibit.pair] is exhibit][:limit]


def draw_plates(evaluation: Evaluation, methods: Mapping[str, Method]) -> Iterator[Plate]:
    """Load, predict and draw the exhibits of the method under test, one at a time.

    Args:
        evaluation: Gives the choice and the figures.
        methods: The evaluated methods, the one under test first; the mattes `evaluate` saw were not kept.

    Yields:
        Plates in the order of `select_exhibits`.
    """
    first, *others = evaluation.methods
    scores = {(row.pair, row.region): row.scores for row in evaluation.rows if row.method == first}
    for pair, reason in select_exhibits(evaluation, first):
        example = pair.load()
        alpha = predict(methods[first], example).alpha
        whole, unknown = scores[pair, "whole"], scores[pair, "unknown"]
        figures = f"MAD {whole['mad']:.4f} · SAD {whole['sad']:.2f} · SAD in the unknown region {unknown['sad']:.2f}"
        tiles = draw_tiles(example, alpha)
        shape = (tiles[0].shape[0], tiles[0].shape[1])
        mattes = {name: _gray(resize(_levels(predict(methods[name], example).alpha), shape)) for name in others}
        yield Plate(f"{reason}: {pair.name}", figures, tiles, draw_close_up(example, alpha), mattes)


def draw_tiles(example: Example, alpha: NDArray[np.float32]) -> list[NDArray[np.uint8]]:
    """Draw the five images of a row at the size of the photo scaled into one tile.

    Args:
        example: The test image.
        alpha: ``(H, W)`` float32 in [0, 1]: what was predicted.

    Returns:
        ``(h, w, 3)`` uint8 RGB tiles of equal size in the order of `COLUMNS`.
    """
    height, width = example.alpha.shape
    scale = min(TILE[0] / width, TILE[1] / height)
    shape = (max(1, round(height * scale)), max(1, round(width * scale)))
    error = resize(signed_error(alpha, example.alpha), shape)  # drawn before it shrinks: opposite errors would cancel
    image, target, preds = (resize(layer, shape) for layer in (example.image, example.alpha, _levels(alpha)))
    return [image, _gray(target), _gray(preds), error, _on_ground(image, preds)]


def draw_close_up(example: Example, alpha: NDArray[np.float32]) -> list[NDArray[np.uint8]]:
    """Draw, at 200 %, the window of side `CLOSE_UP` whose unknown region holds the largest error.

    Args:
        example: The test image.
        alpha: ``(H, W)`` float32 in [0, 1]: what was predicted.

    Returns:
        ``(2 h, 2 w, 3)`` uint8 RGB crops in the order of `COLUMNS`.
    """
    window = _worst_window(example, alpha)
    image, target, preds = example.image[window], example.alpha[window], _levels(alpha[window])
    error = signed_error(alpha[window], target)
    shape = (2 * target.shape[0], 2 * target.shape[1])
    images = (image, _gray(target), _gray(preds), error, _on_ground(image, preds))
    return [resize(picture, shape) for picture in images]


def signed_error(alpha: NDArray[np.float32], target: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Draw ``alpha - target`` on white: red where the matte is too opaque, blue where it is too transparent.

    Args:
        alpha: ``(H, W)`` float32 in [0, 1].
        target: ``(H, W)`` uint8.

    Returns:
        ``(H, W, 3)`` uint8 RGB; the square root of the error sets the depth, so that small errors stay visible.
    """
    colours: NDArray[np.uint8] = _ERROR_COLOURS[_levels(alpha).astype(np.int16) - target + 255]
    return colours


def _worst_window(example: Example, alpha: NDArray[np.float32]) -> tuple[slice, slice]:
    height, width = (min(CLOSE_UP, side) for side in example.alpha.shape)
    unknown = (example.trimap > 0) & (example.trimap < 255)
    error = np.abs(alpha - example.alpha / np.float32(255)) * unknown
    # Anchored at its corner, and cut to full windows, the box sum at a pixel is that of the window which starts there.
    sums = cv2.boxFilter(error, -1, (width, height), anchor=(0, 0), normalize=False, borderType=cv2.BORDER_CONSTANT)
    sums = sums[: error.shape[0] - height + 1, : error.shape[1] - width + 1]
    top, left = map(int, np.unravel_index(int(sums.argmax()), sums.shape))
    return slice(top, top + height), slice(left, left + width)


def _error_colours() -> NDArray[np.uint8]:
    """The colour of each difference of 8-bit levels from -255 to 255."""
    error = np.arange(-255, 256)[:, None] / 255
    colour = np.where(error > 0, _TOO_OPAQUE, _TOO_CLEAR)
    return np.asarray(np.rint(255 + np.sqrt(np.abs(error)) * (colour - 255)), np.uint8)


_ERROR_COLOURS = _error_colours()


def _levels(alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(cv2.convertScaleAbs(alpha, alpha=255), np.uint8)


def _gray(level: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(level, cv2.COLOR_GRAY2RGB), np.uint8)


def _on_ground(image: NDArray[np.uint8], level: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return place_on(image, level.astype(np.float32) / np.float32(255), GROUND)
