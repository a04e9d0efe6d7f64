"""The official test composition of Composition-1K, which Distinctions-646 shares: which picture, and how it is made."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from matting.data.crop import Picture

TEST_BACKGROUNDS = 20
"""Backgrounds of each test foreground; there are 100 of each training foreground."""


class TestComposite(NamedTuple):
    """The files of one of the official test pictures; the trimap may be missing."""

    name: str
    foreground: Path
    alpha: Path
    background: Path
    trimap: Path | None


def enumerate_composites(
    pairs: Sequence[tuple[Path, Path]], background_names: Sequence[str], backgrounds: Path, listed_in: Path
) -> list[TestComposite]:
    """Enumerate test composites by the official rule; nothing is decoded or stored.

    Foreground ``k`` stands before backgrounds ``20 k … 20 k + 19`` of the background list; the picture is called
    ``<foreground stem>_<i>.png``, and so is its trimap, in a folder beside that of the mattes.

    Args:
        pairs: Foreground and matte files, in the official order.
        background_names: The background list.
        backgrounds: The folder of PASCAL VOC pictures (``VOC2012/JPEGImages``).
        listed_in: File of the background list, named in errors.

    Returns:
        Composites in the official order.

    Raises:
        ValueError: If the background list is shorter than the rule needs.
        FileNotFoundError: If backgrounds are missing.
    """
    if len(background_names) < TEST_BACKGROUNDS * len(pairs):
        raise ValueError(
            f"{listed_in}: expected {TEST_BACKGROUNDS} names for each of {len(pairs)} foregrounds, "
            f"found {len(background_names)}; restore the list from the archive"
        )
    used = [backgrounds / name for name in background_names[: TEST_BACKGROUNDS * len(pairs)]]
    if missing := [path.name for path in used if not path.is_file()]:
        raise FileNotFoundError(
            f"{backgrounds}: {len(missing)} of {len(used)} test backgrounds are missing, such as {missing[0]}; "
            "unpack PASCAL VOC 2012 (VOCtrainval_11-May-2012.tar) there"
        )
    return [
        _composite(foreground, alpha, used[k * TEST_BACKGROUNDS + i], i)
        for k, (foreground, alpha) in enumerate(pairs)
        for i in range(TEST_BACKGROUNDS)
    ]


def _composite(foreground: Path, alpha: Path, background: Path, number: int) -> TestComposite:
    name = f"{foreground.stem}_{number}"
    trimap = alpha.parent.parent / "trimaps" / f"{name}.png"
    return TestComposite(name, foreground, alpha, background, trimap if trimap.is_file() else None)


def compose_official(foreground: Picture, alpha: Picture, background: Picture) -> Picture:
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
