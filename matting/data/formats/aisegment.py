"""AISegment matting-human: 34,427 half-length portraits with mattes from a vendor's software.

Layout::

    clip_img/<group>/clip_<number>/<group>-<id>.jpg     photos, 600 x 800
    matting/<group>/matting_<number>/<group>-<id>.png   RGBA cutouts; the alpha channel is the matte
"""

from pathlib import Path

from matting.data.formats.base import Item, Source
from matting.data.formats.folders import by_stem, complete, pair
from matting.data.formats.splits import in_split
from matting.images import read_cutout_alpha


def aisegment(root: Path | str, split: str = "train", split_list: Path | str | None = None) -> Source:
    """Read a split of AISegment.

    Args:
        root: The folder that contains ``clip_img`` and ``matting``.
        split: ``train``, ``val`` or ``test``.
        split_list: File with one ``name,split`` per line; by default a hash of the name gives 80, 10 and 10 %.

    Returns:
        A source named ``aisegment``, sorted by name.

    Raises:
        IncompleteError: If an image has no partner.
        FileNotFoundError: If a folder is missing.
    """
    base, problems = Path(root), list[str]()
    photos = _by_name(base / "clip_img", "AISegment photos (clip_img)", "clip_", problems)
    mattes = _by_name(base / "matting", "AISegment cutouts (matting)", "matting_", problems)
    found = pair(photos, mattes, problems)
    chosen, rule = in_split([name for name, _, _ in found], split, split_list)
    items = [Item(name, alpha, photo, identity=f"aisegment/{name}") for name, photo, alpha in found if name in chosen]
    return complete(Source("aisegment", items, read_cutout_alpha), base, problems, rule)


def _by_name(folder: Path, what: str, prefix: str, problems: list[str]) -> dict[str, Path]:
    """Index files by their path without the prefixes in which the two trees differ."""
    files = by_stem(folder, what, problems, recursive=True)
    return {"/".join(part.removeprefix(prefix) for part in name.split("/")): path for name, path in files.items()}
