"""Splits of data sets that come without: by a list from the user, or by a hash of the name."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from matting.data.formats.folders import read_names
from matting.errors import MattingError

SPLITS = ("train", "val", "test")
HELD_OUT = 0.1
"""Share of the names that the hash assigns to ``val``, and again to ``test``."""


class Chosen(NamedTuple):
    """The names of a split, and the rule by which they were chosen with its result, in words."""

    names: set[str]
    rule: str


def hash_place(name: str) -> float:
    """Return the place of a name in [0, 1), which depends on the name alone."""
    # Not `hash`, which Python salts in every process.
    return int.from_bytes(blake2b(os.fsencode(name), digest_size=8).digest()) / 2**64


def hashed_split(name: str) -> str:
    """Return the split of a name in a large set, so that adding images moves no other."""
    place = hash_place(name)
    return "test" if place < HELD_OUT else "val" if place < 2 * HELD_OUT else "train"


def hashed_splits(groups: Iterable[str]) -> dict[str, str]:
    """Return the split of each group.

    Where hashes leave a split empty, as they often do in small sets, the groups are shared out in the order of their
    places: a tenth, but at least one, to ``test``, as many to ``val``, the rest to ``train``. Two groups give no
    ``val``, and one is for training.

    Args:
        groups: Names that share a split; of one image each, its own name.
    """
    splits = {group: hashed_split(group) for group in groups}
    if splits and set(splits.values()) != set(SPLITS):
        ordered = sorted(splits, key=hash_place)
        each = max(1, round(HELD_OUT * len(ordered)))
        first, second = (0, 0) if len(ordered) == 1 else (each, each if len(ordered) == 2 else 2 * each)
        splits = {g: "test" if k < first else "val" if k < second else "train" for k, g in enumerate(ordered)}
    return splits


def read_split_list(path: Path) -> dict[str, str]:
    """Read a split list: one ``name,split`` per line; names may contain commas and spaces.

    Args:
        path: The list.

    Returns:
        Split of each name.

    Raises:
        FileNotFoundError: If the list is missing.
        MattingError: If a line is malformed, or a name occurs twice.
    """
    splits: dict[str, str] = {}
    for number, line in enumerate(read_names(path), start=1):
        name, _, split = line.rpartition(",")  # from the right: names may contain commas
        if not name or split.strip() not in SPLITS:
            raise MattingError(f"{path}, line {number}: expected 'name,split' with {'/'.join(SPLITS)}, found '{line}'")
        if name in splits:
            raise MattingError(f"{path}, line {number}: '{name}' is listed twice; keep one of the two")
        splits[name] = split.strip()
    return splits


def in_split(
    names: Iterable[str], split: str, split_list: Path | str | None, group: Callable[[str], str] = str
) -> Chosen:
    """Return the names of a split, by the list if there is one, else by `hashed_splits` of their groups.

    Args:
        names: Names to choose from.
        split: One of `SPLITS`.
        split_list: File with one ``name,split`` per line, or None for the hash.
        group: Returns the group of a name; names of one group share a split.

    Raises:
        FileNotFoundError, MattingError: As `read_split_list`; also MattingError if the list has unknown names.
    """
    check_split(split)
    known = set(names)
    if split_list is None:
        by_group = hashed_splits({group(name) for name in known})
        splits, by = (
            {name: by_group[group(name)] for name in known},
            "by a hash of the names, as there is no split_list",
        )
    else:
        splits, by = read_split_list(Path(split_list)), f"by split_list {split_list}"
    if unknown := sorted(splits.keys() - known):
        raise MattingError(
            f"{split_list}: {len(unknown)} names are not in the data set, such as '{unknown[0]}'; fix them"
        )
    counts = Counter(splits.values())
    rule = f"{by}: {', '.join(f'{counts[one]} {one}' for one in SPLITS)}"
    return Chosen({name for name in known if splits.get(name) == split}, rule)


def benchmark_split(names: Iterable[str], split: str, split_list: Path | str | None, title: str) -> set[str]:
    """Return the names of a split of a published test set: all for ``test``, others only by a list.

    Args:
        names: Names to choose from.
        split: One of `SPLITS`.
        split_list: File with one ``name,split`` per line, or None.
        title: Name of the data set, for errors.

    Raises:
        FileNotFoundError, MattingError: As `in_split`; MattingError also if another split is requested without a list.
    """
    if split_list is None and split == "test":
        return set(names)
    if split_list is None:
        check_split(split)
        raise MattingError(
            f"{title} is a test set: expected split 'test', found '{split}'; to train on a part of it, give split_list"
        )
    return in_split(names, split, split_list).names


def check_split(split: str) -> None:
    """Raise ValueError unless ``split`` is one of `SPLITS`."""
    if split not in SPLITS:
        raise MattingError(f"expected a split of {', '.join(SPLITS)}, found '{split}'")
