"""The gallery as one image, for a folder, a log or a dashboard."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from matting.evaluation.report.gallery import COLUMNS, TILE, RenderedEntry

_GAP = 8
_MARGIN = 24
_LINE = 28
_WIDTH = 2 * _MARGIN + len(COLUMNS) * TILE[0] + (len(COLUMNS) - 1) * _GAP
_INK = (32, 36, 44)
_PALE = (110, 116, 128)
_FRAME = (214, 218, 224)


def panel_sheet(entries: Sequence[RenderedEntry], title: str) -> NDArray[np.uint8]:
    """Render one captioned row per image: photo, true alpha, predicted alpha, signed error, cutout on a colour.

    Args:
        entries: The rows.
        title: Heading; it should name the corpus.

    Returns:
        ``(H, W, 3)`` uint8 RGB.
    """
    strips = [_header(title)]
    for entry in entries:
        strips += [_caption(entry.title, entry.scores), _row(entry.tiles)]
    return np.concatenate([*strips, _blank(_MARGIN)])


def _blank(height: int) -> NDArray[np.uint8]:
    return np.full((height, _WIDTH, 3), 255, np.uint8)


def _row(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    height, width = tiles[0].shape[:2]
    strip = _blank(height + _GAP)
    for column, tile in enumerate(tiles):
        left = _column(column) + (TILE[0] - width) // 2
        strip[:height, left : left + width] = tile
        cv2.rectangle(
            strip, (left, 0), (left + width - 1, height - 1), _FRAME
        )  # without a frame an error map would vanish on the white sheet
    return strip


def _column(index: int) -> int:
    return _MARGIN + index * (TILE[0] + _GAP)


def _header(title: str) -> NDArray[np.uint8]:
    strip = Image.fromarray(_blank(_MARGIN + 2 * _LINE + _GAP))
    draw = ImageDraw.Draw(strip)
    # Pillow's own font, since a machine may have no other.
    draw.text((_MARGIN, _MARGIN - 6), title, fill=_INK, font=ImageFont.load_default(20))
    for index, name in enumerate(COLUMNS):
        centre = (_column(index) + TILE[0] // 2, _MARGIN + 2 * _LINE - 6)
        draw.text(centre, name, fill=_PALE, font=ImageFont.load_default(15), anchor="mm")
    return np.asarray(strip)


def _caption(title: str, scores: str) -> NDArray[np.uint8]:
    strip = Image.fromarray(_blank(_LINE + _GAP))
    draw = ImageDraw.Draw(strip)
    middle = (_LINE + _GAP) // 2
    draw.text((_MARGIN, middle), title, fill=_INK, font=ImageFont.load_default(15), anchor="lm")
    draw.text((_WIDTH - _MARGIN, middle), scores, fill=_PALE, font=ImageFont.load_default(15), anchor="rm")
    return np.asarray(strip)
