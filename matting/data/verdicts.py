"""Read the verdicts of a curation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from matting.errors import MattingError
from matting.extras import require
from matting.files import open_csv

Verdict = Literal["accept", "re-annotate", "reject"]


def read_accepted(path: Path | str) -> dict[str, dict[str, bool]]:
    """Read which pairs a curation accepted.

    Args:
        path: A ``verdicts.csv``, or the same table as Parquet; only the columns source, name and verdict are needed.

    Returns:
        Whether each pair was accepted, by source and name.

    Raises:
        FileNotFoundError: If there is no such file.
        MattingError: If it is malformed.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a verdicts.csv of 'matting curate run', found nothing")
    accepted: dict[str, dict[str, bool]] = {}
    for number, row in enumerate(_rows(path), start=2):  # line 1 is the header
        if row["verdict"] not in get_args(Verdict):
            found = f"'{row['verdict']}'"
            raise MattingError(
                f"{path}, line {number}: expected {'/'.join(get_args(Verdict))}, found {found}; correct it"
            )
        accepted.setdefault(row["source"], {})[row["name"]] = row["verdict"] == "accept"
    return accepted


def _rows(path: Path) -> Sequence[dict[str, str]]:
    records, columns = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    if missing := {"source", "name", "verdict"} - set(columns):
        raise MattingError(f"{path}: expected the columns source, name and verdict, missing: {', '.join(missing)}")
    # Parquet has None where CSV has an empty text.
    return [{key: str(row[key] or "").strip() for key in ("source", "name", "verdict")} for row in records]


def _csv(path: Path) -> tuple[Sequence[Mapping[str, Any]], Sequence[str]]:
    table = open_csv(path)
    return list(table), table.fieldnames or ()


def _parquet(path: Path) -> tuple[Sequence[Mapping[str, Any]], Sequence[str]]:
    pyarrow, parquet = (require(module, f"{path}: reading Parquet") for module in ("pyarrow", "pyarrow.parquet"))
    try:
        table = parquet.read_table(path)
    except pyarrow.ArrowInvalid as error:
        raise MattingError(f"{path}: expected a Parquet file, found something else ({error})") from error
    return table.to_pylist(), table.column_names
