"""RealWorldPortrait-636 (Yu et al., "Mask Guided Matting", CVPR 2021): 636 portraits, published as a test set.

Layout::

    image/<name>.jpg   alpha/<name>.png   detailmap/<name>_cloud_trimap.jpg   segmask/<name>.png (not read)

The paper computes its detail metrics where the detail map is above 0. There is no official split: to train on a part of
the set, provide a list; the set is then no longer a benchmark.
"""

from pathlib import Path

import numpy as np

from matting.data.formats.base import Item, Source
from matting.data.formats.folders import by_stem, complete, pair, with_notes
from matting.data.formats.splits import benchmark_split
from matting.images import Pixels, read_codes
from matting.trimap import BACKGROUND, CODES, FOREGROUND, UNKNOWN


def rwp636(root: Path | str, split: str = "test", split_list: Path | str | None = None) -> Source:
    """Read RealWorldPortrait-636, or a part of it.

    Args:
        root: The folder that contains ``image`` and ``alpha``.
        split: ``test`` is the whole set; other splits need a list.
        split_list: File with one ``name,split`` per line.

    Returns:
        A source named ``rwp636``, sorted by name; the unknown region of its trimaps is the detail region.

    Raises:
        IncompleteError: If an image has no partner.
        FileNotFoundError: If a folder is missing.
        ValueError: If another split is requested without a list.
    """
    base, problems = Path(root), list[str]()
    photos = by_stem(base / "image", "RealWorldPortrait-636 photos", problems)
    found = pair(photos, by_stem(base / "alpha", "RealWorldPortrait-636 mattes", problems), problems)
    chosen = benchmark_split([name for name, _, _ in found], split, split_list, "RealWorldPortrait-636")
    items = [
        Item(name, alpha, photo, trimap=_detail_map(base, name), identity=f"rwp636/{name}")
        for name, photo, alpha in found
        if name in chosen
    ]
    absent = sum(item.trimap is None for item in items)
    note = f"{absent} of {len(items)} detail maps are missing: no metrics of the detail region" if absent else None
    source = Source("rwp636", items, trimap_reader=trimap_from_detail)
    return complete(with_notes(source, note), base, problems)


def trimap_from_detail(item: Item, alpha: Pixels) -> Pixels | None:
    """Build a trimap: unknown where the detail map is above 0, elsewhere the matte rounded; None without a map."""
    if item.trimap is None:
        return None
    definite = np.where(alpha > 127, CODES[FOREGROUND], CODES[BACKGROUND])
    return np.asarray(np.where(read_codes(item.trimap) > 0, CODES[UNKNOWN], definite), np.uint8)


def _detail_map(base: Path, name: str) -> Path | None:
    path = base / "detailmap" / f"{name}_cloud_trimap.jpg"
    return path if path.is_file() else None
