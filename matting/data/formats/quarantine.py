"""Handle files that prove unreadable during training: list them, and draw items of the same kind instead."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from matting.data.formats.base import Source
from matting.files import csv_text

ATTEMPTS = 20
"""Number of substitutes to try; if that many files in a row are bad, the set is broken and the run should end."""


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


def record(path: Path, source: str, name: str, reason: str) -> None:
    """Add an item to the list of bad files, once.

    Args:
        path: CSV file with the columns source, name and reason; created, with its folder, if it does not exist.
        source: Name of the item's source.
        name: Name of the item.
        reason: The error, with the file's path.
    """
    row = csv_text([source, name, " ".join(reason.split())], [])
    path.parent.mkdir(parents=True, exist_ok=True)
    # One short write in append mode is atomic: lines of several workers are not interleaved.
    with path.open("a+", encoding="utf-8") as file:
        file.seek(0)
        if row not in file.read():
            file.write(row)
