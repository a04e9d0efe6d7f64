"""The official composites of Composition-1K, whose rule Distinctions-646 shares: which images, and how to make them."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from matting.errors import MattingError
from matting.images import Pixels

BACKGROUNDS = {"train": 100, "test": 20}
"""Number of backgrounds per foreground."""

_TRAIN2014_PREFIX = len("COCO_train2014_")


class Composite(NamedTuple):
    """The files of one of the official images; only test images have trimaps."""

    name: str
    foreground: Path
    alpha: Path
    background: Path
    trimap: Path | None


def enumerate_composites(
    pairs: Sequence[tuple[Path, Path]], background_names: Sequence[str], backgrounds: Path, listed_in: Path, each: int
) -> list[Composite]:
    """Enumerate composites by the official rule; nothing is decoded or stored.

    Foreground ``k`` is composited onto backgrounds ``k each + i`` of the background list, ``i = 0 … each - 1``; the
    image is called ``<foreground stem>_<i>.png``, and so is its trimap, in a folder next to that of the mattes.

    Args:
        pairs: Foreground and matte files, in the official order.
        background_names: The background list.
        backgrounds: The folder of the backgrounds: PASCAL VOC for test, COCO train2014 or train2017 for training.
        listed_in: File of the background list, named in errors.
        each: Number of backgrounds per foreground, see `BACKGROUNDS`.

    Returns:
        Composites in the official order.

    Raises:
        MattingError: If the background list is shorter than the rule needs.
        FileNotFoundError: If backgrounds are missing.
    """
    if len(background_names) < each * len(pairs):
        raise MattingError(
            f"{listed_in}: expected {each} names for each of {len(pairs)} foregrounds, "
            f"found {len(background_names)}; restore the list from the archive"
        )
    used = [_background(backgrounds, name) for name in background_names[: each * len(pairs)]]
    if missing := [path.name for path in used if not path.is_file()]:
        raise FileNotFoundError(
            f"{backgrounds}: {len(missing)} of {len(used)} backgrounds are missing, such as {missing[0]}; "
            "unpack PASCAL VOC 2012 (VOCtrainval_11-May-2012.tar) or COCO train2014 there"
        )
    return [
        _composite(foreground, alpha, used[k * each + i], i)
        for k, (foreground, alpha) in enumerate(pairs)
        for i in range(each)
    ]


def _background(folder: Path, name: str) -> Path:
    """Find a background; COCO's images lost their prefix when train2014 became train2017."""
    path = folder / name
    return path if path.is_file() or not name.startswith("COCO_train2014_") else folder / name[_TRAIN2014_PREFIX:]


def _composite(foreground: Path, alpha: Path, background: Path, number: int) -> Composite:
    name = f"{foreground.stem}_{number}"
    trimap = alpha.parent.parent / "trimaps" / f"{name}.png"
    return Composite(name, foreground, alpha, background, trimap if trimap.is_file() else None)


def compose_official(foreground: Pixels, alpha: Pixels, background: Pixels) -> Pixels:
    """Compose an image as the data set's ``Composition_code.py`` defines it.

    A background smaller than the foreground is enlarged by the larger ratio of sides, rounded up, with bicubic
    interpolation; then its top left corner is used, and values are truncated to integers.

    Args:
        foreground: ``(H, W, 3)`` uint8.
        alpha: ``(H, W)`` uint8.
        background: ``(h, w, 3)`` uint8 of any size.

    Returns:
        ``(H, W, 3)`` uint8.
    """
    height, width = alpha.shape
    # By the larger ratio, so that both sides are covered.
    ratio = max(width / background.shape[1], height / background.shape[0])
    if ratio > 1:
        size = (math.ceil(background.shape[1] * ratio), math.ceil(background.shape[0] * ratio))
        enlarged = Image.fromarray(background).resize(size, Image.Resampling.BICUBIC)
        background = np.asarray(enlarged, dtype=np.uint8)
    # The conversion below truncates, as the official script does: published scores are for such images.
    share = alpha[..., None].astype(np.float32) / 255
    blend = share * foreground + (1 - share) * background[:height, :width]
    return np.asarray(blend, dtype=np.uint8)
