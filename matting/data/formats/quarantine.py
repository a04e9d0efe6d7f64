"""Handle files that prove unreadable: list them, and draw items of the same kind, or other backgrounds, instead."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from matting.data.formats.base import Source
from matting.files import csv_text

ATTEMPTS = 20
"""Number of substitutes to try; if that many files in a row are bad, the set is broken and the run should end."""

BACKGROUNDS = "backgrounds"
"""Stands for the source in the list of bad files where the file is a background."""

Skip = Callable[[str, str], None]
"""Is told the name of an item or file that is left out, and the reason."""

_log = logging.getLogger(__name__)


def substitutes(source: Source, index: int, seed: int) -> Iterator[int]:
    """Choose items to replace one that cannot be read.

    Args:
        source: The item's source, to keep the ratio of the mixture.
        index: Position of the item.
        seed: Seed of the draw; the views of a pair share it, so they get the same substitute.

    Yields:
        Positions of up to `ATTEMPTS` other items, in an order that depends on the seed: of the same difficulty, tags
        and layers, so that curriculum and pairing are preserved; if there is none, of the same difficulty and layers.
    """
    item = source.items[index]
    alike = [
        k
        for k, other in enumerate(source.items)
        if k != index
        and other.difficulty == item.difficulty
        and other.layered == item.layered
        and (other.photo is None) == (item.photo is None)
    ]
    same_tags = [k for k in alike if source.items[k].tags == item.tags]
    # [seed, 0] to [seed, 2] are the crop's and the scenes': see `DrawDataset`.
    order = np.random.default_rng([seed, 3]).permutation(same_tags or alike)
    yield from (int(k) for k in order[:ATTEMPTS])


def substitute_scenes(count: int, scene: int, seed: int, view: int) -> Iterator[int]:
    """Choose backgrounds to replace one that cannot be read.

    Args:
        count: Number of backgrounds.
        scene: Position of the bad one, or -1.
        seed: Seed of the draw.
        view: View of the draw: those of a pair are to differ in their backgrounds.

    Yields:
        Positions of up to `ATTEMPTS` other backgrounds, in an order that depends on seed and view.
    """
    order = np.random.default_rng([seed, 4 + view]).permutation(count)
    yield from (int(k) for k in order[order != scene][:ATTEMPTS])


def leave_out(path: Path, source: str, name: str, reason: str) -> None:
    """Record an item or a background that is bad from the start, and warn that it is left out; see `record`."""
    _log.warning("%s: '%s' is left out: %s", source, name, reason)
    record(path, source, name, reason)


def record(path: Path, source: str, name: str, reason: str) -> None:
    """Add an item or a background to the list of bad files, once.

    Args:
        path: CSV file with the columns source, name and reason; created, with its folder, if it does not exist.
        source: Name of the item's source, or `BACKGROUNDS`.
        name: Name of the item, or of the background's file.
        reason: The error, with the file's path.
    """
    row = csv_text([source, name, " ".join(reason.split())], [])
    path.parent.mkdir(parents=True, exist_ok=True)
    # One short write in append mode is atomic: lines of several workers are not interleaved.
    with path.open("a+", encoding="utf-8") as file:
        file.seek(0)
        if row not in file.read():
            file.write(row)
