"""P3M-10k (Li et al., "Privacy-Preserving Portrait Matting", ACM MM 2021): 10,421 portraits.

Layout::

    train/{blurred_image,mask}[,fg_blurred,bg,facemask]/p_xxxxxxxx.*            9,421 with blurred faces
    [validation/]P3M-500-P/{blurred_image,mask,trimap}/p_xxxxxxxx.*             500 with blurred faces
    [validation/]P3M-500-NP/{original_image,mask,trimap}/p_xxxxxxxx.*           500 celebrities, faces visible

The archive of 2024 includes estimated foregrounds and backgrounds (``fg_blurred``, ``bg``).
"""

from pathlib import Path

from matting.data.formats.base import Item, Source
from matting.data.formats.folders import by_stem, complete, first_folder, pair, with_notes
from matting.data.formats.splits import check_split

TEST_SETS = {"val": ("P3M-500-P", "blurred_image"), "test": ("P3M-500-NP", "original_image")}


def p3m10k(root: Path | str, split: str = "train") -> Source:
    """Read P3M-10k.

    Args:
        root: The folder that contains ``train``; test sets are in it or in its ``validation``.
        split: ``train``; ``val`` is P3M-500-P and ``test`` P3M-500-NP.

    Returns:
        A source named ``p3m10k``, sorted by name; items with a file in ``fg_blurred`` are layered.

    Raises:
        IncompleteError: If an image has no partner.
        FileNotFoundError: If a folder is missing.
    """
    check_split(split)
    base, images = _set(Path(root), split)
    problems: list[str] = []
    photos = by_stem(base / images, f"P3M-10k photos ({split})", problems)
    found = pair(photos, by_stem(base / "mask", f"P3M-10k mattes ({split})", problems), problems)
    foregrounds, backgrounds, trimaps = (
        by_stem(base / name, "P3M-10k layers", problems) if (base / name).is_dir() else {}
        for name in ("fg_blurred", "bg", "trimap")
    )
    items = [
        Item(
            name,
            alpha,
            photo,
            foreground=foregrounds.get(name),
            # A background without its foreground is not used: then the photo is both.
            background=backgrounds.get(name) if name in foregrounds else None,
            trimap=trimaps.get(name),
            identity=f"p3m10k/{name}",
        )
        for name, photo, alpha in found
    ]
    return complete(with_notes(Source("p3m10k", items), _note(split, items)), base, problems)


def _set(root: Path, split: str) -> tuple[Path, str]:
    if split == "train":
        return root / "train", "blurred_image"
    name, images = TEST_SETS[split]
    return first_folder([root / "validation" / name, root / name], f"the {split} set of P3M-10k ({name})"), images


def _note(split: str, items: list[Item]) -> str | None:
    absent = sum(not item.layered for item in items)
    if split != "train" or not absent:
        return None
    return (
        f"{absent} of {len(items)} have no foreground layer (fg_blurred, in the archive since 2024): "
        "corpus.estimate_foregrounds=true estimates them; otherwise they are not paired"
    )
