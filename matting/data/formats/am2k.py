"""AM-2k (Li et al., "Bridging Composite and Real: GFM", IJCV 2022): 2,000 animals, for mixtures of more than people.

Layout::

    train/{original,mask}[,fg,bg]/m_xxxxxxxx.*       1,800; fg and bg: made by the user with the authors' script
    validation/{original,mask,trimap}/m_xxxxxxxx.*   200
"""

from pathlib import Path

from matting.data.formats.base import Item, Source
from matting.data.formats.folders import by_stem, complete, pair
from matting.data.formats.splits import check_split


def am2k(root: Path | str, split: str = "train") -> Source:
    """Read AM-2k.

    Args:
        root: The folder that contains ``train`` and ``validation``.
        split: ``train``; ``val`` and ``test`` are both the validation set.

    Returns:
        A source named ``am2k``, sorted by name; items with a file in ``fg`` are layered.

    Raises:
        IncompleteError: If an image has no partner.
        FileNotFoundError: If a folder is missing.
    """
    check_split(split)
    base, problems = Path(root) / ("train" if split == "train" else "validation"), list[str]()
    photos = by_stem(base / "original", "AM-2k photos", problems)
    found = pair(photos, by_stem(base / "mask", "AM-2k mattes", problems), problems)
    layers = {
        name: by_stem(base / name, "AM-2k layers", problems) if (base / name).is_dir() else {}
        for name in ("fg", "bg", "trimap")
    }
    items = [
        Item(
            name,
            alpha,
            photo,
            foreground=layers["fg"].get(name),
            background=layers["bg"].get(name),
            trimap=layers["trimap"].get(name),
            identity=f"am2k/{name}",
        )
        for name, photo, alpha in found
    ]
    return complete(Source("am2k", items), base, problems)
