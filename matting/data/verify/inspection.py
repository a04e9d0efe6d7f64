"""Inspect the decoded files of one item."""

from typing import NamedTuple

import cv2
import numpy as np

from matting.data.formats import Item, Source
from matting.errors import MattingError
from matting.images import Pixels, read_rgb
from matting.mattes import HARD, matte_doubts, trimap_doubts
from matting.shards import damage

_HASHED_SIDE, _HASH_SIDE = 32, 8


class Inspection(NamedTuple):
    """Findings about one item.

    Attributes:
        name: Name of the item.
        problems: What makes the item unusable.
        doubts: What is unusual but may be intended.
        size: Height and width of the matte in pixels, or None where it cannot be read.
        soft: Share of pixels that are neither 0 nor 255.
        fingerprint: Perceptual hash of the image, 64 bits, or None where it cannot be read.
    """

    name: str
    problems: list[str]
    doubts: list[str]
    size: tuple[int, int] | None = None
    soft: float = 0.0
    fingerprint: int | None = None


def inspect_item(source: Source, index: int) -> Inspection:
    """Decode and check all files of an item.

    Args:
        source: The item's source.
        index: Position of the item.

    Returns:
        The findings; unreadable files are among the problems.
    """
    item = source.items[index]
    problems: list[str] = []
    fingerprint = None
    try:
        alpha = source.alpha_reader(item.alpha)
        problems += [problem for problem in [damage(item.alpha)] if problem]
    except (MattingError, OSError) as error:
        # Without the matte there is no size to compare the images with.
        return Inspection(item.name, [str(error)], [])
    for path in (item.photo, item.foreground, item.background):
        try:
            if path is None:
                continue
            if problem := damage(path):
                problems.append(problem)
            image = read_rgb(path)
            fingerprint = perceptual_hash(_visible(item, image, alpha)) if fingerprint is None else fingerprint
            if image.shape[:2] != alpha.shape:
                found, wanted = image.shape, alpha.shape
                problems.append(f"{path} is {found[1]}x{found[0]}, its matte {item.alpha} {wanted[1]}x{wanted[0]}")
        except (MattingError, OSError) as error:
            problems.append(str(error))
    doubts = matte_doubts(alpha)
    try:
        if item.trimap and (problem := damage(item.trimap)):
            problems.append(problem)
        trimap = source.trimap(item, alpha)
        doubts += [] if trimap is None else trimap_doubts(alpha, trimap)
    except (MattingError, OSError) as error:
        problems.append(str(error))
    soft = float(((alpha > 0) & (alpha < 255)).mean())
    height, width = alpha.shape
    if HARD in doubts and _ignores_edges(source, item, alpha):
        doubts.remove(HARD)
    doubts = [f"{item.alpha}: {text}" for text in doubts]
    return Inspection(item.name, problems, doubts, (height, width), soft, fingerprint)


def perceptual_hash(image: Pixels) -> int:
    """Hash the appearance of an image: scaling, recompression or slight retouching change a few bits at most.

    The bits say which of the lowest frequencies of the gray image's cosine transform exceed their median (Zauner,
    "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010).

    Args:
        image: ``(H, W, 3)`` uint8.

    Returns:
        64 bits as a non-negative integer.
    """
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(gray, (_HASHED_SIDE, _HASHED_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:_HASH_SIDE, :_HASH_SIDE].ravel()
    # The median leaves out the first coefficient, the mean brightness, which exceeds all others.
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes())


def _ignores_edges(source: Source, item: Item, alpha: Pixels) -> bool:
    """Return whether losses ignore the edges of a hard mask, so that nothing wrong is learned about hair."""
    if source.ignored is None:
        return False
    edges = cv2.morphologyEx(alpha, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    return not (edges & ~source.ignored(item, alpha)).any()


def _visible(item: Item, image: Pixels, alpha: Pixels) -> Pixels:
    """Return a photo as it is and a foreground on gray, since its colours are arbitrary where alpha is 0."""
    # Images of another size cannot be placed on gray; they are a problem anyway.
    if item.photo is not None or image.shape[:2] != alpha.shape:
        return image
    share = alpha[..., None].astype(np.float32) / 255
    return np.asarray(share * image + (1 - share) * 128, np.uint8)
