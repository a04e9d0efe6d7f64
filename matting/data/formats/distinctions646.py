"""Distinctions-646 (Qiao et al., "HAttMatting", CVPR 2020): foregrounds with hand-made mattes, like Composition-1K.

Layout::

    Train/{FG,GT}/<name>.png   596 pairs     Train/bg_train.txt   59,600 names of COCO train2014
    Test/{FG,GT}/<name>.png     50 pairs     Test/bg_test.txt      1,000 names of PASCAL VOC

Lists have CRLF line endings. There are neither composites nor trimaps; each foreground gets 20 test backgrounds. The
foregrounds are sorted by name, because no order was published.
"""

from pathlib import Path

from matting.data.formats.base import Item, Source
from matting.data.formats.folders import by_stem, complete, pair, read_names, require_folder
from matting.data.formats.official import BACKGROUNDS, Composite, enumerate_composites
from matting.errors import MattingError

SETS = {"train": ("Train", "bg_train.txt"), "test": ("Test", "bg_test.txt")}


def distinctions646(root: Path | str, split: str = "train") -> Source:
    """Read the foregrounds of a set.

    Args:
        root: The folder that contains ``Train`` and ``Test``.
        split: ``train`` or ``test``.

    Returns:
        A source named ``distinctions646`` of layered items, sorted by name.

    Raises:
        IncompleteError: If a foreground or a matte has no partner.
        FileNotFoundError: If a folder is missing.
        MattingError: If the split is unknown.
    """
    if split not in SETS:
        raise MattingError(f"distinctions646: expected split 'train' or 'test', found '{split}'; it has no other")
    base = require_folder(Path(root), "Distinctions-646") / SETS[split][0]
    problems: list[str] = []
    foregrounds = by_stem(base / "FG", f"Distinctions-646 foregrounds ({split})", problems)
    found = pair(foregrounds, by_stem(base / "GT", f"Distinctions-646 mattes ({split})", problems), problems)
    # With the split: equal names in Train and Test need not be one image.
    items = [Item(name, alpha, foreground=fg, identity=f"distinctions646/{split}/{name}") for name, fg, alpha in found]
    return complete(Source("distinctions646", items), base, problems)


def distinctions646_composites(root: Path | str, backgrounds: Path | str, split: str = "test") -> list[Composite]:
    """Enumerate the 1,000 test or 59,600 training images; see `matting.data.formats.official.enumerate_composites`.

    Args:
        root: The folder that contains ``Train`` and ``Test``.
        backgrounds: The folder of PASCAL VOC (``VOC2012/JPEGImages``) or COCO images.
        split: ``test`` or ``train``.

    Returns:
        Composites in the order of the foregrounds' names.

    Raises:
        FileNotFoundError: If a file is missing, as the order would shift.
        MattingError: If the background list is too short.
    """
    source = distinctions646(root, split)
    found = [(item.foreground, item.alpha) for item in source.items if item.foreground]
    listed_in = Path(root).joinpath(*SETS[split])
    return enumerate_composites(found, read_names(listed_in), Path(backgrounds), listed_in, BACKGROUNDS[split])
