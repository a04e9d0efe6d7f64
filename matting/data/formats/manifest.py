"""The manifest of a portrait set: one row per image, with its attribute tags, difficulty, split and identity.

Columns, as CSV (UTF-8, with a header) or Parquet:

========== ==================================================================
name       file name of the image without extension; unique
split      ``train``, ``val`` or ``test``
difficulty ``clear``, ``medium`` or ``hard``
identity   who is shown; images of one person are never in two splits
backlit …  one column for each attribute tag (`TAGS`): 0 or 1, false or true
========== ==================================================================
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from matting.data.formats.splits import SPLITS
from matting.errors import MattingError
from matting.extras import require
from matting.files import open_csv
from matting.plan.curriculum import DIFFICULTIES
from matting.tags import TAGS

COLUMNS = ("name", "split", "difficulty", "identity", *TAGS)
MANIFESTS = ("manifest.csv", "manifest.parquet")

# Booleans of a Parquet file arrive as 'True' and 'False'.
_FLAGS = {"0": False, "false": False, "1": True, "true": True}
_SHOWN = 5


class Row(NamedTuple):
    """One row of a manifest."""

    name: str
    split: str
    difficulty: str
    identity: str
    tags: frozenset[str]


def find_manifest(folder: Path) -> Path | None:
    """Find the manifest of a folder; None if there is none.

    Raises:
        MattingError: If there are two.
    """
    found = [folder / name for name in MANIFESTS if (folder / name).is_file()]
    if len(found) > 1:
        raise MattingError(f"{folder}: expected one manifest, found {' and '.join(p.name for p in found)}; remove one")
    return found[0] if found else None


def read_manifest(path: Path) -> list[Row]:
    """Read and check a manifest.

    Args:
        path: A ``.csv`` or ``.parquet`` file.

    Returns:
        Its rows, in order.

    Raises:
        MattingError: If columns are missing or values do not fit the schema; the first few are listed with their row.
    """
    records = list(_parquet(path) if path.suffix == ".parquet" else _csv(path))
    if problems := [*_row_problems(records), *_leaks(records)]:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise MattingError(f"{path}: {'; '.join(problems[:_SHOWN])}{more}; correct the manifest")
    return [_row(record) for record in records]


def _csv(path: Path) -> Iterable[dict[str, str]]:
    reader = open_csv(path)
    _require_columns(path, reader.fieldnames or ())
    return [{name: (record[name] or "").strip() for name in COLUMNS} for record in reader]


def _parquet(path: Path) -> Iterable[dict[str, str]]:
    arrow = require("pyarrow", f"{path}: reading Parquet")
    try:
        table = require("pyarrow.parquet", f"{path}: reading Parquet").read_table(path)
    except arrow.ArrowException as error:
        reason = " ".join(str(error).split())
        raise MattingError(f"{path}: expected a whole Parquet file, found: {reason}; write it again") from error
    _require_columns(path, table.column_names)
    return [
        {name: "" if record[name] is None else str(record[name]).strip() for name in COLUMNS}
        for record in table.to_pylist()
    ]


def _require_columns(path: Path, found: Iterable[str]) -> None:
    if missing := [name for name in COLUMNS if name not in set(found)]:
        raise MattingError(
            f"{path}: expected the columns {', '.join(COLUMNS)}, missing: {', '.join(missing)}; add them"
        )


def _row_problems(records: list[dict[str, str]]) -> Iterable[str]:
    seen: set[str] = set()
    for number, record in enumerate(records, start=1):
        allowed: Mapping[str, Iterable[str]] = {
            "split": SPLITS,
            "difficulty": DIFFICULTIES,
            **dict.fromkeys(TAGS, _FLAGS),
        }
        for column, values in allowed.items():
            value = record[column].lower() if column in TAGS else record[column]
            if value not in values:
                yield f"row {number} ('{record['name']}'): {column} is '{record[column]}', expected {'/'.join(values)}"
        if not record["name"] or record["name"] in seen:
            yield f"row {number}: expected a unique name, found '{record['name']}'"
        seen.add(record["name"])


def _leaks(records: list[dict[str, str]]) -> Iterable[str]:
    splits: dict[str, set[str]] = {}
    for record in records:
        # Images without an identity are not all of one person.
        if record["identity"]:
            splits.setdefault(record["identity"], set()).add(record["split"])
    for identity, found in splits.items():
        if len(found) > 1:
            yield f"identity '{identity}' is in the splits {' and '.join(sorted(found))}"


def _row(record: Mapping[str, str]) -> Row:
    tags = frozenset(tag for tag in TAGS if _FLAGS[record[tag].lower()])
    return Row(record["name"], record["split"], record["difficulty"], record["identity"], tags)
