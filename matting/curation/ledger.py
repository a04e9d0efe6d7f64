"""A file of results, one JSON line per pair, so that an interrupted run resumes where it stopped."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matting.files import storing, write_atomic

Line = dict[str, Any]
"""``name`` and ``stamp`` of a pair, ``problem`` (empty if there is none), and the results."""


def resume(
    path: Path, stamps: Mapping[str, Sequence[str]], find: Callable[[Sequence[str]], Iterable[Line]]
) -> list[Line]:
    """Complete a file of results: keep the lines that are still valid, and compute the others one at a time.

    Args:
        path: The file; it need not exist.
        stamps: Stamp by name; a line is valid while its stamp is equal.
        find: Maps names to their results, in order; ``problem`` is set if there is no result.

    Returns:
        One line per pair, in the order of ``stamps``. A pair with a problem is computed again the next time.
    """
    known = {line["name"]: line for line in read_lines(path)}
    kept = {name: known[name] for name, stamp in stamps.items() if name in known and _valid(known[name], stamp)}
    # First without stale lines and a last one that was cut off, so that appending cannot continue it.
    write_atomic(path, "".join(json.dumps(line) + "\n" for line in kept.values()).encode())
    missing = [name for name in stamps if name not in kept]
    with storing(path), path.open("a", encoding="utf-8") as file:
        for name, found in zip(missing, find(missing), strict=True):
            kept[name] = {"name": name, "stamp": list(stamps[name]), **found}
            file.write(json.dumps(kept[name]) + "\n")
            # Each result counts from now on, even if the run is killed.
            file.flush()
    return [kept[name] for name in stamps]


def read_lines(path: Path) -> list[Line]:
    """Read the complete lines of such a file; none if there is no file."""
    if not path.is_file():
        return []
    # What follows the last newline was cut off when a run was killed while writing.
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def _valid(line: Line, stamp: Sequence[str]) -> bool:
    return line["stamp"] == list(stamp) and not line["problem"]
