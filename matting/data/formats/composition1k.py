"""Adobe Composition-1K: studio foregrounds with hand-made mattes, composited on the fly.

Layout of the archive (Xu et al., "Deep Image Matting", CVPR 2017)::

    Combined_Dataset/Training_set/{Adobe-licensed images,Other}/{fg,alpha}/   431 foregrounds
                     Training_set/training_{fg,bg}_names.txt                  431 and 43,100 lines
                     Test_set/Adobe-licensed images/{fg,alpha,trimaps}/       50 foregrounds, 1,000 trimaps
                     Test_set/test_{fg,bg}_names.txt                          50 and 1,000 lines

Many loaders merge the folders of a set into ``{fg,alpha}`` or ``combined_{fg,alpha}``; these layouts are read as well.
"""

from pathlib import Path

from matting.data.formats.base import Item, Source
from matting.data.formats.folders import complete, read_names, require_folder
from matting.data.formats.official import BACKGROUNDS, Composite, enumerate_composites
from matting.errors import MattingError

SETS = {"train": ("Training_set", "training"), "test": ("Test_set", "test")}
FOLDERS = (
    ("Adobe-licensed images/fg", "Adobe-licensed images/alpha"),
    ("Other/fg", "Other/alpha"),
    ("fg", "alpha"),
    ("combined_fg", "combined_alpha"),
)


def composition1k(root: Path | str, split: str = "train", solid_list: Path | str | None = None) -> Source:
    """Read the foregrounds of a set.

    Args:
        root: The folder ``Combined_Dataset``.
        split: ``train`` or ``test``.
        solid_list: File with the names of the foregrounds to keep, one per line: portraits are learned better without
            glass, webs and flames (MGMatting keeps 269 of 431).

    Returns:
        A source named ``composition1k`` of layered items, in the order of the official name list.

    Raises:
        IncompleteError: If a listed foreground or its matte is missing.
        FileNotFoundError: If a folder or a name list is missing.
        MattingError: If the solid list has a name that is not in the set, or the split is unknown.
    """
    found, problems = _listed_pairs(Path(root), split)
    solid = None if solid_list is None else _solid(Path(solid_list), [fg.stem for fg, _ in found])
    items = [
        Item(fg.stem, alpha, foreground=fg, identity=f"composition1k/{fg.stem}")
        for fg, alpha in found
        if solid is None or fg.stem in solid
    ]
    return complete(Source("composition1k", items), Path(root), problems)


def composition1k_composites(root: Path | str, backgrounds: Path | str, split: str = "test") -> list[Composite]:
    """Enumerate the 1,000 test or 43,100 training images; see `matting.data.formats.official.enumerate_composites`.

    Args:
        root: The folder ``Combined_Dataset``.
        backgrounds: The folder of PASCAL VOC (``VOC2012/JPEGImages``) or COCO images.
        split: ``test`` or ``train``.

    Returns:
        Composites in the official order.

    Raises:
        FileNotFoundError: If a file is missing, as the official order would shift.
        MattingError: If the background list is too short.
    """
    found, problems = _listed_pairs(Path(root), split)
    # For its errors: a foreground that is missing would shift the official order.
    complete(
        Source("composition1k", [Item(fg.stem, alpha, foreground=fg) for fg, alpha in found]), Path(root), problems
    )
    folder, prefix = SETS[split]
    listed_in = Path(root) / folder / f"{prefix}_bg_names.txt"
    return enumerate_composites(found, read_names(listed_in), Path(backgrounds), listed_in, BACKGROUNDS[split])


def _listed_pairs(root: Path, split: str) -> tuple[list[tuple[Path, Path]], list[str]]:
    """Return foreground and matte files in the order of the split's name list, and what is missing."""
    if split not in SETS:
        raise MattingError(f"composition1k: expected split 'train' or 'test', found '{split}'; it has no other")
    folder, prefix = SETS[split]
    base = require_folder(require_folder(root, "Composition-1K (Combined_Dataset)") / folder, f"the {split} set")
    names = read_names(base / f"{prefix}_fg_names.txt")
    found = [(name, _find(base, name)) for name in names]
    problems = [f"'{name}' of {prefix}_fg_names.txt has no fg/alpha pair in {base}" for name, p in found if p is None]
    return [files for _, files in found if files], problems


def _find(base: Path, name: str) -> tuple[Path, Path] | None:
    for foregrounds, alphas in FOLDERS:
        if (foreground := base / foregrounds / name).is_file():
            # Merged copies often have lossless mattes next to JPEG foregrounds.
            named = (base / alphas / name, (base / alphas / name).with_suffix(".png"))
            if alpha := next((path for path in named if path.is_file()), None):
                return foreground, alpha
    return None


def _solid(solid_list: Path, stems: list[str]) -> set[str]:
    solid = {Path(name).stem for name in read_names(solid_list)}
    if unknown := sorted(solid - set(stems)):
        raise MattingError(
            f"{solid_list}: {len(unknown)} names are not in the set, such as '{unknown[0]}'; correct them"
        )
    return solid
