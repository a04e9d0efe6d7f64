"""COCO-Matting (Zhang et al., "SEMat", arXiv 2410.06593): approximate mattes on COCO photos.

Layout::

    COCO-Matting/trimap_alpha/<id>_<things>_<NN>.png      trimap and matte side by side, width 2 W; or split in two:
    COCO-Matting/{alpha,trimap}/<id>_<things>_<NN>.png
    coco/{train2017,unlabeled2017,val2017}/<id>.jpg       the photos; <id> has 12 digits
    coco/annotations/instances_{train,val}2017.json       other people in the photos; optional

A matte covers **one** person and what that person carries, even if there are other people in the photo. A network
without a trimap would learn that they are background, so `scope` chooses how to treat them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.data.crop import Box
from matting.data.formats.base import Item, Source
from matting.data.formats.coco_annotations import AnnotatedPhoto, person_mask, read_people
from matting.data.formats.folders import by_stem, complete, first_folder, require_folder, with_notes
from matting.errors import MattingError
from matting.images import Pixels, read_alpha
from matting.trimap import is_unknown

Scope = Literal["single_person", "ignore_others", "crop"]

PHOTO_FOLDERS = {"train": ("train2017", "unlabeled2017"), "val": ("val2017",)}
CROP_MARGIN = 0.1
"""Share of the matte's box that ``scope=crop`` keeps around it on each side."""

OUTLINE_ERROR = 9
"""Kernel size in pixels for dilating the outline of another person to ignore: COCO's polygons are coarse."""


_NAME = re.compile(r"(\d{12})_.*\d+")


class _Matte(NamedTuple):
    """A matte file with its photo."""

    name: str
    path: Path
    photo: Path

    @property
    def photo_id(self) -> int:
        return int(self.photo.stem)


def coco_matting(root: Path | str, coco: Path | str, split: str = "train", scope: Scope = "single_person") -> Source:
    """Pair mattes with their photos.

    Args:
        root: The folder that contains ``trimap_alpha``, or ``alpha`` and ``trimap``.
        coco: The COCO folder with ``train2017``, ``unlabeled2017`` and, if used, ``val2017`` and ``annotations``.
        split: ``train`` takes the photos of train2017 and unlabeled2017, ``val`` those of val2017.
        scope: ``single_person`` keeps photos with one matte and, as far as COCO annotates them, one person.
            ``ignore_others`` keeps every matte and marks the other people as not annotated, so that losses and metrics
            skip them. ``crop`` keeps every matte and uses its box only, with other people in it as background.

    Returns:
        A source named ``coco_matting``, sorted by file name. Its notes say how many photos have no COCO annotations.

    Raises:
        IncompleteError: If a photo is missing, or a file name does not match the pattern.
        FileNotFoundError: If a folder is missing.
        MattingError: If the scope or the split is unknown.
    """
    if split not in PHOTO_FOLDERS or scope not in ("single_person", "ignore_others", "crop"):
        raise MattingError(f"coco_matting: no split '{split}' with scope '{scope}'; see docs/datasets.md for both")
    coco, problems = require_folder(Path(coco), "COCO photos"), list[str]()
    folder = first_folder([Path(root) / "trimap_alpha", Path(root) / "alpha"], "COCO-Matting")
    mattes = _mattes(by_stem(folder, "COCO-Matting", problems), coco, split, problems)
    annotated = _annotations(coco, split, {matte.photo_id for matte in mattes})
    if scope == "single_person":
        per_photo = Counter(matte.photo_id for matte in mattes)
        mattes = [m for m in mattes if per_photo[m.photo_id] == 1 and _is_alone(annotated.get(m.photo_id))]
    reader = joined_alpha if folder.name == "trimap_alpha" else read_alpha
    # Identities are those of photos: all mattes of a photo stay on one side of a split.
    items = [Item(m.name, m.path, m.photo, identity=f"coco/{m.photo.stem}") for m in mattes]
    source = Source(
        "coco_matting",
        items,
        alpha_reader=reader,
        plain_variants=True,
        frame=matte_box if scope == "crop" else None,
        ignored=OtherPeople(_by_photo(items), annotated, reader) if scope == "ignore_others" else None,
    )
    unknown = sum(matte.photo_id not in annotated for matte in mattes)
    note = f"{unknown} of {len(mattes)} photos have no annotations in COCO: other people in them are not detected"
    return complete(with_notes(source, note if unknown and scope != "crop" else None), Path(root), problems)


@dataclass(frozen=True)
class OtherPeople:
    """Masks of people whom an item's matte does not cover.

    Attributes:
        mattes: Items of each photo, by its id.
        annotated: COCO's annotations of the photos, by id.
        alpha_reader: Reads a matte.
    """

    mattes: Mapping[str, list[Item]]
    annotated: Mapping[int, AnnotatedPhoto]
    alpha_reader: Callable[[Path], Pixels]

    def __call__(self, item: Item, alpha: Pixels) -> NDArray[np.bool_]:
        """Mark the other mattes of the photo and annotated people other than the item's own; ``(H, W)`` bool."""
        name = _photo_name(item)
        others = np.zeros(alpha.shape, dtype=bool)
        for sibling in self.mattes[name]:
            if sibling.name != item.name:
                others |= self.alpha_reader(sibling.alpha) > 0
        if photo := self.annotated.get(int(name)):
            for person in photo.people:
                outline = person_mask(person, photo.height, photo.width)
                # An outline of which more than half is inside the matte is the item's own.
                if (outline & (alpha > 127)).sum() <= outline.sum() / 2:
                    others |= cv2.dilate(outline.astype(np.uint8), np.ones((OUTLINE_ERROR, OUTLINE_ERROR))) > 0
        # The item's own pixels are annotated, even where another outline covers them.
        return np.asarray(others & (alpha == 0))


def joined_alpha(path: Path) -> Pixels:
    """Read the matte half of a joined image.

    The order of the halves differs between releases, so it is detected: a trimap has no values but 0, 127/128 and 255.

    Args:
        path: An image of size ``(H, 2 W)``.

    Returns:
        ``(H, W)`` uint8 alpha.

    Raises:
        MattingError: If the width is odd.
    """
    joined = read_alpha(path)
    if joined.shape[1] % 2:
        raise MattingError(
            f"{path}: expected trimap and alpha side by side (an even width), found a width of "
            f"{joined.shape[1]}; extract the file again"
        )
    left, right = np.split(joined, 2, axis=1)
    like_trimaps = [bool(np.isin(half, (0, 127, 128, 255)).all()) for half in (left, right)]
    # A matte without a soft pixel passes for a trimap too, but has no unknown pixels.
    matte_is_left = all(like_trimaps) and not is_unknown(left).any() and is_unknown(right).any()
    return left if matte_is_left or not like_trimaps[0] else right


def matte_box(alpha: Pixels) -> Box:
    """Return the box of a matte with `CROP_MARGIN` around it, inside the image; the whole image if it is empty."""
    x, y, width, height = cv2.boundingRect(alpha)
    if not width:
        return Box(0, 0, *alpha.shape)
    across, down = round(width * CROP_MARGIN), round(height * CROP_MARGIN)
    top, left = max(0, y - down), max(0, x - across)
    bottom, right = min(alpha.shape[0], y + height + down), min(alpha.shape[1], x + width + across)
    return Box(top, left, bottom - top, right - left)


def _mattes(files: Mapping[str, Path], coco: Path, split: str, problems: list[str]) -> list[_Matte]:
    """List the mattes of a split with their photos."""
    found: list[_Matte] = []
    for name, path in sorted(files.items()):
        match = _NAME.fullmatch(name)
        places = {
            kind: photo
            for kind, folders in PHOTO_FOLDERS.items()
            for folder in folders
            if match and (photo := coco / folder / f"{match[1]}.jpg").is_file()
        }
        if match is None:
            problems.append(f"{path} is not named <12-digit COCO id>_<things>_<NN>")
        elif not places:
            folders = ", ".join(folder for group in PHOTO_FOLDERS.values() for folder in group)
            problems.append(f"{match[1]}.jpg is in none of {folders} of {coco}")
        elif split in places:
            found.append(_Matte(name, path, places[split]))
    return found


def _annotations(coco: Path, split: str, ids: set[int]) -> dict[int, AnnotatedPhoto]:
    path = coco / "annotations" / f"instances_{split}2017.json"
    return read_people(path, only=ids) if path.is_file() else {}


def _is_alone(photo: AnnotatedPhoto | None) -> bool:
    # Without annotations nobody else can be found; the source's notes count such photos.
    return photo is None or len(photo.people) == 1


def _photo_name(item: Item) -> str:
    # Names begin with COCO's 12 digits, see `_NAME`.
    return item.name[:12]


def _by_photo(items: list[Item]) -> dict[str, list[Item]]:
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[_photo_name(item)].append(item)
    return dict(groups)
