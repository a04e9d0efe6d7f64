"""What every data set becomes: a list of items to plan with, and the layers of one item to train on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matting.images import read_alpha, read_rgb

DIFFICULTIES = ("clear", "medium", "hard")


class Layers(NamedTuple):
    """The full-size layers of one item.

    Attributes:
        foreground: ``(H, W, 3)`` uint8 sRGB: the foreground colours, or the photograph itself where none are known.
        alpha: ``(H, W)`` uint8, 255 = foreground.
        background: ``(H, W, 3)`` uint8 sRGB, or None where the plan's scene goes behind the foreground.
        ignore: ``(H, W)`` bool, True where the annotation says nothing, or None when it holds everywhere.
    """

    foreground: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    background: NDArray[np.uint8] | None = None
    ignore: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One annotated person or group, known without decoding a picture.

    Attributes:
        name: Unique within its source; used in plans, reports and error messages.
        alpha: File that holds the matte.
        photo: The photograph, or None where the item exists only as a foreground layer.
        foreground: The foreground layer, or None where only the photograph exists.
        difficulty: ``clear``, ``medium`` or ``hard``.
        tags: Golden labels, such as ``backlit`` or ``glasses``.
        identity: Who it is: items of one identity never stand on both sides of a split.
    """

    name: str
    alpha: Path
    photo: Path | None = None
    foreground: Path | None = None
    difficulty: str = "clear"
    tags: frozenset[str] = frozenset()
    identity: str = ""

    def __post_init__(self) -> None:
        if self.difficulty not in DIFFICULTIES:
            raise ValueError(
                f"item '{self.name}': expected a difficulty of {', '.join(DIFFICULTIES)}, found '{self.difficulty}'; "
                "correct the manifest"
            )
        if self.photo is None and self.foreground is None:
            raise ValueError(f"item '{self.name}' has neither a photo nor a foreground; give at least one")

    @property
    def layered(self) -> bool:
        """Whether the item can stand before another background."""
        return self.foreground is not None


@dataclass(frozen=True)
class Source:
    """A data set as the plan and the loader see it.

    Attributes:
        name: The key by which a mixture names it, such as ``rwp``.
        items: Metadata in a fixed order: an item's position is its index in the plan.
        alpha_reader: Reads an item's matte; formats that store more than a matte in the file bring their own.
    """

    name: str
    items: Sequence[Item]
    alpha_reader: Callable[[Path], NDArray[np.uint8]] = field(default=read_alpha)

    def __len__(self) -> int:
        return len(self.items)

    def layers(self, index: int, *, recomposed: bool) -> Layers:
        """Decode the layers of one item.

        Args:
            index: Position of the item.
            recomposed: True if another background goes behind the foreground; needs a layered item. Otherwise a
                photograph comes as both foreground and background, and an item without one leaves background None.

        Returns:
            Full-size layers of equal height and width.

        Raises:
            ValueError: If the matte and the picture differ in size, or a picture cannot be read.
            FileNotFoundError: If a file is gone.
        """
        item = self.items[index]
        picture = item.foreground if recomposed or item.photo is None else item.photo
        if picture is None:
            raise ValueError(
                f"item '{item.name}' of '{self.name}' has no foreground layer to set before a new background"
            )
        colours, alpha = read_rgb(picture), self.alpha_reader(item.alpha)
        if colours.shape[:2] != alpha.shape:
            raise ValueError(
                f"{item.alpha}: expected a matte of {colours.shape[1]}x{colours.shape[0]} as {picture}, "
                f"found {alpha.shape[1]}x{alpha.shape[0]}; correct or remove the pair"
            )
        return Layers(colours, alpha, background=colours if picture is item.photo else None)


def require_folder(path: Path, what: str) -> Path:
    """Return ``path`` if it is a folder, else raise FileNotFoundError that says what was expected there."""
    if not path.is_dir():
        found = "a file" if path.exists() else "nothing"
        raise FileNotFoundError(f"{path}: expected {what}, found {found}; check the path given under 'corpus'")
    return path


def read_names(path: Path) -> list[str]:
    """Read a name list: one name a line, LF or CRLF, blank lines ignored.

    Raises:
        FileNotFoundError: If the list is missing.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a list of names, one a line; restore it from the data set's archive")
    return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
