"""A file of results, a JSON line a pair, so that whoever is interrupted goes on where it stopped."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matting.files import write_atomic

Line = dict[str, Any]
"""``name`` and ``stamp`` of a pair, ``problem`` (empty where there is none), and what was found of it."""


def go_on(
    path: Path, stamps: Mapping[str, Sequence[str]], find: Callable[[Sequence[str]], Iterable[Line]]
) -> list[Line]:
    """Complete a file of results: lines that still hold are kept, other pairs are looked at, one line at a time.

    Args:
        path: The file; it need not exist.
        stamps: By name, what tells whether a pair and whoever looks at it are the same as before.
        find: Given names, what is found of each, in their order; with ``problem`` where nothing could be.

    Returns:
        A line for each pair, in the order of ``stamps``. A pair with a problem is looked at again the next time.
    """
    known = {line["name"]: line for line in read_lines(path)}
    kept = {name: known[name] for name, stamp in stamps.items() if name in known and _holds(known[name], stamp)}
    write_atomic(path, "".join(json.dumps(line) + "\n" for line in kept.values()).encode())
    missing = [name for name in stamps if name not in kept]
    with path.open("a", encoding="utf-8") as file:
        for name, found in zip(missing, find(missing), strict=True):
            kept[name] = {"name": name, "stamp": list(stamps[name]), **found}
            file.write(json.dumps(kept[name]) + "\n")
            file.flush()
    return [kept[name] for name in stamps]


def read_lines(path: Path) -> list[Line]:
    """The complete lines of such a file; none where there is no file."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def _holds(line: Line, stamp: Sequence[str]) -> bool:
    return line["stamp"] == list(stamp) and not line["problem"]
