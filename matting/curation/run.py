"""Measure a whole set in parallel; every score is kept in a file, so that an interrupted run resumes."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.curation.checks import measure, version
from matting.curation.ledger import Line, resume
from matting.curation.pair import REFLECTION, TRANSLUCENT, AnnotatedPair
from matting.curation.verdicts import Measured
from matting.data.formats import Item, Source
from matting.data.formats.folders import EmptyError
from matting.data.formats.splits import SPLITS, check_split
from matting.data.verify import find_format
from matting.errors import MattingError
from matting.files import StorageError, read_json, size_and_time, write_atomic
from matting.images import read_codes, read_rgb
from matting.processes import in_processes
from matting.shards import exists

Progress = Callable[[Sequence[Any], str], Iterable[Any]]
"""Iterates over a sequence and displays progress under a label."""


class RegionError(MattingError):
    """Labelled regions are wrong: a mistake in the labels, not in the pair."""


@dataclass(frozen=True)
class Curation:
    """A folder with everything known about one set.

    Attributes:
        folder: The folder of results.
        parts: The pairs of each split; no pair is in two.
        regions: Folder of images ``NAME.png`` in which glass and plastic are labelled, or None.
    """

    folder: Path
    parts: Sequence[Source]
    regions: Path | None = None

    @property
    def name(self) -> str:
        """Name of the set's format."""
        return self.parts[0].name

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """The pairs of all splits by name, in a fixed order."""
        return {item.name: item for part in self.parts for item in part.items}

    @cached_property
    def _places(self) -> Mapping[str, tuple[Source, int]]:
        return {item.name: (part, index) for part in self.parts for index, item in enumerate(part.items)}

    def read(self, name: str) -> AnnotatedPair:
        """Read the photo and the matte of a pair, and its labelled regions if there are any.

        Raises:
            RegionError: If the regions contain other values, or have another size.
            MattingError: If a file cannot be read, or photo and matte differ in size.
        """
        (source, index), item = self._places[name], self.items[name]
        layers = source.layers(index, recomposed=False)
        photo = read_rgb(item.photo) if item.photo and item.foreground else layers.foreground
        file = _region_file(item, self.regions)
        return AnnotatedPair(photo, layers.alpha, _read_regions(file, layers.alpha.shape) if file else None)

    def stamp(self, name: str) -> str:
        """Return a digest of the sizes and times of a pair's files; it changes if one of them does."""
        item = self.items[name]
        paths = (item.photo, item.alpha, item.foreground, item.background, _region_file(item, self.regions))
        # Sizes and times, not contents: a run over a hundred thousand pairs must not read all of them to find none
        # changed.
        times = [size_and_time(path) if path and exists(path) else None for path in paths]
        return blake2b(repr(times).encode(), digest_size=8).hexdigest()

    @property
    def scores(self) -> Path:
        """Scores of all checks, one JSON line per pair."""
        return self.folder / "scores.jsonl"

    @property
    def credibility(self) -> Path:
        """Agreement with cross-check models, one JSON line per pair."""
        return self.folder / "credibility.jsonl"

    @property
    def limits(self) -> Path:
        """Limits that override some of the project's; need not exist."""
        return self.folder / "limits.yaml"

    @property
    def sample(self) -> Path:
        """The sample of the audit."""
        return self.folder / "audit_sample.csv"

    @property
    def decisions(self) -> Path:
        """The decisions of audits."""
        return self.folder / "audit.csv"

    @property
    def verdicts(self) -> Path:
        """The verdicts on all pairs."""
        return self.folder / "verdicts.csv"


def start_curation(folder: Path, name: str, root: Path, splits: Sequence[str], regions: Path | None = None) -> Curation:
    """Start the curation of a set, or resume it.

    Args:
        folder: Folder of the results; created if it does not exist.
        name: Format of the set, as listed by ``matting data list``.
        root: Folder of the set. Nothing in it is changed.
        splits: Splits to curate; empty for all splits of the format.
        regions: Folder that may contain a gray image ``NAME.png`` of a pair: 128 where there is translucent glass or
            plastic, 255 where there is only a reflection, 0 elsewhere.

    Raises:
        MattingError: If the folder contains the curation of another set, the set has no photos, or no region image is
            named like one of its pairs.
        FileNotFoundError: If the set is missing or incomplete.
    """
    if regions and not regions.is_dir():
        raise FileNotFoundError(f"{regions}: expected a folder of labelled regions, found none; check --regions")
    for split in splits:
        check_split(split)
    # In the order of SPLITS, not of the command, so that the same set always has the same record.
    chosen = [split for split in SPLITS if split in (splits or find_format(name).splits)]
    record: dict[str, Any] = {"format": name, "root": str(root.resolve()), "splits": chosen}
    record |= {"regions": str(regions.resolve())} if regions else {}
    file = folder / "curation.json"
    if file.is_file() and read_json(file) != record:
        raise MattingError(
            f"{folder}: is the curation of another set or regions ({file.read_text()}); choose another --output"
        )
    curation = Curation(folder, _open(name, root, chosen), regions)
    if regions and not any(_region_file(item, regions) for item in curation.items.values()):
        raise MattingError(f"{regions}: expected images NAME.png named like a pair of {root}, found none; rename them")
    # Only now: a start that fails leaves no folder.
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(file, json.dumps(record).encode())
    return curation


def open_curation(folder: Path) -> Curation:
    """Open an existing curation.

    Raises:
        FileNotFoundError: If there is none, or the set is missing.
    """
    file = folder / "curation.json"
    if not file.is_file():
        raise FileNotFoundError(f"{folder}: expected the folder of a curation; start one with 'matting curate run'")
    record = read_json(file)
    regions = Path(record["regions"]) if "regions" in record else None
    return Curation(folder, _open(record["format"], Path(record["root"]), record["splits"]), regions)


def _open(name: str, root: Path, splits: Sequence[str]) -> list[Source]:
    """Return the splits that have pairs, each without the pairs of earlier ones: some publish one folder twice."""
    parts, known = list[Source](), dict[str, Item]()
    for split in splits:
        try:
            source = find_format(name).reader(root, split=split)
        except EmptyError:
            continue
        for item in source.items:
            if item.photo is None:
                raise MattingError(f"{root}: '{item.name}' has no photo; curation judges photos with mattes")
            if known.get(item.name, item) != item:
                raise MattingError(f"{root}: two pairs of different splits are named '{item.name}'; give one --split")
        if new := [item for item in source.items if item.name not in known]:
            parts.append(replace(source, items=new))
            known |= {item.name: item for item in new}
    if not parts:
        raise FileNotFoundError(f"{root}: expected pairs of '{name}' in the splits {', '.join(splits)}, found none")
    return parts


def _region_file(item: Item, regions: Path | None) -> Path | None:
    file = regions / f"{item.name}.png" if regions else None
    return file if file and file.is_file() else None


def _read_regions(file: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    labels = read_codes(file)
    if other := set(np.unique(labels).tolist()) - {0, TRANSLUCENT, REFLECTION}:
        expected = f"the values 0, {TRANSLUCENT} and {REFLECTION}"
        raise RegionError(f"{file}: expected {expected}, found {min(other)}; correct the labels")
    if labels.shape != shape:
        sizes = f"{shape[1]} x {shape[0]} pixels as the matte has, found {labels.shape[1]} x {labels.shape[0]}"
        raise RegionError(f"{file}: expected {sizes}; correct the labels")
    return labels


def measure_all(curation: Curation, progress: Progress, workers: int | None = None) -> list[Measured]:
    """Measure every pair that has not been measured, or whose files have changed since.

    Args:
        curation: The set.
        progress: Displays progress.
        workers: Processes; all cores by default. The result does not depend on it.

    Returns:
        Scores of all pairs, in their order.

    Raises:
        RegionError: As `Curation.read`.
    """

    def find(missing: Sequence[str]) -> Iterable[Line]:
        results = in_processes(partial(_measure, curation), missing, workers, _lost)
        return (result for _, result in zip(progress(missing, "measuring"), results, strict=True))

    lines = resume(curation.scores, {name: (version(), curation.stamp(name)) for name in curation.items}, find)
    return [Measured(curation.name, line["name"], line["scores"], line["problem"]) for line in lines]


def _lost(name: str, reason: str) -> Line:
    return {"scores": {}, "problem": reason}


def _measure(curation: Curation, name: str) -> Line:
    try:
        pair = curation.read(name)
    except (RegionError, StorageError):
        raise
    # A bad pair is a result, not an error: it is listed in the report.
    except (MattingError, OSError, cv2.error) as error:
        return {"scores": {}, "problem": str(error).strip()}
    try:
        findings = measure(pair)
    except Exception as error:  # one pair must not end a run over a hundred thousand
        problem = f"a check failed on it, which is a bug in this program ({error!r}); please report it"
        return {"scores": {}, "problem": problem}
    return {"scores": {name: round(finding.score, 6) for name, finding in findings.items()}, "problem": ""}
