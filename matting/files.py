"""Files that are there whole or not at all, tables as CSV, and what tells one state of a file from another."""

import csv
import io
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from matting.errors import MattingError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary file to fill, which takes the place of another once it is complete.

    A reader, or an interruption, sees the old file or the new one and never a part.

    Args:
        path: The file to make or to replace; its folder must exist.

    Yields:
        A name in the same folder.
    """
    # Not made of the target's name, which may already be as long as the file system allows.
    temporary = path.with_name(f".{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(path: str | Path, data: bytes) -> None:
    """Write a file as `replacing` does.

    Args:
        path: Target; its folder must exist.
        data: The whole content.
    """
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(data)


def json_text(content: Any) -> str:
    """Return JSON as the project's files have it: indented, with a newline at the end."""
    return json.dumps(content, indent=2) + "\n"


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    r"""Return a CSV table with a header.

    Args:
        columns: Names of the columns.
        rows: One value for each column.

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
    """Write a table as `csv_text` has it, whole or not at all; file names in it may be no UTF-8."""
    write_atomic(path, csv_text(columns, rows).encode(errors="surrogateescape"))


def write_records(path: Path, records: Iterable[Mapping[str, Any]], missing: Any = "") -> None:
    """Write records as CSV, whole or not at all.

    Args:
        path: Target; its folder must exist.
        records: Values by column; columns come in the order in which they appear.
        missing: Stands where a record has no such column.
    """
    records = list(records)
    columns = list(dict.fromkeys(name for record in records for name in record))
    write_csv(path, columns, ([record.get(name, missing) for name in columns] for record in records))


def read_text(path: Path) -> str:
    """Read a file that a person may have written.

    Args:
        path: A text file in UTF-8, with or without a byte order mark. Its line ends stay as they are.

    Raises:
        MattingError: If it is no UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MattingError(f"{path}: expected text in UTF-8, found {error}; save it as UTF-8") from error


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        MattingError: If it is none.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise MattingError(f"{path}: expected JSON, found: {error}; restore the file") from error


def open_csv(path: Path) -> "csv.DictReader[str]":
    """Open a table: what is given has ``fieldnames``, and yields each row by them.

    Raises:
        MattingError: If it is no UTF-8.
    """
    return csv.DictReader(io.StringIO(read_text(path), newline=""))


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read a table: each row by the names of its columns."""
    return list(open_csv(path))


def size_and_time(path: Path) -> tuple[int, int]:
    """Return a file's size in bytes and the time of its last change in nanoseconds: another state has others."""
    info = path.stat()
    return info.st_size, info.st_mtime_ns


def stamp(path: Path) -> str:
    """Tell a file in its present state from all others: where it is, its size and its time."""
    return "|".join(map(str, (path.resolve(), *size_and_time(path))))


def digest(facts: Iterable[str]) -> str:
    """Name what is made from these facts in a cache: 24 digits of a hash."""
    return blake2b("\n".join(facts).encode(), digest_size=12).hexdigest()
