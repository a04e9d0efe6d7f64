"""A corpus: everything that one run reads. The demo corpus and the real data sets go through the same readers."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from matting.cache import cache_dir
from matting.data.formats import Source, coco_matting, composition1k, composition1k_composites, rwp
from matting.data.formats.decoded import with_decoded_cache
from matting.data.formats.foregrounds import with_estimated_foregrounds
from matting.data.formats.official import Composite, compose_official
from matting.data.scenes import Scenes
from matting.data.test_sets import Example, Pair, implied_trimap, pairs_from_root, with_labels
from matting.data.verdicts import read_accepted
from matting.images import list_pictures, read_alpha, read_rgb

Reader = Callable[..., Source]
"""A reader of `matting.data.formats` with its folder and options already given; it takes a keyword ``split``."""

Composites = Callable[[], Sequence[Composite]]
"""Lists official test composites."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corpus:
    """The data of a run.

    Attributes:
        name: Names the test set in results, such as ``demo``.
        label: Printed above every figure.
        train: Training sources by the name that a mixture uses.
        validation: Pictures that are watched while training.
        scenes: Backgrounds for foreground layers.
        test: Pictures that the report is about, not yet loaded.
        quarantine: Where training lists files that it cannot read and passes over; None stops at the first.
    """

    name: str
    label: str
    train: Mapping[str, Source]
    validation: Source
    scenes: Scenes
    test: list[Pair]
    quarantine: Path | None = None


def demo_corpus(
    people: int = 160,
    seed: int = 0,
    image_size: int = 512,
    portraits: bool = False,
    defects: bool = False,
    estimate_foregrounds: bool = False,
    verdicts: Path | str | Sequence[Path | str] | None = None,
    scenarios: int = 0,
) -> Corpus:
    """The corpus drawn by code, generated on first use.

    Args:
        people: Number of people drawn, over all sets.
        seed: Seed of the drawing.
        image_size: Long side of the pictures in pixels.
        portraits: Draw the easy corpus of first runs: one person each, head to waist, before a blurred scene.
        defects: Plant faults in a third of the training portraits, listed in ``defects.csv``, for curation to find.
        estimate_foregrounds: As `disk_corpus` has it.
        verdicts: As `disk_corpus` has it.
        scenarios: Further test pictures of each of `matting.synthetic.SCENARIO_SETS`, labelled with the set's name.

    Returns:
        The corpus, read by the readers of the real sets.
    """
    from matting.synthetic import VERSION, ensure_corpus, ensure_scenarios

    root = ensure_corpus(people=people, seed=seed, image_size=image_size, portraits=portraits, defects=defects)
    adobe, kind = root / "Combined_Dataset", "easy portraits" if portraits else "people"
    corpus = disk_corpus(
        root,
        studio=partial(composition1k, adobe),
        portraits=partial(rwp, root / "RWP"),
        coco=partial(coco_matting, root / "COCO-Matting", root / "coco"),
        composites=partial(composition1k_composites, adobe, root / "VOC2012/JPEGImages"),
        composites_per_foreground=2,
        backgrounds=root / "coco/train2014",
        name="demo",
        label=f"demo corpus {VERSION}, drawn by code ({people} {kind}, seed {seed}): not real photographs",
        estimate_foregrounds=estimate_foregrounds,
        verdicts=verdicts,
    )
    if not scenarios:
        return corpus
    further = _scenario_pairs(ensure_scenarios(scenarios, seed, image_size), corpus.name)
    return replace(corpus, test=corpus.test + further)


def _scenario_pairs(root: Path, dataset: str) -> list[Pair]:
    """The scenario sets as test pictures of one set, each labelled with the name of its own."""
    listing = with_labels(pairs_from_root(root), root / "manifest.csv")
    return [replace(pair, dataset=dataset, tags=pair.tags | {pair.dataset}) for pair in listing.pairs]


def disk_corpus(
    root: Path | str,
    portraits: Reader,
    studio: Reader | None = None,
    coco: Reader | None = None,
    backgrounds: Path | str | None = None,
    composites: Composites | None = None,
    composites_per_foreground: int = 20,
    name: str = "disk",
    label: str | None = None,
    estimate_foregrounds: bool = False,
    cache_gigabytes: float = 0,
    cache_side: int = 432,
    on_bad_file: str = "raise",
    verdicts: Path | str | Sequence[Path | str] | None = None,
) -> Corpus:
    """Data sets as they lie on disk.

    Args:
        root: Where the data sets are, for the label.
        portraits: Reader of what a mixture calls ``rwp``. Its split ``val`` is watched, its split ``test`` evaluated.
        studio: Reader of what a mixture calls ``composition1k``.
        coco: Reader of what a mixture calls ``coco_matting``.
        backgrounds: Folder of pictures without people, for training; None has the drawn ones only.
        composites: Lists the official test composites of the studio set; not asked where there is none.
        composites_per_foreground: How many of the official 20 test backgrounds of each foreground are evaluated.
        name: Names the test set in results.
        label: Printed above every figure; the root and the formats by default.
        estimate_foregrounds: Estimate foreground layers of photographs, once, so that they can be paired and set before
            other backgrounds.
        cache_gigabytes: Disk space for decoded layers of each training source; 0 decodes every time.
        cache_side: Side in pixels of the squares that are cached.
        on_bad_file: ``raise`` ends training at the first file that cannot be read; ``skip`` lists it and draws another
            item of the same source.
        verdicts: The ``verdicts.csv`` of a curation, or several: of the training sources that they name accepted items
            alone are used; others are used whole, with a warning.

    Raises:
        FileNotFoundError: If a folder or a file is missing.
        ValueError: If an option, or a file that says what is in a set, is not as expected.
    """
    if on_bad_file not in ("raise", "skip"):
        raise ValueError(f"corpus.on_bad_file: expected 'raise' or 'skip', found '{on_bad_file}'")
    readers = {"composition1k": studio, "rwp": portraits, "coco_matting": coco}
    sources = {role: reader(split="train") for role, reader in readers.items() if reader}
    if verdicts:
        sources = _accepted(sources, [verdicts] if isinstance(verdicts, str | Path) else verdicts)
    for role, source in sources.items():
        for note in source.notes:
            _log.warning("%s: %s", role, note)
    if estimate_foregrounds:
        sources = {role: with_estimated_foregrounds(source) for role, source in sources.items()}
    if cache_gigabytes:
        sources = {role: with_decoded_cache(source, cache_side, cache_gigabytes) for role, source in sources.items()}
    listed = composites() if composites and studio else ()
    kept = [one for one in listed if int(one.name.rsplit("_", 1)[1]) < composites_per_foreground]
    scenes = Scenes(list_pictures(backgrounds) if backgrounds else ())
    return Corpus(
        name=name,
        label=label or f"data sets in {root}: {', '.join(source.name for source in sources.values())}",
        train=sources,
        validation=portraits(split="val"),
        scenes=scenes,
        test=evaluation_pairs(portraits(split="test"), name, scenes)
        + [_composite_pair(composite, name, sources["composition1k"].name) for composite in kept],
        quarantine=cache_dir() / "quarantine" / f"{name}.csv" if on_bad_file == "skip" else None,
    )


def _accepted(sources: Mapping[str, Source], paths: Sequence[Path | str]) -> dict[str, Source]:
    """The sources without what curations did not accept."""
    verdicts: dict[str, dict[str, bool]] = {}
    for path in paths:
        for name, found in read_accepted(path).items():
            known = verdicts.setdefault(name, {})
            if differ := [item for item, accepted in found.items() if known.get(item, accepted) != accepted]:
                raise ValueError(f"{path}: has another verdict on '{differ[0]}' of '{name}' than a file before it")
            known |= found
    told = ", ".join(map(str, paths))
    if not verdicts.keys() & {source.name for source in sources.values()}:
        names = ", ".join(source.name for source in sources.values())
        raise ValueError(f"{told}: expected verdicts on {names}, found {', '.join(verdicts)}; curate the training set")
    return {role: _accepted_of(source, verdicts.get(source.name), told) for role, source in sources.items()}


def _accepted_of(source: Source, verdicts: Mapping[str, bool] | None, path: str) -> Source:
    if verdicts is None:
        return replace(source, notes=(*source.notes, f"all {len(source)} items are used, for {path} has none of them"))
    if unknown := [item.name for item in source.items if item.name not in verdicts]:
        raise ValueError(
            f"{path}: has no verdict on {len(unknown)} items of '{source.name}', such as '{unknown[0]}'; "
            "run 'matting curate run' again"
        )
    kept = [item for item in source.items if verdicts[item.name]]
    if not kept:
        raise ValueError(f"{path}: accepts nothing of '{source.name}'; look at the curation's report")
    note = f"{len(kept)} of {len(source)} items are used, as {path} has it"
    return replace(source, items=kept, notes=(*source.notes, note))


def evaluation_pairs(source: Source, dataset: str, scenes: Scenes) -> list[Pair]:
    """The items of a source as test pictures: photographs as they are, cut-outs each before one scene, always the same.

    Args:
        source: A test split.
        dataset: Name of the test set in results.
        scenes: Backgrounds of cut-outs.
    """
    return [
        Pair(
            item.name,
            partial(_load_photograph, source, index) if item.photo else partial(_load_cut_out, source, index, scenes),
            dataset,
            item.tags | {source.name},
            item.difficulty,
        )
        for index, item in enumerate(source.items)
    ]


def _load_photograph(source: Source, index: int) -> Example:
    item, layers = source.items[index], source.layers(index, recomposed=False)
    photo = read_rgb(item.photo) if item.photo and item.background else layers.foreground
    trimap = source.trimap_reader(item, layers.alpha)
    ignore = None if layers.ignore is None else layers.ignore.astype(np.uint8)
    return Example(item.name, photo, layers.alpha, implied_trimap(layers.alpha) if trimap is None else trimap, ignore)


def _load_cut_out(source: Source, index: int, scenes: Scenes) -> Example:
    item, layers = source.items[index], source.layers(index, recomposed=True)
    height, width = layers.alpha.shape
    behind = scenes.read(index % len(scenes), np.random.default_rng(index), max(height, width))[:height, :width]
    image = compose_official(layers.foreground, layers.alpha, behind)
    trimap = implied_trimap(layers.alpha)
    return Example(item.name, image, layers.alpha, trimap, foreground=layers.foreground, background=behind)


def _composite_pair(composite: Composite, dataset: str, studio: str) -> Pair:
    load, subject = partial(_load_composite, composite), composite.alpha.stem
    return Pair(composite.name, load, dataset, frozenset({studio}), subject=subject)


def _load_composite(composite: Composite) -> Example:
    foreground, alpha = read_rgb(composite.foreground), read_alpha(composite.alpha)
    trimap = read_alpha(composite.trimap) if composite.trimap else implied_trimap(alpha)
    background = read_rgb(composite.background)
    image = compose_official(foreground, alpha, background)
    behind = compose_official(foreground, np.zeros_like(alpha), background)  # as it was scaled and cropped
    return Example(composite.name, image, alpha, trimap, foreground=foreground, background=behind)
