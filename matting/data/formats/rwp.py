"""RWP: real-world portraits with attribute tags.

Layout: ``image/<name>.*``, ``alpha/<name>.*`` and ``manifest.csv`` or ``manifest.parquet``, described
in `matting.data.formats.manifest`.
"""

from pathlib import Path

from matting.data.formats.base import Item, Source
from matting.data.formats.folders import by_stem, complete, pair, with_notes
from matting.data.formats.manifest import Row, find_manifest, read_manifest
from matting.data.formats.splits import check_split, in_split

NO_MANIFEST = (
    "there is no manifest: every image counts as clear (the curriculum has nothing to order), there are no attribute "
    "tags (no scenarios in reports), and splits follow a hash of the name (a person may be in two of them)"
)


def rwp(root: Path | str, split: str = "train") -> Source:
    """Read one split.

    Args:
        root: The folder that contains ``image``, ``alpha`` and the manifest.
        split: ``train``, ``val`` or ``test``.

    Returns:
        A source named ``rwp`` of photos, in the order of the manifest; without one, sorted by name,
        and the source's notes say what is missing.

    Raises:
        IncompleteError: If an image has no partner, or the manifest and the folders do not name the same images.
        FileNotFoundError: If a folder is missing.
        ValueError: If the manifest does not fit its schema.
    """
    check_split(split)
    base, problems = Path(root), list[str]()
    photos = by_stem(base / "image", "RWP photos", problems)
    found = pair(photos, by_stem(base / "alpha", "RWP mattes", problems), problems)
    files = {name: (photo, alpha) for name, photo, alpha in found}
    path, rule = find_manifest(base), ""
    if path is None:
        chosen, rule = in_split(files, split, None)
        rows = [Row(name, split, "clear", name, frozenset()) for name in files if name in chosen]
    else:
        listed = read_manifest(path)
        problems += [f"'{row.name}' of {path.name} has no image/alpha pair" for row in listed if row.name not in files]
        problems += [f"'{name}' is not in {path.name}" for name in files.keys() - {row.name for row in listed}]
        # In the manifest's order: plans refer to items by position.
        rows = [row for row in listed if row.split == split and row.name in files]
    source = Source("rwp", [_item(row, *files[row.name]) for row in rows])
    return complete(with_notes(source, NO_MANIFEST if path is None else None), base, problems, rule)


def _item(row: Row, photo: Path, alpha: Path) -> Item:
    identity = f"rwp/{row.identity or row.name}"
    return Item(row.name, alpha, photo, difficulty=row.difficulty, tags=row.tags, identity=identity)
