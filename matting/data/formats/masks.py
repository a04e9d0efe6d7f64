"""A folder of photos and masks of the people in them: hard outlines without hair.

Layout::

    ROOT/{image,images,original,fg}/<name>.*   ROOT/{mask,masks}/<name>.png

A mask has two values, 0 and any other, or class numbers: one class in addition to the background 0, and 255 for void,
as in PASCAL VOC. An outline does not determine the edge of a matte; there are two ways to treat it:

- ``refine`` estimates a matte once and stores it in the cache folder (`matting.data.formats.approximate`),
- ``ignore_band`` uses the mask as it is and ignores a band around its edge in losses and metrics.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from matting.cache import cache_dir
from matting.closed_form import closed_form
from matting.data.formats.approximate import BAND, approximate_matte, trimap_from_mask
from matting.data.formats.base import Item, Source, state_of
from matting.data.formats.folders import by_stem, complete, first_folder, pair, require_folder
from matting.data.formats.pairs import IMAGE_FOLDERS
from matting.data.formats.splits import in_split
from matting.errors import MattingError
from matting.files import digest
from matting.images import Pixels, read_alpha, read_labels, read_rgb, write_png
from matting.processes import in_processes
from matting.trimap import is_unknown

Treatment = Literal["refine", "ignore_band"]

MASK_FOLDERS = ("mask", "masks")
VOID = 255
"""Value of pixels without a class in masks of class numbers."""
LARGEST_SIDE = 1024
"""Maximum long side in pixels at which mattes are estimated; those of larger images are scaled up."""
MANY_LEVELS = 16
"""Number of gray levels above which an image is a matte and not a mask."""
VERSION = 1
"""Version of the estimate; a new one recomputes all mattes."""

_NUMBER = re.compile(r"(.*?)(\d+)(\D*)$")


def masks(
    root: Path | str,
    split: str = "train",
    split_list: Path | str | None = None,
    treatment: Treatment = "refine",
    block: int = 1,
    workers: int | None = None,
) -> Source:
    """Read a split of a folder of masks.

    Args:
        root: The folder.
        split: ``train``, ``val`` or ``test``.
        split_list: File with one ``name,split`` per line; by default a hash of the name gives 80, 10 and 10 %.
        treatment: How to treat the edge: ``refine`` or ``ignore_band``.
        block: Without a list, how many consecutive numbers share a split and count as one identity: 20 keeps
            ``me_0040`` to ``me_0059`` together, since shots of a session are numbered consecutively. 1 splits by name.
        workers: Number of processes that estimate mattes; all cores by default.

    Returns:
        A source named ``masks``, sorted by name. Void is ignored.

    Raises:
        IncompleteError: If an image has no partner.
        FileNotFoundError: If the folder is missing or empty.
        ValueError: If an option is unknown, or a mask has another form than described above.
    """
    if treatment not in get_args(Treatment) or block < 1:
        expected = f"treatment {' or '.join(get_args(Treatment))} and block >= 1"
        raise MattingError(f"masks: expected {expected}, found '{treatment}' and {block}")
    base, problems = require_folder(Path(root), "a folder of masks"), list[str]()
    photos = by_stem(first_folder([base / name for name in IMAGE_FOLDERS], "photos"), "photos", problems)
    files = by_stem(first_folder([base / name for name in MASK_FOLDERS], "masks"), "masks", problems)
    found = pair(photos, files, problems)
    group = partial(block_of, block=block if split_list is None else 1)
    # With names that lack a partner: those are reported as incomplete and not as unknown.
    chosen, rule = in_split(photos.keys() | files.keys(), split, split_list, group)
    items = [Item(name, mask, photo, identity=f"masks/{group(name)}") for name, photo, mask in found if name in chosen]
    problems += _first_problem(items)
    source = complete(Source("masks", items, mask_alpha, plain_variants=True), base, problems, rule)
    # By photo, since refining replaces the matte files of the items.
    edges = Edges({item.photo: item.alpha for item in items if item.photo}, treatment == "ignore_band")
    return replace(source if edges.band else _refined(source, workers), ignored=edges)


def block_of(name: str, block: int) -> str:
    """Name the block of consecutive numbers of a file after the last number in its name, else after the name."""
    number = _NUMBER.match(name)
    if block == 1 or not number:
        return name
    first = int(number[2]) // block * block
    return f"{number[1]}{first}-{first + block - 1}"


def _first_problem(items: Sequence[Item]) -> list[str]:
    """Check the first mask, so that a folder of something else is refused before any work is done."""
    try:
        for item in items[:1]:
            read_mask(item.alpha)
    except MattingError as error:
        return [str(error)]
    return []


def read_mask(path: Path) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Read a mask.

    Args:
        path: File of the mask.

    Returns:
        Where the person is and where void is, ``(H, W)`` bool each.

    Raises:
        ValueError: If the file is not a mask of one class: colours, several classes, a soft matte, or no person.
    """
    labels, indexed = read_labels(path)
    levels = np.unique(labels).tolist()
    if len(levels) > MANY_LEVELS:
        raise MattingError(
            f"{path}: expected a mask of two values, found {len(levels)} gray levels; mattes are read by 'pairs', and "
            "a mask is stored as PNG, not as JPEG"
        )
    # 255 is void in class numbers, white in an image of two levels, and foreground in a trimap of three.
    has_void = indexed or levels == [0, 1, VOID]
    classes = [level for level in levels if level != 0 and not (has_void and level == VOID)]
    if len(classes) > 1:
        raise MattingError(
            f"{path}: expected one class in addition to the background 0, found {', '.join(map(str, classes))}; "
            "keep the person's number and set the others to 0"
        )
    void = (labels == VOID) & has_void
    person = (labels != 0) & ~void
    if not person.any():
        raise MattingError(f"{path}: expected a person in the mask, found background only; remove the pair")
    return person, void


def mask_alpha(path: Path) -> Pixels:
    """Read the person of a mask as a matte of 0 and 255."""
    return np.where(read_mask(path)[0], 255, 0).astype(np.uint8)


@dataclass(frozen=True)
class Edges:
    """Masks of pixels without a usable annotation.

    Attributes:
        masks: Mask file of each photo.
        band: Whether to include the band around the edge, in addition to void.
    """

    masks: Mapping[Path, Path]
    band: bool

    def __call__(self, item: Item, alpha: Pixels) -> NDArray[np.bool_]:
        """Mark void and, if chosen, the unknown region of `trimap_from_mask`; ``(H, W)`` bool."""
        if item.photo is None:
            raise ValueError(f"item '{item.name}' of 'masks' has no photo")
        person, void = read_mask(self.masks[item.photo])
        return np.asarray(void | is_unknown(trimap_from_mask(person))) if self.band else void


def _refined(source: Source, workers: int | None) -> Source:
    """Return the source with estimated mattes; those missing from the cache are computed, with a progress bar."""
    files = [_cache_file(item) for item in source.items]
    missing = [(item, file) for item, file in zip(source.items, files, strict=True) if not file.is_file()]
    if missing:
        missing[0][1].parent.mkdir(parents=True, exist_ok=True)
        made = in_processes(_refine, missing, workers, _lost)
        for _ in track(made, "mattes of masks", len(missing), console=Console(stderr=True)):
            pass  # each matte is written to its file, so an interrupted run resumes where it stopped
    items = [replace(item, alpha=file) for item, file in zip(source.items, files, strict=True)]
    return replace(source, items=items, alpha_reader=read_alpha)


def _lost(work: tuple[Item, Path], reason: str) -> None:
    raise MattingError(f"{work[0].photo}: expected a matte of its mask, but {reason}")


def _refine(work: tuple[Item, Path]) -> None:
    item, file = work
    assert item.photo is not None
    photo, (person, _) = read_rgb(item.photo), read_mask(item.alpha)
    height, width = person.shape
    if photo.shape[:2] != person.shape:
        raise MattingError(
            f"{item.alpha}: expected a mask of {photo.shape[1]}x{photo.shape[0]} as {item.photo}, "
            f"found {width}x{height}; correct or remove the pair"
        )
    scale = LARGEST_SIDE / max(height, width)
    if scale >= 1:
        write_png(file, approximate_matte(photo, person, closed_form))
        return
    size = max(1, round(width * scale)), max(1, round(height * scale))
    photo = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    share = cv2.resize(person.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)
    small = share > share.max() // 2  # relative, to keep a person smaller than a pixel
    alpha = cv2.resize(approximate_matte(photo, small, closed_form), (width, height), interpolation=cv2.INTER_LINEAR)
    write_png(file, np.asarray(alpha, np.uint8))


def _cache_file(item: Item) -> Path:
    """Name the cache file after its inputs, so that a changed photo, mask or estimate gets a new one."""
    facts = [f"version {VERSION} {BAND} {LARGEST_SIDE}", *state_of(item.photo, item.alpha)]
    return cache_dir() / "mattes" / f"{digest(facts)}.png"
