"""The common form of all data sets: a list of items for planning, and the layers of one item for training.

How to add a format: "A new on-disk format" in docs/architecture.md.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matting import mattes
from matting.data.crop import Box, full_box
from matting.data.formats.reduced import largest_reduction, read_part
from matting.errors import MattingError
from matting.files import digest, stamp
from matting.images import Pixels, read_alpha, read_trimap
from matting.plan.curriculum import DIFFICULTIES

Look = Callable[[Pixels], Box]
"""Chooses the part of an image to use, given its matte, ``(H, W)`` uint8."""


class Layers(NamedTuple):
    """The layers of one item, or of a part of it.

    Attributes:
        foreground: ``(h, w, 3)`` uint8 sRGB: the foreground colours, or the photo itself where they are unknown.
        alpha: ``(H, W)`` uint8, 255 = foreground; ``(h, w)`` is this size or that size divided by a power of two.
        background: ``(h, w, 3)`` uint8 sRGB, or None where the plan provides the scene behind the foreground.
        ignore: ``(H, W)`` bool, True where there is no annotation, or None if the whole image is annotated.
    """

    foreground: Pixels
    alpha: Pixels
    background: Pixels | None = None
    ignore: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One annotated person or group, known without decoding an image.

    Attributes:
        name: Name, unique within its source; used in plans, reports and error messages.
        alpha: File of the matte; the photo itself where the matte is rendered from annotations.
        photo: The photo, or None where the item exists only as a foreground layer.
        foreground: The foreground layer, or None where only the photo exists.
        background: The photo's own background layer, where the data set includes one along with the foreground.
        trimap: A trimap that the data set includes for its metrics.
        difficulty: ``clear``, ``medium`` or ``hard``.
        tags: Attribute tags, such as ``backlit`` or ``glasses``.
        identity: Who is shown: items with the same identity are never on both sides of a split.
    """

    name: str
    alpha: Path
    photo: Path | None = None
    foreground: Path | None = None
    background: Path | None = None
    trimap: Path | None = None
    difficulty: str = "clear"
    tags: frozenset[str] = frozenset()
    identity: str = ""

    def __post_init__(self) -> None:
        if self.difficulty not in DIFFICULTIES:
            raise MattingError(
                f"item '{self.name}': expected a difficulty of {', '.join(DIFFICULTIES)}, found '{self.difficulty}'; "
                "correct the manifest"
            )
        if self.photo is None and self.foreground is None:
            raise MattingError(f"item '{self.name}' has neither a photo nor a foreground; give at least one")

    @property
    def layered(self) -> bool:
        """Whether the item can be composited onto another background."""
        return self.foreground is not None


def state_of(*files: Path | None) -> list[str]:
    """Return what a cache made of an item's files depends on: their present state, and how matte files are understood.

    Args:
        files: Photos and mattes; None for one that the item does not have.
    """
    return [f"rules of mattes {mattes.VERSION}", *(stamp(file) for file in files if file)]


def describe(function: Callable[..., Any] | None) -> str:
    """Describe a function of a source for the key of a cache; the description changes if what it computes does.

    Args:
        function: A reader such as ``alpha_reader``, with its object if it is a method; None if the source has none.

    Returns:
        A hash, the same in every process.
    """
    # The whole content of the object, such as annotations; addresses differ from process to process.
    return digest([re.sub(r" at 0x[0-9a-f]+", "", repr(function))])


def stored_trimap(item: Item, alpha: Pixels) -> Pixels | None:
    """Read the trimap of an item; None where the item has no trimap file."""
    return read_trimap(item.trimap) if item.trimap else None


@dataclass(frozen=True)
class Source:
    """A data set as the plan and the loader use it.

    Attributes:
        name: Name of the format, such as ``rwp``.
        items: Metadata in a fixed order: the plan refers to items by position.
        alpha_reader: Reads an item's matte; replaced by formats that store mattes in a special way.
        trimap_reader: Returns the trimap that the data set's metrics use, ``(H, W)`` uint8, for an item and its matte.
        ignored: Returns ``(H, W)`` bool, True where there is no annotation, for an item and its matte.
        frame: Returns the part of the image that belongs to the item, for its matte.
        plain_variants: Whether layered items are also drawn on white, blue and a gradient.
        notes: Sentences about what the tree on disk lacks although it is usable.
    """

    name: str
    items: Sequence[Item]
    alpha_reader: Callable[[Path], Pixels] = read_alpha
    trimap_reader: Callable[[Item, Pixels], Pixels | None] = stored_trimap
    ignored: Callable[[Item, Pixels], NDArray[np.bool_]] | None = None
    frame: Look | None = None
    plain_variants: bool = False
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.items)

    def trimap(self, item: Item, alpha: Pixels) -> Pixels | None:
        """Return the trimap of an item as `trimap_reader` does, of the size of its matte.

        Raises:
            MattingError: If the trimap and the matte differ in size, or the trimap cannot be read.
        """
        trimap = self.trimap_reader(item, alpha)
        if trimap is not None and trimap.shape != alpha.shape:
            (height, width), (h, w) = alpha.shape, trimap.shape
            raise MattingError(
                f"{item.trimap or item.name}: expected a trimap of {width}x{height} as its matte {item.alpha}, found "
                f"{w}x{h}; correct or remove it"
            )
        return trimap

    def layers(
        self, index: int, *, recomposed: bool, look: Look | None = None, smallest_side: int | None = None
    ) -> Layers:
        """Decode the layers of one item, or of a part of it.

        Args:
            index: Position of the item.
            recomposed: True if the foreground is composited onto another background; needs a layered item. Otherwise
                a photo is returned as both foreground and background; without a photo, background is None.
            look: Chooses the part from the matte; the whole image by default.
            smallest_side: If given, colours may be returned at a half, a quarter or an eighth, which decodes faster, as
                long as both sides keep at least this many pixels.

        Returns:
            Layers of one part of the image.

        Raises:
            ValueError: If the matte and the image differ in size, or an image cannot be read.
        """
        item = self.items[index]
        if recomposed and item.foreground is None:
            raise MattingError(
                f"item '{item.name}' of '{self.name}' has no foreground layer to composite onto a new background"
            )
        alpha = self.alpha_reader(item.alpha)
        box = self.frame(alpha) if self.frame else full_box(*alpha.shape)
        # `look` sees the frame alone, so the box it returns is relative to that.
        box = look(box.cut(alpha)).within(box) if look else box
        factor = largest_reduction(box, smallest_side) if smallest_side else 1
        box = box.aligned(factor, *alpha.shape)
        foreground_path, background_path = _colour_files(item, recomposed)
        foreground = read_part(foreground_path, item.alpha, alpha.shape, box, factor)
        background = None
        if background_path:
            # One array for both: the dataset then resizes it once.
            is_same = background_path == foreground_path
            background = foreground if is_same else read_part(background_path, item.alpha, alpha.shape, box, factor)
        ignore = box.cut(self.ignored(item, alpha)) if self.ignored else None
        return Layers(foreground, box.cut(alpha), background, ignore)


def _colour_files(item: Item, recomposed: bool) -> tuple[Path, Path | None]:
    """Return the files of the foreground and of its background; None where the plan provides the background."""
    if item.foreground and (recomposed or item.photo is None):
        return item.foreground, None
    if item.foreground and item.background:
        return item.foreground, item.background
    if item.photo is None:
        raise ValueError(f"item '{item.name}' has no image; give a photo or a foreground")
    return item.photo, item.photo
