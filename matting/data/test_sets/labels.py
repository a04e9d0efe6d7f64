"""Read labels of test images from a table: they divide a test set into scenarios, each with its own result row."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from matting.data.test_sets.examples import Pair
from matting.data.test_sets.folders import Listing
from matting.errors import MattingError
from matting.files import open_csv

# Columns of a manifest that describe an image but are not labels.
_NOT_LABELS = frozenset({"name", "difficulty", "split", "group", "set", "identity"})


def with_labels(listing: Listing, table: Path) -> Listing:
    """Attach labels to pairs.

    Args:
        listing: The pairs.
        table: CSV with a column ``name``, optionally ``difficulty``, and one column of 0 and 1 per label, such as
            ``glasses``; the manifest of an RWP folder is one. A column ``identity`` names who is shown, so that
            mattes of one person on different backgrounds are compared. ``split``, ``group`` and ``set`` are
            skipped.

    Returns:
        The pairs with their labels, and one more problem for each name without a pair. Pairs that are not in the table
        are unchanged.

    Raises:
        FileNotFoundError: If the table is missing.
        MattingError: If the column ``name`` is missing, or a label is neither 0 nor 1.
    """
    rows = {row["name"]: row for row in _read(table)}
    unknown = sorted(rows.keys() - {pair.name for pair in listing.pairs})
    problems = [f"{name}: labelled in {table}, but there is no such pair" for name in unknown]
    pairs = [_labelled(pair, rows[pair.name], table) if pair.name in rows else pair for pair in listing.pairs]
    return Listing(pairs, [*listing.problems, *problems])


def _read(table: Path) -> Sequence[Mapping[str, str]]:
    if not table.is_file():
        raise FileNotFoundError(f"{table}: expected a CSV table of labels, found none; check the path")
    reader = open_csv(table)
    if "name" not in (reader.fieldnames or ()):
        raise MattingError(f"{table}: expected a column 'name', found {reader.fieldnames}; add a header line")
    # The CSV reader collects cells beyond the header under the key None.
    return [{key: (value or "").strip() for key, value in row.items() if key} for row in reader]


def _labelled(pair: Pair, row: Mapping[str, str], table: Path) -> Pair:
    labels = {label: value for label, value in row.items() if label not in _NOT_LABELS}
    for label, value in labels.items():
        # An empty cell counts as 0.
        if value not in ("0", "1", ""):
            raise MattingError(f"{table}: expected 0 or 1 for '{label}' of '{pair.name}', found '{value}'; correct it")
    tags = frozenset(label for label, value in labels.items() if value == "1")
    return replace(pair, tags=tags, difficulty=row.get("difficulty") or None, subject=row.get("identity") or None)
