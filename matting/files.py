"""Atomic writes, CSV tables, and stamps that identify the state of a file."""

import csv
import errno
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import uuid4

from matting.errors import MattingError
from matting.shards import state_of

_UNWRITABLE = {
    errno.ENOSPC: "a full disk",
    errno.EDQUOT: "an exhausted quota",
    errno.EROFS: "a read-only disk",
    errno.EACCES: "no permission",
}


class StorageError(OSError):
    """Nothing more can be written here, because of the disk or of permissions: an error that ends the work."""


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Explain the error if a file cannot be written because of its disk or of permissions.

    Args:
        path: The file, named in the error.

    Raises:
        StorageError: The disk is full or read-only, or writing is not permitted.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        raise StorageError(
            f"{path}: expected to be able to write this file, found {_UNWRITABLE[error.errno]}; make room or choose "
            "another folder, and repeat the command"
        ) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary file that replaces the target once it is complete.

    After an interruption, and for any reader, there is the old file or the new one, never a partial one.

    Args:
        path: The file to create or replace; its folder must exist.

    Yields:
        A temporary path in the same folder.

    Raises:
        StorageError: The disk is full or read-only.
    """
    # Not derived from the target's name, which may already be as long as the file system allows, nor from the process:
    # two machines that share a disk may have processes of one number.
    temporary = path.with_name(f".{uuid4().hex}.tmp")
    try:
        with storing(path):
            yield temporary
            temporary.replace(path)
    finally:
        # On a read-only disk not even a file that does not exist can be removed; the error above says so.
        with suppress(OSError):
            temporary.unlink()


def write_atomic(path: str | Path, data: bytes) -> None:
    """Write a file atomically; see `replacing`.

    Args:
        path: Target; its folder must exist.
        data: The whole content.
    """
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(data)


def json_text(content: Any) -> str:
    """Return JSON as it is formatted in all files of the project: indented, with a newline at the end.

    Raises:
        ValueError: A number is NaN or infinite, which JSON cannot write; use None.
    """
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    r"""Return a CSV table with a header.

    Args:
        columns: Names of the columns.
        rows: One value per column.

    Example:
        >>> csv_text(["name", "mad"], [("a, b", 0.5)])
        'name,mad\n"a, b",0.5\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a `csv_text` table atomically; file names in it need not be valid UTF-8."""
    write_atomic(path, csv_text(columns, rows).encode(errors="surrogateescape"))


def write_records(path: Path, records: Iterable[Mapping[str, Any]], missing: Any = "") -> None:
    """Write records as CSV, atomically.

    Args:
        path: Target; its folder must exist.
        records: Values by column name; the columns are ordered by first appearance.
        missing: Value of the columns that a record lacks.
    """
    records = list(records)
    columns = list(dict.fromkeys(name for record in records for name in record))
    write_csv(path, columns, ([record.get(name, missing) for name in columns] for record in records))


def read_text(path: Path) -> str:
    """Read a text file that a user may have edited.

    Args:
        path: A text file in UTF-8, with or without a byte order mark. Its line endings are kept.

    Raises:
        MattingError: The file is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MattingError(f"{path}: expected text in UTF-8, found {error}; save it as UTF-8") from error


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        MattingError: The file is not JSON, or not UTF-8.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise MattingError(f"{path}: expected JSON, found: {error}; restore the file") from error


def open_csv(path: Path) -> "csv.DictReader[str]":
    """Open a CSV table as a reader that has ``fieldnames`` and yields each row as a dictionary.

    Raises:
        MattingError: The file is not UTF-8.
    """
    return csv.DictReader(io.StringIO(read_text(path), newline=""))


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read a CSV table: one dictionary per row, by column name."""
    return list(open_csv(path))


def size_and_time(path: Path) -> tuple[int, Any]:
    """Return a file's size in bytes and its modification time in nanoseconds, which differ once the file changes.

    For an image in a shard, those of the shard.
    """
    return state_of(path)


def stamp(path: Path) -> str:
    """Identify a file in its present state: by its absolute path, size and modification time."""
    return "|".join(map(str, (path.resolve(), *size_and_time(path))))


def digest(facts: Iterable[str]) -> str:
    """Return the cache key of what is derived from these facts: a hash of 24 hexadecimal digits."""
    return blake2b(os.fsencode("\n".join(facts)), digest_size=12).hexdigest()


def dated(path: Path, output: Path | None = None) -> str:
    """Return a path with the time of its last change, which distinguishes a retrained checkpoint from the old one.

    Args:
        path: File or folder.
        output: Folder of results, whose changes do not count where it lies in `path`.
    """
    # All files are asked: the time of a folder does not change with the content of its files.
    files = [path, *path.rglob("*")]
    if output and path.resolve() in output.resolve().parents:
        inside = path / output.resolve().relative_to(path.resolve())
        # The folders above it change as well, when it is made.
        files = [file for file in files if inside not in (file, *file.parents) and file not in inside.parents]
    changed = max((file.stat().st_mtime for file in files if file.exists()), default=0)
    return f"{path} of {datetime.fromtimestamp(changed).isoformat(' ', 'seconds')}"


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Name each path, as it was typed, by the fewest trailing parts that make all names unique.

    Args:
        paths: Different paths.

    Returns:
        Names by path. Links are not followed: a name is what its user calls it.

    Raises:
        MattingError: A path is given twice.
    """
    if len({os.path.realpath(path) for path in paths}) < len(paths):
        raise MattingError(f"expected each method once, found one twice in {', '.join(paths)}")
    parts = {path: Path(path).absolute().parts for path in paths}
    names = {path: "/".join(part) for path, part in parts.items()}
    for depth in range(max(map(len, parts.values()), default=0), 0, -1):
        shorter = {path: "/".join(parts[path][-depth:]) for path in paths}
        names = shorter if len(set(shorter.values())) == len(paths) else names
    return names
