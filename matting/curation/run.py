"""Measuring a whole set: in parallel, going on where it stopped, with every score kept in a file of the curation."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from matting.curation.checks import VERSION, measure
from matting.curation.pair import REFLECTION, TRANSLUCENT, AnnotatedPair
from matting.curation.verdicts import Measured
from matting.data.sources import Item, Source
from matting.data.sources.folders import EmptyError
from matting.data.verify import find_format
from matting.images import read_alpha, read_rgb, write_atomic
from matting.processes import in_processes

Progress = Callable[[Sequence[Any], str], Iterable[Any]]
"""Passes through what it is given and shows how far it is, under a label."""


@dataclass(frozen=True)
class Curation:
    """A folder that holds all that is known about one set.

    Attributes:
        folder: Where its files are.
        source: The pairs.
        regions: Folder of pictures ``NAME.png`` in which glass and plastic are labelled, or None.
    """

    folder: Path
    source: Source
    regions: Path | None = None

    @property
    def scores(self) -> Path:
        """Scores of gate 1 and of the rules, a JSON line a pair."""
        return self.folder / "scores.jsonl"

    @property
    def credibility(self) -> Path:
        """Agreement with cross-check models."""
        return self.folder / "credibility.csv"

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
        splits: Splits that are looked at.
        regions: Folder of labelled glass and plastic; see `read_pair`.

    Raises:
        ValueError: If the folder holds the curation of another set, the set has no photographs, or no regions are
            named like one of its pairs.
        FileNotFoundError: If the set is not there, or not complete.
    """
    if regions and not regions.is_dir():
        raise FileNotFoundError(f"{regions}: expected a folder of labelled regions, found none; check --regions")
    question = {"format": name, "root": str(root.resolve()), "splits": sorted(splits)}
    question |= {"regions": str(regions.resolve())} if regions else {}
    file = folder / "curation.json"
    if file.is_file() and json.loads(file.read_text()) != question:
        found = file.read_text()
        raise ValueError(f"{folder}: holds the curation of another set or regions ({found}); choose another --output")
    source = _open(name, root, splits)
    if regions and not any(_region_file(item, regions) for item in source.items):
        raise ValueError(f"{regions}: expected pictures NAME.png named like a pair of {root}, found none; rename them")
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(file, json.dumps(question).encode())
    return Curation(folder, source, regions)


def open_curation(folder: Path) -> Curation:
    """Go on with a curation that was begun.

    Raises:
        FileNotFoundError: If there is none, or the set is gone.
    """
    file = folder / "curation.json"
    if not file.is_file():
        raise FileNotFoundError(f"{folder}: expected the folder of a curation; begin one with 'matting curate run'")
    question = json.loads(file.read_text())
    regions = Path(question["regions"]) if "regions" in question else None
    return Curation(folder, _open(question["format"], Path(question["root"]), question["splits"]), regions)


def _open(name: str, root: Path, splits: Sequence[str]) -> Source:
    parts = []
    for split in splits:
        try:
            parts.append(find_format(name).reader(root, split=split))
        except EmptyError:
            continue
    items = [item for part in parts for item in part.items]
    if not items:
        raise FileNotFoundError(f"{root}: expected pairs of '{name}' in the splits {', '.join(splits)}, found none")
    if bare := [item.name for item in items if item.photo is None]:
        raise ValueError(f"{root}: '{bare[0]}' has no photograph; curation judges photographs with their mattes")
    first: Source = parts[0]
    return Source(first.name, items, first.alpha_reader, first.trimap_reader, first.ignored, first.frame)


def read_pair(source: Source, index: int, regions: Path | None = None) -> AnnotatedPair:
    """Read the photograph and the matte of an item.

    Args:
        source: The set.
        index: Of the item.
        regions: Folder that may hold a gray picture ``NAME.png``: 128 where there is translucent glass or plastic, 255
            where there is only a reflection, 0 elsewhere.

    Raises:
        ValueError: If one cannot be read, they differ in size, or regions hold other values.
    """
    item, layers = source.items[index], source.layers(index, recomposed=False)
    photo = read_rgb(item.photo) if item.photo and item.foreground else layers.foreground
    file = _region_file(item, regions)
    if file is None:
        return AnnotatedPair(photo, layers.alpha)
    labels = read_alpha(file)
    if other := set(np.unique(labels).tolist()) - {0, TRANSLUCENT, REFLECTION}:
        raise ValueError(f"{file}: expected the values 0, {TRANSLUCENT} and {REFLECTION}, found {min(other)}")
    return AnnotatedPair(photo, layers.alpha, labels)


def _region_file(item: Item, regions: Path | None) -> Path | None:
    file = regions / f"{item.name}.png" if regions else None
    return file if file and file.is_file() else None


def measure_all(curation: Curation, progress: Progress, workers: int | None = None) -> list[Measured]:
    """Measure every pair that was not measured before, or whose files have changed since.

    Args:
        curation: The set.
        progress: Shows how far it is.
        workers: Processes; all cores by default. The result does not depend on it.

    Returns:
        Scores of all pairs, in the source's order.
    """
    source, known = curation.source, _read_scores(curation.scores)
    stamps = {item.name: _stamp(item, curation.regions) for item in source.items}
    kept = {name: line for name, line in known.items() if stamps.get(name) == line["stamp"]}
    write_atomic(curation.scores, "".join(json.dumps(line) + "\n" for line in kept.values()).encode())
    missing = [index for index, item in enumerate(source.items) if item.name not in kept]
    job = partial(_measure, source, curation.regions)
    with curation.scores.open("a", encoding="utf-8") as file:
        for index, result in zip(progress(missing, "measuring"), in_processes(job, missing, workers), strict=True):
            name = source.items[index].name
            kept[name] = {"name": name, "stamp": stamps[name], **result}
            file.write(json.dumps(kept[name]) + "\n")
            file.flush()
    lines = [kept[item.name] for item in source.items]
    return [Measured(source.name, line["name"], line["scores"], line["problem"]) for line in lines]


def _measure(source: Source, regions: Path | None, index: int) -> dict[str, Any]:
    try:
        findings = measure(read_pair(source, index, regions))
    except (ValueError, OSError) as error:
        return {"scores": {}, "problem": str(error)}
    return {"scores": {name: round(finding.score, 6) for name, finding in findings.items()}, "problem": ""}


def _stamp(item: Item, regions: Path | None) -> list[float]:
    """What tells whether a pair is the one that was measured."""
    paths = (item.photo, item.alpha, _region_file(item, regions))
    files = [path.stat() for path in paths if path and path.is_file()]
    return [VERSION, *(number for stat in files for number in (stat.st_size, stat.st_mtime))]


def _read_scores(path: Path) -> Mapping[str, dict[str, Any]]:
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]  # the last is empty, or the half of a line
    return {line["name"]: line for line in map(json.loads, lines)}
