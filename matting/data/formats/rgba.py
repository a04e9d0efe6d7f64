"""A plain folder of cutouts: images whose alpha channel is the matte and whose colours are the foreground.

Layout: ``ROOT/**/<name>.{png,webp,tif,…}``.
"""

from pathlib import Path

from matting.data.formats.base import Item, Source
from matting.data.formats.folders import by_stem, complete
from matting.data.formats.splits import in_split
from matting.images import read_cutout_alpha


def rgba(root: Path | str, split: str = "train", split_list: Path | str | None = None) -> Source:
    """Read a split of a folder of cutouts.

    Args:
        root: The folder; subfolders are read as well.
        split: ``train``, ``val`` or ``test``.
        split_list: File with one ``name,split`` per line; by default a hash of the name gives 80, 10 and 10 %.

    Returns:
        A source named ``rgba`` of layered items without photos, sorted by name.

    Raises:
        FileNotFoundError: If the folder is missing or empty.
        IncompleteError: If two files have the same name.
    """
    problems: list[str] = []
    files = by_stem(Path(root), "a folder of cutouts", problems, recursive=True)
    chosen, rule = in_split(files, split, split_list)
    # One file for both: the colours are straight, and the reader takes the alpha channel as the matte.
    items = [Item(n, path, foreground=path, identity=f"rgba/{n}") for n, path in sorted(files.items()) if n in chosen]
    return complete(Source("rgba", items, read_cutout_alpha), Path(root), problems, rule)
