"""A cache of decoded layers for small sets: memory-mapped files that all workers share through the page cache.

Decoding takes nearly all of the time of a draw. Decoded layers are stored as squares somewhat larger than a crop. Crops
are resized to squares anyway, so this restricts no crop; it only drops pixels that no crop would show.
"""

import os
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from matting.cache import cache_dir
from matting.data.crop import full_box, resize
from matting.data.formats.base import Layers, Look, Source, describe, state_of
from matting.errors import MattingError
from matting.files import digest, replacing
from matting.images import Pixels


class _Squares(NamedTuple):
    """Memory-mapped arrays with one entry per slot; ``filled`` is 1 where the slot has been written."""

    colours: Pixels
    alpha: Pixels
    ignore: Pixels
    filled: Pixels


@dataclass(frozen=True)
class DecodedSource(Source):
    """A source whose first items are decoded once, when they are first drawn.

    Attributes:
        side: Side of the squares in pixels.
        slots: Number of squares. An item has one, or two if it has both a photo and a foreground layer.
        file: File of the squares.
    """

    side: int = 0
    slots: int = 0
    file: Path = field(default_factory=Path)

    def layers(
        self, index: int, *, recomposed: bool, look: Look | None = None, smallest_side: int | None = None
    ) -> Layers:
        """Return layers as `Source.layers` does, stretched to a square where they come from the cache."""
        item = self.items[index]
        per_item = _squares_per_item(self)
        # The photo's square comes first, then that of the foreground layer.
        slot = index * per_item + (per_item == 2 and recomposed)
        # A photo with both layers has two images of colours, and a square has room for one.
        if slot >= self.slots or (item.background and not recomposed):
            return super().layers(index, recomposed=recomposed, look=look, smallest_side=smallest_side)
        squares = _open(self.file, self.slots, self.side)
        if not squares.filled[slot]:
            # Without `look`: later draws crop the same square elsewhere.
            self._fill(squares, slot, super().layers(index, recomposed=recomposed, smallest_side=self.side))
        alpha = squares.alpha[slot]
        box = look(alpha) if look else full_box(self.side, self.side)
        foreground = box.cut(squares.colours[slot])
        ignore = box.cut(squares.ignore[slot]).astype(bool) if self.ignored else None
        return Layers(foreground, box.cut(alpha), None if recomposed or not item.photo else foreground, ignore)

    def _fill(self, squares: _Squares, slot: int, layers: Layers) -> None:
        squares.colours[slot] = resize(layers.foreground, self.side)
        squares.alpha[slot] = resize(layers.alpha, self.side)
        if layers.ignore is not None:
            squares.ignore[slot] = resize(layers.ignore.astype(np.uint8) * 255, self.side) > 0
        # Two workers may fill a slot at once: both write the same bytes, and the flag is set last.
        squares.filled[slot] = 1


def with_decoded_cache(source: Source, side: int, gigabytes: float) -> Source:
    """Cache the decoded layers of a source, or of as many of its first items as fit.

    Args:
        source: Source to cache.
        side: Side of the squares in pixels. One and a half times the crop's side keeps close-ups sharp.
        gigabytes: Disk space for this source's squares, in units of 1e9 bytes; it is reserved at once.

    Returns:
        A source with the same items.

    Raises:
        MattingError: If not even one item fits.
        OSError: If the disk is full.
    """
    per_item = _squares_per_item(source)
    fitting = int(gigabytes * 1e9) // _bytes_per_slot(side)
    slots = min(fitting // per_item, len(source)) * per_item
    if not slots:
        raise MattingError(
            f"expected room for a square of {side} pixels of '{source.name}', found {gigabytes} GB; "
            "raise corpus.cache_gigabytes, or set it to 0"
        )
    file = cache_dir() / "decoded" / f"{source.name}-{_fingerprint(source, slots, side)}.bin"
    if not file.is_file():
        _reserve(file, slots * _bytes_per_slot(side))
    content = {entry.name: getattr(source, entry.name) for entry in fields(Source)}
    return DecodedSource(**content, side=side, slots=slots, file=file)


def _squares_per_item(source: Source) -> int:
    return 1 + any(item.photo and item.layered for item in source.items)


def _bytes_per_slot(side: int) -> int:
    return side * side * 5 + 1  # three channels, alpha, ignore; and the flag


def _reserve(file: Path, size: int) -> None:
    """Create a file of zeros with its space reserved, so that a full disk is reported now and not by a worker."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as temporary, temporary.open("wb") as out:
        # Where there is no such call, as on macOS, the file is sparse, and a full disk is noticed late.
        os.posix_fallocate(out.fileno(), 0, size) if hasattr(os, "posix_fallocate") else out.truncate(size)


@cache
def _open(file: Path, slots: int, side: int) -> _Squares:
    """Map the file, once in each process."""
    shapes = ((slots, side, side, 3), (slots, side, side), (slots, side, side), (slots,))
    whole, parts, start = np.memmap(file, np.uint8, "r+"), [], 0
    for shape in shapes:
        end = start + int(np.prod(shape))
        parts.append(np.asarray(whole[start:end]).reshape(shape))
        start = end
    return _Squares(*parts)


def _fingerprint(source: Source, slots: int, side: int) -> str:
    """Hash what the squares depend on: the current state of the files, and how the source decodes them."""
    facts = [f"{slots} {side}", *(describe(f) for f in (source.alpha_reader, source.ignored, source.frame))]
    for item in source.items[:slots]:
        facts += [item.name, *state_of(item.alpha, item.photo, item.foreground)]
    return digest(facts)
