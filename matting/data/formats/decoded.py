"""A cache of decoded layers for small sets: memory-mapped files that all workers share through the page cache.

Decoding takes nearly all of the time of a draw. Decoded layers are stored somewhat larger than a crop, in the
proportions of their image, so that crops are chosen as without the cache; it drops pixels that few crops would show.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matting.cache import cache_dir
from matting.data.crop import full_box, resize
from matting.data.formats.base import Item, Layers, Look, Source, describe, state_of
from matting.errors import MattingError
from matting.files import digest, replacing
from matting.images import Pixels

VERSION = 2
"""Version of the files' content; with a new one all layers are decoded again."""


class _Slots(NamedTuple):
    """Memory-mapped arrays with one entry per slot; ``filled`` is 1 where the slot has been written.

    The pixels of an image, ``(height, width)`` of ``sizes``, are the first of its slot, row by row.
    """

    sizes: NDArray[np.int32]
    colours: Pixels
    alpha: Pixels
    ignore: Pixels
    filled: Pixels


@dataclass(frozen=True)
class DecodedSource(Source):
    """A source whose first items are decoded once, when they are first drawn.

    Attributes:
        side: Largest long side of a stored image in pixels; a slot has room for a square.
        slots: Slot of each cached view, by the item's name and ``recomposed``. Positions would not do: items may be
            left out later.
        file: File of the slots.
    """

    side: int = 0
    slots: Mapping[tuple[str, bool], int] = field(default_factory=dict)
    file: Path = field(default_factory=Path)

    def layers(
        self, index: int, *, recomposed: bool, look: Look | None = None, smallest_side: int | None = None
    ) -> Layers:
        """Return layers as `Source.layers` does, with fewer pixels where they come from the cache."""
        item = self.items[index]
        slot = self.slots.get((item.name, recomposed))
        if slot is None:
            return super().layers(index, recomposed=recomposed, look=look, smallest_side=smallest_side)
        slots = _open(self.file, len(self.slots), self.side)
        if not slots.filled[slot]:
            # Without `look`: later draws crop the same image elsewhere.
            self._fill(slots, slot, super().layers(index, recomposed=recomposed, smallest_side=self.side))
        height, width = slots.sizes[slot].tolist()
        colours = slots.colours[slot, : height * width].reshape(height, width, 3)
        alpha, ignored = (part[slot, : height * width].reshape(height, width) for part in (slots.alpha, slots.ignore))
        box = look(alpha) if look else full_box(height, width)
        foreground = box.cut(colours)
        ignore = box.cut(ignored).astype(bool) if self.ignored else None
        return Layers(foreground, box.cut(alpha), None if recomposed else foreground, ignore)

    def _fill(self, slots: _Slots, slot: int, layers: Layers) -> None:
        height, width = _stored_size(layers.alpha.shape, self.side)
        pixels = height * width
        slots.sizes[slot] = height, width
        slots.colours[slot, :pixels] = resize(layers.foreground, height, width).reshape(pixels, 3)
        slots.alpha[slot, :pixels] = resize(layers.alpha, height, width).ravel()
        if layers.ignore is not None:
            slots.ignore[slot, :pixels] = resize(layers.ignore.astype(np.uint8) * 255, height, width).ravel() > 0
        # Two workers may fill a slot at once: both write the same bytes, and the flag is set last.
        slots.filled[slot] = 1


def with_decoded_cache(source: Source, side: int, gigabytes: float) -> Source:
    """Cache the decoded layers of a source, or of as many of its first items as fit.

    Args:
        source: Source to cache, with its final identities, on which withheld labels depend. Items with a photo and both
            of its layers are not cached.
        side: Long side of the stored images in pixels; smaller images keep their size. One and a half times the crop's
            side keeps close-ups sharp.
        gigabytes: Disk space for this source's layers, in units of 1e9 bytes; it is reserved at once.

    Returns:
        A source with the same items.

    Raises:
        MattingError: If not even one item fits.
        OSError: If the disk is full.
    """
    if not any(map(_views, source.items)):
        return source
    slots = _first_slots(source, int(gigabytes * 1e9) // _bytes_per_slot(side))
    if not slots:
        raise MattingError(
            f"expected room for a square of {side} pixels of '{source.name}', found {gigabytes} GB; "
            "raise corpus.cache_gigabytes, or set it to 0"
        )
    file = cache_dir() / "decoded" / f"{source.name}-{_fingerprint(source, slots, side)}.bin"
    if not file.is_file():
        _reserve(file, len(slots) * _bytes_per_slot(side))
    content = {entry.name: getattr(source, entry.name) for entry in fields(Source)}
    return DecodedSource(**content, side=side, slots=slots, file=file)


def _views(item: Item) -> list[bool]:
    """Return the cached views of an item: without and with another background, as far as they exist."""
    # A photo with both layers has two images of colours, and a slot has room for one. Its other view is not cached
    # either: the views of a pair show one crop, which depends on the pixels of the matte from which it is chosen.
    if item.photo and item.foreground and item.background:
        return []
    return [recomposed for recomposed, file in ((False, item.photo), (True, item.foreground)) if file]


def _first_slots(source: Source, room: int) -> dict[tuple[str, bool], int]:
    """Give slots to the first items, as many as there is room for; all views of an item or none."""
    slots: dict[tuple[str, bool], int] = {}
    for item in source.items:
        views = _views(item)
        if len(slots) + len(views) > room:
            break
        for recomposed in views:
            slots[item.name, recomposed] = len(slots)
    return slots


def _stored_size(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """Return the height and width of an image reduced, in its proportions, to a long side of at most ``side``."""
    scale = min(1.0, side / max(shape))
    height, width = (max(1, round(length * scale)) for length in shape)
    return height, width


def _bytes_per_slot(side: int) -> int:
    return side * side * 5 + 9  # three channels, alpha, ignore; height and width, and the flag


def _reserve(file: Path, size: int) -> None:
    """Create a file of zeros with its space reserved, so that a full disk is reported now and not by a worker."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as temporary, temporary.open("wb") as out:
        # Where there is no such call, as on macOS, the file is sparse, and a full disk is noticed late.
        os.posix_fallocate(out.fileno(), 0, size) if hasattr(os, "posix_fallocate") else out.truncate(size)


@cache
def _open(file: Path, slots: int, side: int) -> _Slots:
    """Map the file, once in each process."""
    pixels = side * side
    # The sizes come first, so that their integers are aligned.
    shapes = ((slots, 8), (slots, pixels, 3), (slots, pixels), (slots, pixels), (slots,))
    whole, parts, start = np.memmap(file, np.uint8, "r+"), [], 0
    for shape in shapes:
        end = start + int(np.prod(shape))
        parts.append(np.asarray(whole[start:end]).reshape(shape))
        start = end
    return _Slots(parts[0].view(np.int32), *parts[1:])


def _fingerprint(source: Source, slots: Mapping[tuple[str, bool], int], side: int) -> str:
    """Hash what the slots depend on: the current state of the files, how the source decodes them, who is shown."""
    facts = [f"version {VERSION} {side}", *map(describe, (source.alpha_reader, source.ignored, source.frame))]
    for item in source.items:
        if views := [view for view in _views(item) if (item.name, view) in slots]:
            facts += [f"{item.name} {views}", item.identity, *state_of(item.alpha, item.photo, item.foreground)]
    return digest(facts)
