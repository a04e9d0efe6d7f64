"""Measuring a whole set: in parallel, going on where it stopped, with every score kept in a file of the curation."""

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
from matting.curation.ledger import Line, go_on
from matting.curation.pair import REFLECTION, TRANSLUCENT, AnnotatedPair
from matting.curation.verdicts import Measured
from matting.data.formats import Item, Source
from matting.data.formats.folders import EmptyError
from matting.data.formats.splits import SPLITS, check_split
from matting.data.verify import find_format
from matting.errors import MattingError
from matting.files import read_json, size_and_time, write_atomic
from matting.images import read_alpha, read_rgb
from matting.processes import in_processes

Progress = Callable[[Sequence[Any], str], Iterable[Any]]
"""Passes through what it is given and shows how far it is, under a label."""


class RegionError(MattingError):
    """Labelled regions are wrong: a mistake of the label, not of the pair."""


@dataclass(frozen=True)
class Curation:
    """A folder that holds all that is known about one set.

    Attributes:
        folder: Where its files are.
        parts: The pairs of each split; no pair stands in two.
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
            RegionError: If the regions hold other values than theirs, or are of another size.
            MattingError: If a file cannot be read, or photo and matte differ in size.
        """
        (source, index), item = self._places[name], self.items[name]
        layers = source.layers(index, recomposed=False)
        photo = read_rgb(item.photo) if item.photo and item.foreground else layers.foreground
        file = _region_file(item, self.regions)
        return AnnotatedPair(photo, layers.alpha, _read_regions(file, layers.alpha.shape) if file else None)

    def stamp(self, name: str) -> str:
        """What tells whether the files of a pair are those that somebody looked at: a digest of sizes and times."""
        item = self.items[name]
        paths = (item.photo, item.alpha, item.foreground, item.background, _region_file(item, self.regions))
        times = [size_and_time(path) if path and path.is_file() else None for path in paths]
        return blake2b(repr(times).encode(), digest_size=8).hexdigest()

    @property
    def scores(self) -> Path:
        """Scores of all checks, a JSON line a pair."""
        return self.folder / "scores.jsonl"

    @property
    def credibility(self) -> Path:
        """Agreement with cross-check models, a JSON line a pair."""
        return self.folder / "credibility.jsonl"

    @property
    def limits(self) -> Path:
        """Limits that replace some of the project's; need not exist."""
        return self.folder / "limits.yaml"

    @property
    def sample(self) -> Path:
        """What was drawn for the audit."""
        return self.folder / "audit_sample.csv"

    @property
    def decisions(self) -> Path:
        """What people decided in audits."""
        return self.folder / "audit.csv"

    @property
    def verdicts(self) -> Path:
        """The result."""
        return self.folder / "verdicts.csv"


def start_curation(folder: Path, name: str, root: Path, splits: Sequence[str], regions: Path | None = None) -> Curation:
    """Begin the curation of a set, or go on with it.

    Args:
        folder: Takes the results; made where it does not exist.
        name: Format of the set, as ``matting data list`` has it.
        root: Folder of the set. Nothing in it is changed.
        splits: Splits that are looked at; all that the format has where none is given.
        regions: Folder that may hold a gray image ``NAME.png`` of a pair: 128 where there is translucent glass or
            plastic, 255 where there is only a reflection, 0 elsewhere.

    Raises:
        MattingError: If the folder holds the curation of another set, the set has no photos, or no regions are
            named like one of its pairs.
        FileNotFoundError: If the set is not there, or not complete.
    """
    if regions and not regions.is_dir():
        raise FileNotFoundError(f"{regions}: expected a folder of labelled regions, found none; check --regions")
    for split in splits:
        check_split(split)
    chosen = [split for split in SPLITS if split in (splits or find_format(name).splits)]
    question: dict[str, Any] = {"format": name, "root": str(root.resolve()), "splits": chosen}
    question |= {"regions": str(regions.resolve())} if regions else {}
    file = folder / "curation.json"
    if file.is_file() and read_json(file) != question:
        raise MattingError(
            f"{folder}: holds the curation of another set or regions ({file.read_text()}); choose another --output"
        )
    curation = Curation(folder, _open(name, root, chosen), regions)
    if regions and not any(_region_file(item, regions) for item in curation.items.values()):
        raise MattingError(f"{regions}: expected images NAME.png named like a pair of {root}, found none; rename them")
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(file, json.dumps(question).encode())
    return curation


def open_curation(folder: Path) -> Curation:
    """Go on with a curation that was begun.

    Raises:
        FileNotFoundError: If there is none, or the set is gone.
    """
    file = folder / "curation.json"
    if not file.is_file():
        raise FileNotFoundError(f"{folder}: expected the folder of a curation; begin one with 'matting curate run'")
    question = read_json(file)
    regions = Path(question["regions"]) if "regions" in question else None
    return Curation(folder, _open(question["format"], Path(question["root"]), question["splits"]), regions)


def _open(name: str, root: Path, splits: Sequence[str]) -> list[Source]:
    """The splits that have pairs, each without what stood in one before: sets publish one folder as two splits."""
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
    labels = read_alpha(file)
    if other := set(np.unique(labels).tolist()) - {0, TRANSLUCENT, REFLECTION}:
        expected = f"the values 0, {TRANSLUCENT} and {REFLECTION}"
        raise RegionError(f"{file}: expected {expected}, found {min(other)}; correct the labels")
    if labels.shape != shape:
        sizes = f"{shape[1]} x {shape[0]} pixels as the matte has, found {labels.shape[1]} x {labels.shape[0]}"
        raise RegionError(f"{file}: expected {sizes}; correct the labels")
    return labels


def measure_all(curation: Curation, progress: Progress, workers: int | None = None) -> list[Measured]:
    """Measure every pair that was not measured before, or whose files have changed since.

    Args:
        curation: The set.
        progress: Shows how far it is.
        workers: Processes; all cores by default. The result does not depend on it.

    Returns:
        Scores of all pairs, in their order.

    Raises:
        RegionError: As `Curation.read`.
    """

    def find(missing: Sequence[str]) -> Iterable[Line]:
        results = in_processes(partial(_measure, curation), missing, workers)
        return (result for _, result in zip(progress(missing, "measuring"), results, strict=True))

    lines = go_on(curation.scores, {name: (version(), curation.stamp(name)) for name in curation.items}, find)
    return [Measured(curation.name, line["name"], line["scores"], line["problem"]) for line in lines]


def _measure(curation: Curation, name: str) -> Line:
    try:
        pair = curation.read(name)
    except RegionError:
        raise
    except (MattingError, OSError, cv2.error) as error:
        return {"scores": {}, "problem": str(error).strip()}
    try:
        findings = measure(pair)
    except Exception as error:  # one pair does not end the run on a hundred thousand
        problem = f"a check failed to measure it, which is a fault of this program ({error!r}); please report it"
        return {"scores": {}, "problem": problem}
    return {"scores": {name: round(finding.score, 6) for name, finding in findings.items()}, "problem": ""}
