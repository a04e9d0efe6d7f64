"""Files that turn out to be unreadable while training: they are listed, and something of the same kind is drawn."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from matting.data.formats.base import Source
from matting.files import csv_text

ATTEMPTS = 20
"""Substitutes that are tried; where so many files in a row are bad, the set is broken and the run should end."""


def substitutes(source: Source, index: int, seed: int) -> Iterator[int]:
    """Items that may stand in for one that cannot be read.

    Args:
        source: The item's source: the mixture's ratio stays as it is.
        index: The item.
        seed: Seed of the draw, which the views of a pair share: they get the same substitute.

    Yields:
        Up to `ATTEMPTS` other items in an order that is a function of the seed: of the same difficulty, tags and
        layers, so that curriculum and pairing stay as they are; where there is none, of the same difficulty and layers.
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
    order = np.random.default_rng([seed, 3]).permutation(same_tags or alike)
    yield from (int(k) for k in order[:ATTEMPTS])


def record(path: Path, source: str, name: str, reason: str) -> None:
    """Add an item to the list of bad files, once.

    Args:
        path: CSV file with the columns source, name and reason; made with its folder where it does not exist.
        source: Name of the item's source.
        name: Name of the item.
        reason: What is wrong, with the file's path.
    """
    row = csv_text([source, name, " ".join(reason.split())], [])
    path.parent.mkdir(parents=True, exist_ok=True)
    # One short write in append mode is atomic: lines of several workers do not mix.
    with path.open("a+", encoding="utf-8") as file:
        file.seek(0)
        if row not in file.read():
            file.write(row)
