"""RWP: real-world portraits with a manifest of golden labels.

Layout::

    RWP/image/<name>.jpg   RWP/alpha/<name>.png   RWP/manifest.csv

The manifest has one row per picture: ``name,split,difficulty,identity`` and one 0/1 column per golden label.
"""

import csv
from pathlib import Path

from matting.data.sources.base import Item, Source, require_folder

TAGS = (
    "backlit",
    "side_backlit",
    "glasses",
    "hat",
    "scarf",
    "motion_blur",
    "low_resolution",
    "group",
    "overlap",
    "tiny",
)
COLUMNS = ("name", "split", "difficulty", "identity", *TAGS)


def rwp(root: Path, split: str = "train") -> Source:
    """Read one split of the manifest.

    Args:
        root: The folder that holds ``image``, ``alpha`` and ``manifest.csv``.
        split: ``train``, ``val`` or ``test``.

    Returns:
        A source named ``rwp`` of photographs, in the order of the manifest.

    Raises:
        FileNotFoundError: If a folder, the manifest or a file named by it is missing.
        ValueError: If the manifest lacks a column.
    """
    images, alphas = require_folder(root / "image", "RWP photographs"), require_folder(root / "alpha", "RWP mattes")
    photos = {path.stem: path for path in sorted(images.iterdir())}
    rows = [row for row in _manifest(root / "manifest.csv") if row["split"] == split]
    return Source("rwp", [_item(row, photos, alphas, root) for row in rows])


def _manifest(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected the manifest with columns {', '.join(COLUMNS)}; write one")
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
            raise ValueError(f"{path}: expected the columns {', '.join(COLUMNS)}, missing: {', '.join(missing)}")
        return list(reader)


def _item(row: dict[str, str], photos: dict[str, Path], alphas: Path, root: Path) -> Item:
    name = row["name"]
    alpha = alphas / f"{name}.png"
    if name not in photos or not alpha.is_file():
        raise FileNotFoundError(f"{root}: '{name}' of manifest.csv has no image/alpha pair; restore or drop the row")
    return Item(
        name=name,
        photo=photos[name],
        alpha=alpha,
        difficulty=row["difficulty"],
        tags=frozenset(tag for tag in TAGS if row[tag] == "1"),
        identity=f"rwp/{row['identity']}",
    )
