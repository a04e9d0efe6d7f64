"""Read labels of test images from a table: they divide a test set into scenarios, each with its own result row."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from matting.data.test_sets.examples import Pair
from matting.data.test_sets.folders import Listing
from matting.errors import MattingError
from matting.files import open_csv

# Columns of a manifest that describe an image but are not labels.
_NOT_LABELS = frozenset({"name", "difficulty", "split", "group", "set", "identity"})

_UNCLEAR = ("but there is no such pair", "but several sets have such a pair; add a column 'set'")


def with_labels(listing: Listing, table: Path) -> Listing:
    """Attach labels to pairs.

    Args:
        listing: The pairs.
        table: CSV with a column ``name``, optionally ``difficulty``, and one column of 0 and 1 per label, such as
            ``glasses``; the manifest of an RWP folder is one. A column ``identity`` names who is shown, so that
            mattes of one person on different backgrounds are compared. A column ``set`` names the test set of the
            image; it is needed for names that several sets share. ``split`` and ``group`` are skipped.

    Returns:
        The pairs with their labels, and one more problem for each row that is not of exactly one pair. Pairs that are
        not in the table are unchanged.

    Raises:
        FileNotFoundError: If the table is missing.
        MattingError: If the column ``name`` is missing, two rows are of one image, or a label is neither 0 nor 1.
    """
    columns, rows = _read(table)
    keys = {pair: (pair.dataset, pair.name)[-len(columns) :] for pair in listing.pairs}
    sharing = Counter(keys.values())
    unclear = sorted(key for key in rows if sharing[key] != 1)
    problems = [f"{'/'.join(key)}: labelled in {table}, {_UNCLEAR[key in sharing]}" for key in unclear]
    pairs = [
        _labelled(pair, rows[key], table) if key in rows and sharing[key] == 1 else pair for pair, key in keys.items()
    ]
    return Listing(pairs, [*listing.problems, *problems])


def _read(table: Path) -> tuple[list[str], dict[tuple[str, ...], Mapping[str, str]]]:
    """Return the columns that identify an image, and the rows by their values."""
    if not table.is_file():
        raise FileNotFoundError(f"{table}: expected a CSV table of labels, found none; check the path")
    reader = open_csv(table)
    if "name" not in (reader.fieldnames or ()):
        raise MattingError(f"{table}: expected a column 'name', found {reader.fieldnames}; add a header line")
    columns = [column for column in ("set", "name") if column in (reader.fieldnames or ())]
    rows: dict[tuple[str, ...], Mapping[str, str]] = {}
    for line in reader:
        # The CSV reader collects cells beyond the header under the key None.
        row = {column: (value or "").strip() for column, value in line.items() if column}
        key = tuple(row[column] for column in columns)
        if key in rows:
            raise MattingError(f"{table}: expected one row for '{'/'.join(key)}', found two; remove one")
        rows[key] = row
    return columns, rows


def _labelled(pair: Pair, row: Mapping[str, str], table: Path) -> Pair:
    labels = {label: value for label, value in row.items() if label not in _NOT_LABELS}
    for label, value in labels.items():
        # An empty cell counts as 0.
        if value not in ("0", "1", ""):
            raise MattingError(f"{table}: expected 0 or 1 for '{label}' of '{pair.name}', found '{value}'; correct it")
    tags = frozenset(label for label, value in labels.items() if value == "1")
    return replace(pair, tags=tags, difficulty=row.get("difficulty") or None, subject=row.get("identity") or None)
