"""Adobe Composition-1K: studio foregrounds with hand-made mattes, composited on line.

Layout of the archive (Xu et al., "Deep Image Matting", CVPR 2017)::

    Combined_Dataset/Training_set/{Adobe-licensed images,Other}/{fg,alpha}/   431 foregrounds
                     Training_set/training_{fg,bg}_names.txt                  431 and 43,100 lines
                     Test_set/Adobe-licensed images/{fg,alpha,trimaps}/       50 foregrounds, 1,000 trimaps
                     Test_set/test_{fg,bg}_names.txt                          50 and 1,000 lines
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from matting.data.sources.base import Item, Source, read_names, require_folder

FOLDERS = {"train": ("Training_set", "training"), "test": ("Test_set", "test")}
BACKGROUNDS_PER_FOREGROUND = {"train": 100, "test": 20}


def composition1k(root: Path, split: str = "train") -> Source:
    """Read the foregrounds of one split.

    Args:
        root: The folder ``Combined_Dataset``.
        split: ``train`` or ``test``.

    Returns:
        A source named ``composition1k`` of layered items, in the order of the official name list.

    Raises:
        FileNotFoundError: If a folder, the name list or a file named by it is missing.
    """
    folder, prefix = FOLDERS[split]
    base = require_folder(require_folder(root, "Composition-1K (Combined_Dataset)") / folder, f"the {split} set")
    items = [_find(base, name) for name in read_names(base / f"{prefix}_fg_names.txt")]
    return Source("composition1k", items)


def _find(base: Path, name: str) -> Item:
    for folder in ("Adobe-licensed images", "Other"):
        foreground, alpha = base / folder / "fg" / name, base / folder / "alpha" / name
        if foreground.is_file() and alpha.is_file():
            return Item(name=Path(name).stem, foreground=foreground, alpha=alpha, group=f"composition1k/{name}")
    raise FileNotFoundError(f"{base}: '{name}' of the name list has no fg/alpha pair; unpack the archive again")


class TestComposite(NamedTuple):
    """One of the official test pictures: a foreground's item, its background and its trimap file, if shipped."""

    name: str
    item: Item
    background: Path
    trimap: Path | None


def composites(root: Path, backgrounds: Path, source: Source) -> Iterator[TestComposite]:
    """Enumerate the test composites by the official rule.

    Foreground ``k`` stands before backgrounds ``20 k … 20 k + 19`` of the background list; the picture is called
    ``<foreground stem>_<i>.png``.

    Args:
        root: The folder ``Combined_Dataset``.
        backgrounds: The folder of PASCAL VOC pictures (``VOC2012/JPEGImages``).
        source: The test split as `composition1k` reads it.

    Yields:
        Composites in the official order, not yet decoded.

    Raises:
        ValueError: If the background list is shorter than the rule needs.
    """
    base = root / FOLDERS["test"][0]
    names = read_names(base / "test_bg_names.txt")
    each = BACKGROUNDS_PER_FOREGROUND["test"]
    if len(names) < each * len(source):
        raise ValueError(
            f"{base / 'test_bg_names.txt'}: expected {each} names for each of {len(source)} foregrounds, "
            f"found {len(names)}; restore the list from the archive"
        )
    for k, item in enumerate(source.items):
        for i in range(each):
            name = f"{item.name}_{i}"
            trimap = item.alpha.parent.parent / "trimaps" / f"{name}.png"
            yield TestComposite(name, item, backgrounds / names[k * each + i], trimap if trimap.is_file() else None)
