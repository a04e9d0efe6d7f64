"""AIM-500 (Li et al., "Deep Automatic Natural Image Matting", IJCAI 2021): 500 natural images, a test set.

Layout::

    original/<name>.jpg   mask/<name>.png   trimap/<name>.png   aim_category_type.json

The JSON gives each image its category: animal 200, portrait 100, plant 75, furniture 45, toy 36, transparent 34,
fruit 10.
"""

import json
from pathlib import Path
from typing import Any

from matting.data.formats.base import Item, Source
from matting.data.formats.folders import by_stem, complete, pair
from matting.data.formats.splits import benchmark_split
from matting.errors import MattingError

CATEGORIES = ("animal", "portrait", "plant", "furniture", "toy", "transparent", "fruit")


def aim500(
    root: Path | str, split: str = "test", split_list: Path | str | None = None, category: str | None = "portrait"
) -> Source:
    """Read the images of one category of AIM-500.

    Args:
        root: The folder that contains ``original`` and ``mask``.
        split: ``test`` is the whole set; other splits need a list.
        split_list: File with one ``name,split`` per line.
        category: One of `CATEGORIES`; None takes all of them.

    Returns:
        A source named ``aim500``, sorted by name; the category is a tag.

    Raises:
        IncompleteError: If an image has no partner or no category.
        FileNotFoundError: If a folder or the JSON is missing.
        MattingError: If the category is unknown, or another split is requested without a list.
    """
    if category not in (None, *CATEGORIES):
        raise MattingError(f"aim500: expected a category of {', '.join(CATEGORIES)}, found '{category}'")
    base, problems = Path(root), list[str]()
    photos = by_stem(base / "original", "AIM-500 photos", problems)
    found = pair(photos, by_stem(base / "mask", "AIM-500 mattes", problems), problems)
    categories = read_categories(base / "aim_category_type.json")
    problems += [f"{photo} has no category in the JSON" for name, photo, _ in found if name not in categories]
    chosen = benchmark_split([name for name, _, _ in found], split, split_list, "AIM-500")
    items = [
        Item(name, alpha, photo, trimap=_trimap(base, name), tags=frozenset({kind}), identity=f"aim500/{name}")
        for name, photo, alpha in found
        if name in chosen and (kind := categories.get(name)) and category in (None, kind)
    ]
    return complete(Source("aim500", items), base, problems)


def read_categories(path: Path) -> dict[str, str]:
    """Read the JSON, whose entries are a category or a record with a key ``category``.

    Args:
        path: The JSON file.

    Returns:
        Category of each image, by file name without extension.

    Raises:
        FileNotFoundError: If the file is missing.
        MattingError: If it has another structure.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected the categories of AIM-500; restore it from the archive")
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {Path(name).stem: str(e if isinstance(e, str) else e["category"]).lower() for name, e in content.items()}
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise MattingError(f"{path}: expected a category for each image, found: {error}; restore the file") from error


def _trimap(base: Path, name: str) -> Path | None:
    # Optional, since a trimap can be computed from the matte.
    path = base / "trimap" / f"{name}.png"
    return path if path.is_file() else None
