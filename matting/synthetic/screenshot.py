"""A photo in a phone's screenshot: with a status bar and a chat or gallery around it, scaled and compressed."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.synthetic.camera import compress
from matting.synthetic.layers import Colours, Plane
from matting.synthetic.photograph import Photograph

WORDS = (
    "today",
    "hello",
    "photo",
    "wow",
    "nice",
    "see you",
    "where?",
    "ok",
    "10:42",
    "love it",
    "IMG_2041",
    "share",
    "edit",
)


def screenshot(rng: np.random.Generator, photo: Photograph) -> Photograph:
    """Show the photo on a phone's screen; everything outside the photo is background.

    Args:
        rng: Random generator.
        photo: Photo to show.

    Returns:
        An image of the same width and up to twice the height.
    """
    height, width = photo.alpha.shape
    screen = _screen(rng, int(max(height, width) * rng.uniform(1.15, 1.5)), width)
    margin = int(width * rng.choice([0.0, rng.uniform(0.02, 0.15)]))
    scale = (width - 2 * margin) / width
    shown = int(width * scale), int(height * scale)
    bar = screen.shape[0] // 12
    # The screen is at least 1.15 times as tall as the photo, so there is always room for it below the bar.
    top = bar + int((screen.shape[0] - bar - shown[1]) * rng.uniform(0, 1))

    def place(plane: Plane | Colours, base: Plane | Colours) -> Plane | Colours:
        result = base.copy()
        result[top : top + shown[1], margin : margin + shown[0]] = cv2.resize(
            plane, shown, interpolation=cv2.INTER_AREA
        )
        return result

    empty = np.zeros(screen.shape[:2], np.float32)
    image = _recompress(rng, place(photo.image, screen))
    persons = tuple(place(person, empty) for person in photo.persons)
    alpha, bare = place(photo.alpha, empty), place(photo.bare, empty)
    return replace(photo, image=image, alpha=alpha, bare=bare, persons=persons)


def _screen(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Render the phone's interface: status bar, title, messages, buttons."""
    dark = rng.random() < 0.5
    paper = rng.uniform(0, 38) if dark else rng.uniform(224, 255)
    ink = (230.0 if dark else 25.0,) * 3
    screen = np.full((height, width, 3), paper, np.uint8)  # OpenCV writes text on 8-bit images only
    unit = max(height // 36, 1)
    _write(screen, f"{rng.integers(0, 24)}:{rng.integers(10, 60)}", (unit, unit + unit // 2), unit, ink)
    cv2.rectangle(screen, (width - 4 * unit, unit // 2), (width - 2 * unit, unit + unit // 2), ink, 1)
    charge = width - 4 * unit + int(2 * unit * rng.random())
    cv2.rectangle(screen, (width - 4 * unit, unit // 2), (charge, unit + unit // 2), ink, -1)
    _write(screen, f"< {rng.choice(WORDS)}", (unit, 3 * unit), unit, ink)
    for y in range(4 * unit, height - 2 * unit, 3 * unit):
        _bubble(rng, screen, y, unit)
    for k in range(5):
        centre, thickness = (int((k + 0.5) * width / 5), height - unit), -1 if rng.random() < 0.3 else 2
        cv2.circle(screen, centre, unit // 2, ink, thickness, cv2.LINE_AA)
    return np.asarray(screen / np.float32(255), np.float32)


def _bubble(rng: np.random.Generator, screen: NDArray[np.uint8], y: int, unit: int) -> None:
    width, mine = screen.shape[1], rng.random() < 0.5
    length = int(width * rng.uniform(0.2, 0.6))
    left = width - length - unit if mine else unit
    colour = rng.uniform(50, 240, 3) if mine else np.full(3, 150.0)
    cv2.rectangle(screen, (left, y), (left + length, y + 2 * unit), colour.tolist(), -1, cv2.LINE_AA)
    words = " ".join(rng.choice(WORDS, 2))
    _write(screen, words, (left + unit // 2, y + int(1.4 * unit)), unit, (12.0, 12.0, 12.0))


def _write(
    screen: NDArray[np.uint8], text: str, place: tuple[int, int], size: int, ink: tuple[float, float, float]
) -> None:
    cv2.putText(screen, text, place, cv2.FONT_HERSHEY_SIMPLEX, size / 24, ink, max(size // 14, 1), cv2.LINE_AA)


def _recompress(rng: np.random.Generator, image: Colours) -> Colours:
    """Scale down, compress as JPEG and scale up again, as messengers do."""
    factor = rng.uniform(0.5, 0.9)
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    stored = compress(small, int(rng.integers(45, 85)))
    return np.asarray(np.clip(cv2.resize(stored, image.shape[1::-1], interpolation=cv2.INTER_CUBIC), 0, 1), np.float32)
