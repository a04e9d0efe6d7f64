"""Adobe Composition-1K: studio foregrounds with hand-made mattes, composited on line.

Layout of the archive (Xu et al., "Deep Image Matting", CVPR 2017)::

    Combined_Dataset/Training_set/{Adobe-licensed images,Other}/{fg,alpha}/   431 foregrounds
                     Training_set/training_{fg,bg}_names.txt                  431 and 43,100 lines
                     Test_set/Adobe-licensed images/{fg,alpha,trimaps}/       50 foregrounds, 1,000 trimaps
                     Test_set/test_{fg,bg}_names.txt                          50 and 1,000 lines
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from matting.data.sources.base import Item, Source, read_names, require_folder

FOLDERS = {"train": ("Training_set", "training"), "test": ("Test_set", "test")}
TEST_BACKGROUNDS = 20


def composition1k(root: Path) -> Source:
    """Read the training foregrounds.

    Args:
        root: The folder ``Combined_Dataset``.

    Returns:
        A source named ``composition1k`` of layered items, in the order of the official name list.

    Raises:
        FileNotFoundError: If a folder, the name list or a file named by it is missing.
    """
    _, pairs = _pairs(root, "train")
    items = [Item(fg.stem, alpha, foreground=fg, identity=f"composition1k/{fg.stem}") for fg, alpha in pairs]
    return Source("composition1k", items)


def _pairs(root: Path, split: str) -> tuple[Path, list[tuple[Path, Path]]]:
    """A split's folder, and the foreground and alpha files in the order of its name list."""
    folder, prefix = FOLDERS[split]
    base = require_folder(require_folder(root, "Composition-1K (Combined_Dataset)") / folder, f"the {split} set")
    return base, [_find(base, name) for name in read_names(base / f"{prefix}_fg_names.txt")]


def _find(base: Path, name: str) -> tuple[Path, Path]:
    for folder in ("Adobe-licensed images", "Other"):
        foreground, alpha = base / folder / "fg" / name, base / folder / "alpha" / name
        if foreground.is_file() and alpha.is_file():
            return foreground, alpha
    raise FileNotFoundError(f"{base}: '{name}' of the name list has no fg/alpha pair; unpack the archive again")


class TestComposite(NamedTuple):
    """The files of one of the official test pictures; the trimap may be missing."""

    name: str
    foreground: Path
    alpha: Path
    background: Path
    trimap: Path | None


def composites(root: Path, backgrounds: Path) -> Iterator[TestComposite]:
    """Enumerate the test composites by the official rule.

    Foreground ``k`` stands before backgrounds ``20 k … 20 k + 19`` of the background list; the picture is called
    ``<foreground stem>_<i>.png``.

    Args:
        root: The folder ``Combined_Dataset``.
        backgrounds: The folder of PASCAL VOC pictures (``VOC2012/JPEGImages``).

    Yields:
        Composites in the official order, not yet decoded.

    Raises:
        ValueError: If the background list is shorter than the rule needs.
    """
    base, pairs = _pairs(root, "test")
    names = read_names(base / "test_bg_names.txt")
    each = TEST_BACKGROUNDS
    if len(names) < each * len(pairs):
        raise ValueError(
            f"{base / 'test_bg_names.txt'}: expected {each} names for each of {len(pairs)} foregrounds, "
            f"found {len(names)}; restore the list from the archive"
        )
    for k, (foreground, alpha) in enumerate(pairs):
        for i in range(each):
            name = f"{foreground.stem}_{i}"
            trimap = alpha.parent.parent / "trimaps" / f"{name}.png"
            background = backgrounds / names[k * each + i]
            yield TestComposite(name, foreground, alpha, background, trimap if trimap.is_file() else None)


def compose_official(
    foreground: NDArray[np.uint8], alpha: NDArray[np.uint8], background: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Compose a test picture as the data set's ``Composition_code.py`` defines it.

    A background smaller than the foreground is enlarged by the larger ratio of sides, rounded up, with bicubic
    interpolation; then its top left corner is taken, and values are truncated to integers.

    Args:
        foreground: ``(H, W, 3)`` uint8.
        alpha: ``(H, W)`` uint8.
        background: ``(h, w, 3)`` uint8 of any size.

    Returns:
        ``(H, W, 3)`` uint8.
    """
    height, width = alpha.shape
    ratio = max(width / background.shape[1], height / background.shape[0])
    if ratio > 1:
        size = (math.ceil(background.shape[1] * ratio), math.ceil(background.shape[0] * ratio))
        enlarged = Image.fromarray(background).resize(size, Image.Resampling.BICUBIC)
        background = np.asarray(enlarged, dtype=np.uint8)
    share = alpha[..., None].astype(np.float32) / 255
    blend = share * foreground + (1 - share) * background[:height, :width]
    return np.asarray(blend, dtype=np.uint8)
