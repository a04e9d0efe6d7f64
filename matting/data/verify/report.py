"""Verify a whole data set."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np

from matting.data.formats import IncompleteError, Source
from matting.data.formats.folders import EmptyError
from matting.data.formats.official import Composite
from matting.data.verify.formats import Format
from matting.data.verify.inspection import Inspection, inspect_item
from matting.errors import MattingError
from matting.processes import in_threads

SAME_IMAGE = 6
"""Maximum number of the 64 bits in which the hashes of two versions of one image differ.

Measured on 109 photos: at most 4 after scaling to a quarter and JPEG at quality 40; at least 18 between two photos.
"""

Progress = Callable[[Sequence[int], str], Iterable[int]]
"""Yields what it is given and shows the progress under a label."""


@dataclass(frozen=True)
class SplitSummary:
    """One row of the summary.

    Attributes:
        split: Name of the split.
        items: Number of complete items.
        published: Published number of items, or None.
        layered: Number of items with a foreground layer.
        bad: Number of unusable items.
        median_side: Median short side in pixels.
        soft: Median share of soft pixels.
    """

    split: str
    items: int
    published: int | None
    layered: int
    bad: int
    median_side: int
    soft: float


@dataclass(frozen=True)
class Report:
    """Result of a verification.

    Attributes:
        format: Expected format.
        root: Folder of the set.
        splits: A summary of each split that has items.
        problems: What must be fixed before the set is used.
        doubts: What is unusual but may be intended.
        notes: What the tree lacks although it is usable.
    """

    format: Format
    root: Path
    splits: list[SplitSummary]
    problems: list[str]
    doubts: list[str]
    notes: list[str]


def verify(
    entry: Format, root: Path, progress: Progress, workers: int | None = None, backgrounds: Path | None = None
) -> Report:
    """Check a data set: folders, counts, pairs, sizes, mattes, leaks and the content of every file.

    Args:
        entry: Expected format.
        root: Folder of the set. It is only read.
        progress: Shows the progress of decoding.
        workers: Number of threads; all cores by default. OpenCV releases the interpreter's lock while decoding.
        backgrounds: Folder of the official test backgrounds, if they are to be checked as well.

    Returns:
        The report.
    """
    sources, problems, notes = _open(entry, root)
    if entry.composites and backgrounds is None:
        notes.append("the official test composites were not checked: give the folder of their backgrounds")
    elif entry.composites and backgrounds:
        problems += _composite_problems(entry.composites, root, backgrounds)
    doubts: list[str] = []
    summaries, fingerprints = [], {}
    for split, source in sources.items():
        inspections = _inspect(source, f"{entry.name} {split}", progress, workers)
        problems += [line for one in inspections for line in one.problems]
        doubts += [line for one in inspections for line in one.doubts]
        summaries.append(_summarise(split, source, inspections, entry.published.get(split)))
        fingerprints[split] = inspections
    doubts += [
        f"{row.split}: {row.items} items, but {row.published} were published"
        for row in summaries
        if row.published not in (None, row.items)
    ]
    return Report(entry, root, summaries, problems + leaks(fingerprints), doubts, notes)


def _open(entry: Format, root: Path) -> tuple[dict[str, Source], list[str], list[str]]:
    """Return the complete items of each split, problems such as missing files, and notes."""
    sources: dict[str, Source] = {}
    problems: list[str] = []
    empty: list[str] = []
    for split in entry.splits:
        try:
            sources[split] = entry.reader(root, split=split)
        except IncompleteError as error:
            sources[split] = error.source
            problems += error.problems
        except EmptyError as error:
            empty.append(str(error))
        except (MattingError, OSError) as error:
            problems.append(f"split '{split}' cannot be opened: {error}")
    # A small folder that is split by a hash of the names may well have an empty split.
    problems += empty if not sources else []
    notes = [*(note for source in sources.values() for note in source.notes), *(empty if sources else [])]
    # Readers report some problems once per split.
    return sources, list(dict.fromkeys(problems)), list(dict.fromkeys(notes))


def _composite_problems(
    enumerate_composites: Callable[[Path, Path], Sequence[Composite]], root: Path, backgrounds: Path
) -> list[str]:
    try:
        enumerate_composites(root, backgrounds)
    except (MattingError, OSError) as error:
        return [f"the official test composites cannot be composed: {error}"]
    return []


def _inspect(source: Source, label: str, progress: Progress, workers: int | None) -> list[Inspection]:
    def lost(index: int, reason: str) -> Inspection:
        item = source.items[index]
        return Inspection(item.name, [f"{item.photo or item.foreground}: {reason}"], [])

    indices = range(len(source))
    inspections = in_threads(partial(inspect_item, source), indices, workers, lost)
    return [one for _, one in zip(progress(indices, label), inspections, strict=True)]


def _summarise(split: str, source: Source, inspections: list[Inspection], published: int | None) -> SplitSummary:
    sides = [min(one.size) for one in inspections if one.size]
    return SplitSummary(
        split=split,
        items=len(source),
        published=published,
        layered=sum(item.layered for item in source.items),
        bad=sum(bool(one.problems) for one in inspections),
        median_side=int(np.median(sides)) if sides else 0,
        soft=float(np.median([one.soft for one in inspections if one.size])) if sides else 0.0,
    )


def leaks(splits: Mapping[str, Sequence[Inspection]]) -> list[str]:
    """Find images that are in two splits, by their perceptual hashes.

    Args:
        splits: Inspections of each split.

    Returns:
        A sentence for each item of a later split that looks like one of an earlier split.
    """
    found = []
    for (first, ones), (second, others) in combinations(splits.items(), 2):
        known = [one for one in ones if one.fingerprint is not None]
        # The highest of 64 bits would not fit in int64.
        hashes = np.array([one.fingerprint for one in known], dtype=np.uint64)
        for other in others:
            if other.fingerprint is None or not known:
                continue
            distance = np.bitwise_count(hashes ^ np.uint64(other.fingerprint))
            # One sentence per image, however many of the other split it resembles.
            nearest = int(distance.argmin())
            if distance[nearest] <= SAME_IMAGE:
                found.append(f"'{other.name}' of {second} looks like '{known[nearest].name}' of {first}: a leak")
    return found
