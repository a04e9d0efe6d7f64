"""COCO-Matting: approximate mattes on COCO photographs.

Layout (SEMat, arXiv 2410.06593)::

    COCO-Matting/trimap_alpha/<12-digit COCO id>_<accessories>_<NN>.png    trimap and matte side by side, width 2 W
    coco/{train2017,unlabeled2017,val2017}/<12-digit COCO id>.jpg          the photographs

A matte covers one person and what that person carries. Photographs with more than one matte are left out: the other
people would be taught as background.
"""

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matting.data.sources.base import Item, Source, require_folder
from matting.images import read_alpha

PHOTO_FOLDERS = ("train2017", "unlabeled2017", "val2017")


def coco_matting(root: Path, coco: Path, split: str = "train") -> Source:
    """Pair joined trimap-alpha pictures with their COCO photographs.

    Args:
        root: The folder that holds ``trimap_alpha``.
        coco: The COCO folder that holds ``train2017`` and, if used, ``unlabeled2017`` and ``val2017``.
        split: ``train`` takes the photographs of train2017 and unlabeled2017, ``val`` those of val2017.

    Returns:
        A source named ``coco_matting``, sorted by file name.

    Raises:
        FileNotFoundError: If a folder or a photograph is missing.
    """
    joined = sorted(require_folder(root / "trimap_alpha", "joined COCO-Matting pictures").glob("*.png"))
    per_photo = Counter(path.name[:12] for path in joined)
    items = []
    for path in joined:
        folder, photo = _photo(require_folder(coco, "COCO photographs"), path.name[:12])
        if per_photo[path.name[:12]] == 1 and (folder == "val2017") == (split == "val"):
            items.append(Item(name=path.stem, photo=photo, alpha=path, identity=f"coco/{path.name[:12]}"))
    return Source("coco_matting", items, alpha_reader=read_joined_alpha)


def _photo(coco: Path, image_id: str) -> tuple[str, Path]:
    for folder in PHOTO_FOLDERS:
        if (path := coco / folder / f"{image_id}.jpg").is_file():
            return folder, path
    raise FileNotFoundError(f"{coco}: no {image_id}.jpg in {', '.join(PHOTO_FOLDERS)}; download the missing COCO part")


def read_joined_alpha(path: Path) -> NDArray[np.uint8]:
    """Read the matte half of a joined picture.

    The order of the halves differs between releases, so it is detected: a trimap holds no value but 0, 127/128, 255.

    Args:
        path: A picture of size ``(H, 2 W)``.

    Returns:
        ``(H, W)`` uint8 alpha.

    Raises:
        ValueError: If the width is odd.
    """
    joined = read_alpha(path)
    if joined.shape[1] % 2:
        raise ValueError(
            f"{path}: expected trimap and alpha side by side (an even width), found a width of {joined.shape[1]}; "
            "extract the file again"
        )
    left, right = np.split(joined, 2, axis=1)
    return right if _is_trimap(left) else left


def _is_trimap(half: NDArray[np.uint8]) -> bool:
    return bool(np.isin(half, (0, 127, 128, 255)).all())
