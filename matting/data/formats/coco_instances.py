"""A portrait subset of COCO: photos whose instance annotations show one or a few clearly visible people.

Layout::

    {train2017,val2017}/<id>.jpg   annotations/instances_{train,val}2017.json

COCO has outlines, not mattes. ``matting data coco-mattes`` refines them into approximate mattes, ``<id>.png`` in a
folder of its own; without that folder the outlines themselves are the mattes, and the source's notes say so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matting.data.formats.base import Item, Source
from matting.data.formats.coco_annotations import AnnotatedPhoto, Person, read_people, union_mask
from matting.data.formats.folders import complete, with_notes
from matting.errors import MattingError
from matting.images import Pixels, read_alpha

SPLITS = ("train", "val")


@dataclass(frozen=True)
class PersonFilter:
    """Selects the photos that are portraits.

    Attributes:
        smallest: Minimum share of the photo that a person covers; smaller ones are bystanders, whose pixels are
            ignored.
        largest_at_least: Minimum share that the largest person covers.
        most: Maximum number of people, not counting bystanders.
        truncated: Whether people may be cut off at the top or a side; portraits are always cut off at the bottom.
        border: Pixels from the image's edge within which an outline counts as cut off.
    """

    smallest: float = 0.02
    largest_at_least: float = 0.1
    most: int = 3
    truncated: bool = False
    border: float = 4.0

    def select(self, photo: AnnotatedPhoto) -> "Selection | None":
        """Return the people of a photo, or None if it is not a portrait; photos with a crowd never are."""
        # By id, because outlines contain lists, which cannot be hashed.
        share = {id(person): person.area / (photo.height * photo.width) for person in photo.people}
        people = [person for person in photo.people if share[id(person)] >= self.smallest]
        is_large = any(share[id(person)] >= self.largest_at_least for person in people)
        if not is_large or len(people) > self.most or any(person.is_crowd for person in photo.people):
            return None
        if not self.truncated and any(self._is_cut(person, photo.width) for person in people):
            return None
        return Selection(photo, people, [person for person in photo.people if share[id(person)] < self.smallest])

    def _is_cut(self, person: Person, width: int) -> bool:
        left, top, across, _ = person.box
        return left <= self.border or top <= self.border or left + across >= width - self.border


class Selection(NamedTuple):
    """A portrait: its people, who are the foreground, and bystanders, whose annotation is too coarse."""

    photo: AnnotatedPhoto
    people: list[Person]
    bystanders: list[Person]

    def mask(self) -> NDArray[np.bool_]:
        """Render where the people are, ``(H, W)`` bool."""
        return union_mask(self.people, self.photo.height, self.photo.width)


def select_portraits(coco: Path, split: str, rule: PersonFilter) -> dict[str, Selection]:
    """Select the portraits of a split of COCO 2017.

    Args:
        coco: The folder that contains ``annotations``.
        split: ``train`` or ``val``.
        rule: Selects the portraits.

    Returns:
        Portraits by the photo's file name without extension.

    Raises:
        FileNotFoundError: If the annotations are missing.
        MattingError: If they cannot be read, or there is no such split.
    """
    if split not in SPLITS:
        raise MattingError(
            f"coco_instances: expected split 'train' or 'val', found '{split}'; only those are annotated"
        )
    photos = read_people(coco / "annotations" / f"instances_{split}2017.json")
    return {Path(p.file_name).stem: chosen for p in photos.values() if (chosen := rule.select(p))}


def coco_instances(
    coco: Path | str, split: str = "train", mattes: Path | str | None = None, rule: PersonFilter | None = None
) -> Source:
    """Read the portraits of COCO.

    Args:
        coco: The folder that contains ``train2017``, ``val2017`` and ``annotations``.
        split: ``train`` or ``val``.
        mattes: The folder that ``matting data coco-mattes`` wrote for this split; None uses the outlines.
        rule: Selects the portraits.

    Returns:
        A source named ``coco_instances``, in the annotations' order. Bystanders are ignored.

    Raises:
        IncompleteError: If photos or mattes are missing.
        FileNotFoundError: If the annotations are missing.
        MattingError: If they cannot be read, or there is no such split.
    """
    coco, problems, items = Path(coco), list[str](), list[Item]()
    selections = select_portraits(coco, split, rule or PersonFilter())
    for name, selection in selections.items():
        photo = coco / f"{split}2017" / selection.photo.file_name
        alpha = Path(mattes) / f"{name}.png" if mattes else photo
        # A set, since both are one file where the outlines are the mattes.
        problems += [f"{path} is missing" for path in {photo, alpha} if not path.is_file()]
        # The same identities as in `coco_matting`, so that a photo in both sets counts as the same person.
        items.append(Item(name, alpha, photo, identity=f"coco/{name}"))
    items = [item for item in items if item.photo and item.photo.is_file() and item.alpha.is_file()]
    outlines = Outlines(selections)
    source = Source(
        "coco_instances",
        items,
        alpha_reader=read_alpha if mattes else outlines.alpha,
        plain_variants=True,
        ignored=outlines.bystanders,
    )
    note = None if mattes else "mattes are COCO's outlines, hard and coarse; 'matting data coco-mattes' refines them"
    return complete(with_notes(source, note), coco, problems)


@dataclass(frozen=True)
class Outlines:
    """Masks that are rendered from the annotations when an item is decoded.

    Attributes:
        selections: The portraits, by item name.
    """

    selections: Mapping[str, Selection]

    def alpha(self, photo: Path) -> Pixels:
        """Render the outlines of a photo's people as a matte of 0 and 255."""
        return np.where(self.selections[photo.stem].mask(), 255, 0).astype(np.uint8)

    def bystanders(self, item: Item, alpha: Pixels) -> NDArray[np.bool_]:
        """Render where bystanders are and the matte is empty."""
        selection = self.selections[item.name]
        mask = union_mask(selection.bystanders, selection.photo.height, selection.photo.width)
        # Where a bystander overlaps the matte, the matte is the annotation.
        return np.asarray(mask & (alpha == 0))
