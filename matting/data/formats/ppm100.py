"""PPM-100 (Ke et al., "MODNet", AAAI 2022): 100 portraits on natural backgrounds, a test set.

Layout: ``image/<flickr name>.jpg`` and ``matte/<flickr name>.jpg``. Mattes are JPEG: their 0 and 255 are not exact.
"""

from pathlib import Path

from matting.data.formats.base import Item, Source
from matting.data.formats.folders import by_stem, complete, pair
from matting.data.formats.splits import benchmark_split
from matting.images import Pixels, read_alpha
from matting.trimap import without_jpeg_noise


def ppm100(root: Path | str, split: str = "test", split_list: Path | str | None = None) -> Source:
    """Read PPM-100, or a part of it.

    Args:
        root: The folder that contains ``image`` and ``matte``.
        split: ``test`` is the whole set; other splits need a list.
        split_list: File with one ``name,split`` per line.

    Returns:
        A source named ``ppm100``, sorted by name.

    Raises:
        IncompleteError: If an image has no partner.
        FileNotFoundError: If a folder is missing.
        ValueError: If another split is requested without a list.
    """
    base, problems = Path(root), list[str]()
    photos = by_stem(base / "image", "PPM-100 photos", problems)
    found = pair(photos, by_stem(base / "matte", "PPM-100 mattes", problems), problems)
    chosen = benchmark_split([name for name, _, _ in found], split, split_list, "PPM-100")
    items = [Item(name, alpha, photo, identity=f"ppm100/{name}") for name, photo, alpha in found if name in chosen]
    return complete(Source("ppm100", items, alpha_reader=cleaned_alpha), base, problems)


def cleaned_alpha(path: Path) -> Pixels:
    """Read a matte stored as JPEG and snap values close to 0 and 255."""
    return without_jpeg_noise(read_alpha(path))
