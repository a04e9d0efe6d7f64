"""The page of the edge audit: one offline HTML file, operated by keys, that keeps its state and exports JSON."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.curation.audit import sample_id
from matting.curation.pair import AnnotatedPair

WINDOW = 180
"""Side of a window in pixels of the photo; it is shown twice as large."""

WINDOWS = 3
BACKGROUNDS = ("#ffffff", "#000000", "#2fa36b")
"""Colours behind the composites."""

_OVERVIEW = 360  # longest side of the whole image


class Entry(NamedTuple):
    """One pair of the sample.

    Attributes:
        name: Of the item.
        tags: Its attribute tags.
        pair: Photo and matte.
    """

    name: str
    tags: frozenset[str]
    pair: AnnotatedPair


def softest_windows(alpha: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Choose the windows with the most hair, fuzz and translucency: the largest sum of ``alpha (1 - alpha)``.

    Args:
        alpha: ``(H, W)`` uint8.

    Returns:
        Up to `WINDOWS` top-left corners ``(y, x)`` of windows that overlap by at most a half, softest first. If a matte
        has no soft pixels, those with the most outline; if it has no outline either, one window.
    """
    height, width = (min(WINDOW, side) for side in alpha.shape)
    level = alpha.astype(np.float32) / 255
    softness = level * (1 - level)
    if not softness.any():
        softness = cv2.morphologyEx(level, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) + np.float32(1e-9)
    # The anchor makes sums[y, x] that of the window whose top left corner is (y, x).
    sums = cv2.boxFilter(softness, -1, (width, height), anchor=(0, 0), normalize=False, borderType=cv2.BORDER_CONSTANT)
    sums = sums[: alpha.shape[0] - height + 1, : alpha.shape[1] - width + 1].copy()
    chosen: list[tuple[int, int]] = []
    # A further window must be worth it: 2 is the softness of eight pixels of alpha 0.5.
    while len(chosen) < WINDOWS and (not chosen or sums.max() > 2):
        y, x = map(int, np.unravel_index(int(sums.argmax()), sums.shape))
        chosen.append((y, x))
        sums[max(0, y - height // 2) : y + height // 2 + 1, max(0, x - width // 2) : x + width // 2 + 1] = 0
    return chosen


def audit_page(entries: Iterable[Entry], sample: Mapping[str, str], title: str) -> str:
    """Build the page.

    Args:
        entries: The pairs, in the order of the sample.
        sample: Stamp of each sampled pair, by name; see `sample_id`.
        title: Title of the page.

    Returns:
        HTML without any reference to another file.
    """
    template = files("matting.curation").joinpath("audit.html").read_text(encoding="utf-8")
    cards = "".join(_card(number, len(sample), entry) for number, entry in enumerate(entries, start=1))
    title_text = escape(title)
    page = template.replace("@TITLE@", title_text).replace("@AUDIT@", json.dumps(sample_id(sample)))
    return page.replace("@CARDS@", cards)


def _card(number: int, count: int, entry: Entry) -> str:
    corners = softest_windows(entry.pair.alpha)
    tags = f" · {escape(', '.join(sorted(entry.tags)))}" if entry.tags else ""
    rows = "".join(_row(entry.pair, corner) for corner in corners)
    head = f"<h2>{escape(entry.name)} <small>{number} of {count}{tags}</small></h2>"
    overview = f"<img class=overview alt='whole image' src='{_overview(entry.pair, corners)}'>"
    return (
        f"<section data-name='{escape(entry.name)}'>{head}<div class=card>{overview}<div>{rows}</div></div></section>"
    )


def _row(pair: AnnotatedPair, corner: tuple[int, int]) -> str:
    y, x = corner
    photo, alpha = pair.photo[y : y + WINDOW, x : x + WINDOW], pair.alpha[y : y + WINDOW, x : x + WINDOW]
    # One image with alpha serves all backgrounds and, through a filter of the style sheet, the matte.
    cut = _uri(".webp", np.dstack([photo[..., ::-1], alpha]), cv2.IMWRITE_WEBP_QUALITY, 90)
    size = f"width={2 * photo.shape[1]} height={2 * photo.shape[0]}"
    shown = f"<img alt=photo {size} src='{_uri('.jpg', photo[..., ::-1], cv2.IMWRITE_JPEG_QUALITY, 92)}'>"
    shown += f"<span class=alpha><img alt=alpha {size} src='{cut}'></span>"
    on = (f"<img alt='on {colour}' style='background:{colour}' {size} src='{cut}'>" for colour in BACKGROUNDS)
    return f"<div class=row>{shown}{''.join(on)}</div>"


def _overview(pair: AnnotatedPair, corners: Sequence[tuple[int, int]]) -> str:
    scale = min(1.0, _OVERVIEW / max(pair.alpha.shape))
    small = cv2.resize(pair.photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for y, x in corners:
        start, end = (round(x * scale), round(y * scale)), (round((x + WINDOW) * scale), round((y + WINDOW) * scale))
        cv2.rectangle(small, start, end, (255, 60, 60), 2)
    return _uri(".jpg", small[..., ::-1], cv2.IMWRITE_JPEG_QUALITY, 85)


def _uri(suffix: str, bgr: NDArray[np.uint8], *parameters: int) -> str:
    _, data = cv2.imencode(suffix, bgr, parameters)
    return f"data:image/{suffix[1:].replace('jpg', 'jpeg')};base64,{base64.b64encode(data.tobytes()).decode()}"
