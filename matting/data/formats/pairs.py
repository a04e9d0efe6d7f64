"""A plain folder of pairs: your own photos and mattes.

Either of two layouts::

    ROOT/{image,images,original,fg}/<name>.*   ROOT/{alpha,alphas,matte,mattes,mask,masks}/<name>.*
    ROOT/<name>/image.*                        ROOT/<name>/alpha.*
"""

from pathlib import Path

from matting.data.formats.base import Item, Source
from matting.data.formats.folders import by_stem, complete, first_folder, pair, require_folder
from matting.data.formats.splits import in_split
from matting.images import list_images

IMAGE_FOLDERS = ("image", "images", "original", "fg")
ALPHA_FOLDERS = ("alpha", "alphas", "matte", "mattes", "mask", "masks")


def pairs(root: Path | str, split: str = "train", split_list: Path | str | None = None) -> Source:
    """Read a split of a folder of pairs.

    Args:
        root: The folder.
        split: ``train``, ``val`` or ``test``.
        split_list: File with one ``name,split`` per line; by default a hash of the name gives 80, 10 and 10 %.

    Returns:
        A source named ``pairs``, sorted by name.

    Raises:
        IncompleteError: If an image has no partner.
        FileNotFoundError: If the folder is missing or empty.
    """
    base, problems = require_folder(Path(root), "a folder of pairs"), list[str]()
    if any((base / name).is_dir() for name in ALPHA_FOLDERS):
        photos = by_stem(first_folder([base / name for name in IMAGE_FOLDERS], "photos"), "photos", problems)
        mattes = by_stem(first_folder([base / name for name in ALPHA_FOLDERS], "mattes"), "mattes", problems)
    else:
        folders = sorted(path for path in base.iterdir() if path.is_dir())
        photos = {folder.name: path for folder in folders if (path := _named(folder, "image"))}
        mattes = {folder.name: path for folder in folders if (path := _named(folder, "alpha"))}
    found = pair(photos, mattes, problems)
    # With names that lack a partner: those are reported as incomplete and not as unknown.
    chosen, rule = in_split(photos.keys() | mattes.keys(), split, split_list)
    items = [Item(name, alpha, photo, identity=f"pairs/{name}") for name, photo, alpha in found if name in chosen]
    return complete(Source("pairs", items), base, problems, rule)


def _named(folder: Path, stem: str) -> Path | None:
    return next((path for path in list_images(folder) if path.stem == stem and path.is_file()), None)
