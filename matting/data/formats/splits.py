"""Splits of data sets that come without: by a list from the user, or by a hash of the name."""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from pathlib import Path

from matting.data.formats.folders import read_names
from matting.errors import MattingError

SPLITS = ("train", "val", "test")
HELD_OUT = 0.1
"""Share of the names that the hash assigns to ``val``, and again to ``test``."""


def hashed_split(name: str) -> str:
    """Return the split of a name, which depends on the name alone, so that adding images moves no other."""
    # Not `hash`, which Python salts in every process.
    place = int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) / 2**64
    return "test" if place < HELD_OUT else "val" if place < 2 * HELD_OUT else "train"


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
) -> set[str]:
    """Return the names of a split, by the list if there is one, else by the hash of each name's group.

    Args:
        names: Names to choose from.
        split: One of `SPLITS`.
        split_list: File with one ``name,split`` per line, or None for the hash.
        group: Returns the group of a name; names of one group share a split.

    Raises:
        FileNotFoundError, MattingError: As `read_split_list`; also MattingError if the list has unknown names.
    """
    check_split(split)
    if split_list is None:
        return {name for name in names if hashed_split(group(name)) == split}
    listed, known = read_split_list(Path(split_list)), set(names)
    if unknown := sorted(listed.keys() - known):
        raise MattingError(
            f"{split_list}: {len(unknown)} names are not in the data set, such as '{unknown[0]}'; fix them"
        )
    return {name for name in known if listed.get(name) == split}


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
    return in_split(names, split, split_list)


def check_split(split: str) -> None:
    """Raise ValueError unless ``split`` is one of `SPLITS`."""
    if split not in SPLITS:
        raise MattingError(f"expected a split of {', '.join(SPLITS)}, found '{split}'")
