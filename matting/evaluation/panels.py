"""Pictures of a test: what the method saw, what it should have said, what it said, and where it was wrong."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from matting.evaluation.evaluate import Evaluation
from matting.evaluation.examples import Example, Method, Pair
from matting.inference import place_on, resize

COLUMNS = ("photo", "true alpha", "predicted alpha", "error: red too opaque, blue too clear", "cut-out")
GROUND = (64, 160, 112)
_TILE = (300, 360)
_GAP = 8
_MARGIN = 24
_LINE = 28
_INK = (32, 36, 44)
_PALE = (110, 116, 128)
_FRAME = (214, 218, 224)
_TOO_OPAQUE = (200, 30, 45)
_TOO_CLEAR = (35, 80, 190)


class Exhibit(NamedTuple):
    """A picture worth showing, and why."""

    pair: Pair
    reason: str


def select_exhibits(evaluation: Evaluation, method: str, limit: int = 7) -> list[Exhibit]:
    """Choose pictures by whole-image MAD: the worst, the median and the best, then the worst of each label.

    Args:
        evaluation: The scores.
        method: Whose errors decide.
        limit: Most pictures wanted.

    Returns:
        At most `limit` different pictures.
    """
    rows = [row for row in evaluation.rows if row.method == method and row.region == "whole"]
    ranked = sorted(rows, key=lambda row: row.scores["mad"], reverse=True)
    if not ranked:
        return []
    chosen = [
        (ranked[0].pair, f"worst of {len(ranked)}"),
        (ranked[len(ranked) // 2].pair, "median"),
        (ranked[-1].pair, "best"),
    ]
    for group in evaluation.groups:
        members = [row.pair for row in ranked if group in row.pair.groups[1:]]
        chosen += [(pair, f"worst of {group}") for pair in members[:1]]
    different: dict[Pair, str] = {}
    for pair, reason in chosen:
        different.setdefault(pair, reason)
    return [Exhibit(pair, reason) for pair, reason in different.items()][:limit]


def panel_sheet(
    evaluation: Evaluation, method: str, predict: Method, exhibits: Iterable[Exhibit], title: str
) -> NDArray[np.uint8]:
    """Draw one row per picture: photo, true alpha, predicted alpha, signed error, cut-out on a colour.

    Args:
        evaluation: Gives the figures of the captions.
        method: Whose figures.
        predict: The method itself; the few pictures shown are loaded and predicted again.
        exhibits: The rows.
        title: Heading; say here which corpus it is.

    Returns:
        ``(H, W, 3)`` uint8 RGB.
    """
    scores = {(row.pair, row.region): row.scores for row in evaluation.rows if row.method == method}
    strips = [_header(title)]
    for pair, reason in exhibits:
        example = pair.load()
        whole, unknown = scores[pair, "whole"], scores[pair, "unknown"]
        figures = f"MAD {whole['mad']:.4f}   SAD {whole['sad']:.2f}   SAD in the unknown region {unknown['sad']:.2f}"
        strips += [_caption(f"{reason}: {pair.name}", figures), _row(draw_tiles(example, predict(example)))]
    return np.concatenate([*strips, _blank(_MARGIN)])


def draw_tiles(example: Example, alpha: NDArray[np.float32]) -> list[NDArray[np.uint8]]:
    """Draw the five pictures of a row, at the size of the photo scaled into one tile.

    Args:
        example: The test picture.
        alpha: ``(H, W)`` float32 in [0, 1]: what was predicted.

    Returns:
        RGB tiles of equal size in the order of `COLUMNS`.
    """
    height, width = example.alpha.shape
    scale = min(_TILE[0] / width, _TILE[1] / height)
    shape = (max(1, round(height * scale)), max(1, round(width * scale)))
    cut = place_on(example.image, alpha, GROUND)
    pictures = (example.image, _gray(example.alpha / 255), _gray(alpha), signed_error(alpha, example.alpha), cut)
    return [resize(picture, shape) for picture in pictures]


def signed_error(alpha: NDArray[np.float32], target: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Draw ``alpha - target`` on white: red where the matte is too opaque, blue where it is too transparent.

    Args:
        alpha: ``(H, W)`` float32 in [0, 1].
        target: ``(H, W)`` uint8.

    Returns:
        ``(H, W, 3)`` uint8 RGB; the square root of the error sets the depth, so that small errors stay visible.
    """
    error = alpha - target.astype(np.float32) / 255
    depth = np.sqrt(np.abs(error))[..., None]
    colour = np.where(error[..., None] > 0, np.array(_TOO_OPAQUE, np.float32), np.array(_TOO_CLEAR, np.float32))
    return np.asarray(np.rint(255 + depth * (colour - 255)), np.uint8)


def _gray(alpha: NDArray[np.floating]) -> NDArray[np.uint8]:
    level = np.rint(np.clip(alpha, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(level, cv2.COLOR_GRAY2RGB), np.uint8)


def _width() -> int:
    return 2 * _MARGIN + len(COLUMNS) * _TILE[0] + (len(COLUMNS) - 1) * _GAP


def _blank(height: int) -> NDArray[np.uint8]:
    return np.full((height, _width(), 3), 255, np.uint8)


def _row(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    height, width = tiles[0].shape[:2]
    strip = _blank(height + _GAP)
    for column, tile in enumerate(tiles):
        left = _column(column) + (_TILE[0] - width) // 2
        strip[:height, left : left + width] = tile
        cv2.rectangle(strip, (left, 0), (left + width - 1, height - 1), _FRAME)  # an error map is white to its edge
    return strip


def _column(index: int) -> int:
    return _MARGIN + index * (_TILE[0] + _GAP)


def _header(title: str) -> NDArray[np.uint8]:
    strip = Image.fromarray(_blank(_MARGIN + 2 * _LINE + _GAP))
    draw = ImageDraw.Draw(strip)
    draw.text((_MARGIN, _MARGIN - 6), title, fill=_INK, font=ImageFont.load_default(20))
    for index, name in enumerate(COLUMNS):
        centre = (_column(index) + _TILE[0] // 2, _MARGIN + 2 * _LINE - 6)
        draw.text(centre, name, fill=_PALE, font=ImageFont.load_default(15), anchor="mm")
    return np.asarray(strip)


def _caption(title: str, figures: str) -> NDArray[np.uint8]:
    strip = Image.fromarray(_blank(_LINE + _GAP))
    draw = ImageDraw.Draw(strip)
    middle = (_LINE + _GAP) // 2
    draw.text((_MARGIN, middle), title, fill=_INK, font=ImageFont.load_default(15), anchor="lm")
    draw.text((_width() - _MARGIN, middle), figures, fill=_PALE, font=ImageFont.load_default(15), anchor="rm")
    return np.asarray(strip)
