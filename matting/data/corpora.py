"""A corpus: everything that one run reads. The synthetic corpus and the real data sets go through the same readers."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from matting.cache import cache_dir
from matting.data.accepted import Verdicts, accepted
from matting.data.formats import Source, coco_matting, composition1k, composition1k_composites, rwp
from matting.data.formats.decoded import with_decoded_cache
from matting.data.formats.foregrounds import with_estimated_foregrounds
from matting.data.formats.official import Composite, compose_official
from matting.data.formats.quarantine import BACKGROUNDS, leave_out
from matting.data.formats.withheld import with_labels_withheld
from matting.data.roles import Reader, Readers, check_weights, entitle, read_role, refuse_leaks
from matting.data.scenes import Scenes
from matting.data.test_sets import Example, Pair, pairs_from_root, with_labels
from matting.errors import MattingError
from matting.images import list_images, read_alpha, read_rgb, read_trimap
from matting.plan.catalog import flatten
from matting.trimap import implied_trimap

Composites = Callable[[], Sequence[Composite]]
"""Lists official test composites."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corpus:
    """The data of a run.

    Attributes:
        name: Name of the test set in results, such as ``synthetic``.
        label: Description printed above all results.
        train: Training sets by role and name.
        validation: Validation sets by name.
        scenes: Backgrounds onto which foreground layers are composited.
        test: Test images of the report, not yet loaded.
        quarantine: CSV file that lists unreadable files, which are skipped; None raises at the first one.
        weights: Weight of each set, by role; without an entry all items of a role are drawn equally often.
        only_tested: Names of the sets in `test` of which no training set has the name.
    """

    name: str
    label: str
    train: Mapping[str, Mapping[str, Source]]
    validation: Mapping[str, Source]
    scenes: Scenes
    test: list[Pair]
    quarantine: Path | None = None
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    only_tested: frozenset[str] = frozenset()

    @cached_property
    def sets(self) -> dict[str, Source]:
        """Training sets under their full names, ``<role>.<set>``, in the order in which plans number them."""
        return flatten(self.train)


def synthetic_corpus(
    people: int = 160,
    seed: int = 0,
    image_size: int = 512,
    defects: bool = False,
    estimate_foregrounds: bool = False,
    labelled: float = 1.0,
    verdicts: Verdicts | None = None,
    scenarios: int = 0,
    scenes: Path | str | None = None,
    sets: Mapping[str, Mapping[str, Reader | None] | None] | None = None,
    weights: Mapping[str, Mapping[str, float]] | None = None,
) -> Corpus:
    """Build the corpus rendered by code, generated on first use, alone or together with data sets on disk.

    Args:
        people: Number of people to render, over all sets.
        seed: Seed of the renderer.
        image_size: Short side of the images in pixels.
        defects: Inject faults into a third of the training portraits, listed in ``defects.csv``, for curation to find.
        estimate_foregrounds: As in `disk_corpus`.
        labelled: As in `disk_corpus`.
        verdicts: As in `disk_corpus`.
        scenarios: Number of further test images from each of `matting.synthetic.SCENARIO_SETS`, tagged with its name.
        scenes: Folder of photos without people, from which half of the scenes of training images are cut. The scenes
            of validation and test images are rendered.
        sets: Further sets by role and name; the role ``test`` has sets for testing only, see `disk_corpus`. ``None``
            under the name of a rendered set (``studio.composition1k``, ``portraits.rwp``, ``coarse.coco_matting``)
            leaves that set out.
        weights: As in `disk_corpus`.

    Returns:
        The corpus, read by the readers of the real sets.
    """
    # Imported here, since only this corpus needs the renderer.
    from matting.synthetic import VERSION, ensure_corpus, ensure_scenarios

    roles = ("studio", "portraits", "coarse", "test")
    if unknown := (sets or {}).keys() - {*roles}:
        raise MattingError(f"corpus.sets: expected {', '.join(roles[:-1])} or test, found '{min(unknown)}'")
    further = {role: readers for role, readers in (sets or {}).items() if readers}
    # Before people are rendered, which takes minutes: a folder that is missing should not end the run after them.
    for role, readers in further.items():
        own = {name: reader for name, reader in readers.items() if reader}
        read_role(role, own, ("test",) if role == "test" else ("train",))
    root = ensure_corpus(people=people, seed=seed, image_size=image_size, defects=defects, scenes=scenes)
    adobe = root / "Combined_Dataset"
    rendered: dict[str, Mapping[str, Reader | None]] = {
        "studio": {"composition1k": partial(composition1k, adobe)},
        "portraits": {"rwp": partial(rwp, root / "RWP")},
        "coarse": {"coco_matting": partial(coco_matting, root / "COCO-Matting", root / "coco")},
    }
    filled = {role: {**own, **further.get(role, {})} for role, own in rendered.items()}
    names = [f"{role}.{name}" for role, given in further.items() for name, reader in given.items() if reader]
    label = f"synthetic corpus {VERSION}, rendered by code ({people} people, seed {seed})"
    label += ", half of the training scenes from photos" if scenes else ""
    corpus = disk_corpus(
        root,
        studio=filled["studio"],
        portraits=filled["portraits"],
        coarse=filled["coarse"],
        test=further.get("test"),
        weights=weights,
        composites=partial(composition1k_composites, adobe, root / "VOC2012/JPEGImages"),
        composites_per_foreground=2,
        backgrounds=root / "coco/train2014",
        name="synthetic",
        label=f"{label}, and {', '.join(names)}" if names else f"{label}: not real photos",
        estimate_foregrounds=estimate_foregrounds,
        labelled=labelled,
        verdicts=verdicts,
    )
    if not scenarios:
        return corpus
    pairs = _scenario_pairs(ensure_scenarios(scenarios, seed, image_size), corpus.name)
    return replace(corpus, test=corpus.test + pairs)


def _scenario_pairs(root: Path, dataset: str) -> list[Pair]:
    """Return the scenario sets as test images of one set, each tagged with the name of its own set."""
    listing = with_labels(pairs_from_root(root), root / "manifest.csv")
    return [replace(pair, dataset=dataset, tags=pair.tags | {pair.dataset}) for pair in listing.pairs]


def disk_corpus(
    root: Path | str,
    portraits: Readers,
    studio: Readers | None = None,
    coarse: Readers | None = None,
    test: Readers | None = None,
    weights: Mapping[str, Mapping[str, float]] | None = None,
    backgrounds: Path | str | None = None,
    composites: Composites | Mapping[str, Composites | None] | None = None,
    composites_per_foreground: int = 20,
    name: str = "disk",
    label: str | None = None,
    estimate_foregrounds: bool = False,
    labelled: float = 1.0,
    cache_gigabytes: float = 0,
    cache_side: int = 432,
    on_bad_file: str = "raise",
    verdicts: Verdicts | Mapping[str, Mapping[str, Verdicts]] | None = None,
) -> Corpus:
    """Build a corpus from data sets on disk.

    Args:
        root: Folder of the data sets, used in the label only.
        portraits: Reader, or readers, of the role ``portraits``. Their splits ``val`` are for validation and their
            splits ``test`` for testing; it is enough if one of the sets has them.
        studio: Reader, or readers, of the role ``studio``.
        coarse: Reader, or readers, of the role ``coarse``.
        test: Reader, or readers, of sets for testing only: their splits ``test`` are test sets of their own names in
            the results.
        weights: Weight of each set, by role, such as ``{"portraits": {"p3m10k": 1, "own": 3}}``: their shares of the
            draws of that role. By default all items of a role are drawn equally often.
        backgrounds: Folder of images without people, for training; None uses the plain rendered ones only.
        composites: Lists the official test composites of the studio set, or one function per studio set, by name;
            not called where there is no studio set.
        composites_per_foreground: How many of the 20 official test backgrounds of each foreground are evaluated.
        name: Name of the test set in results.
        label: Description printed above all results; the root and the sets by default.
        estimate_foregrounds: Estimate foreground layers of photos, once, so that they can be paired and composited
            onto other backgrounds.
        labelled: Share of the people of the training sets whose labels the losses see, for studies; the same people in
            each run.
        cache_gigabytes: Disk space for decoded layers of each training set; 0 decodes at every draw.
        cache_side: Long side of the cached images in pixels.
        on_bad_file: ``raise`` ends training at the first unreadable file; ``skip`` records it and draws another item of
            the same set, or another background. Backgrounds, and photos whose foregrounds are to be estimated, that are
            bad from the start are left out.
        verdicts: The ``verdicts.csv`` of a curation, or several: training sets whose formats they name are reduced to
            their accepted items; others are used whole, with a warning. Where two sets have the same format, give the
            files by role and set: ``{"portraits": {"own": "curation/verdicts.csv"}}``.

    Returns:
        The corpus. Only metadata is read; no image is decoded, unless foregrounds are to be estimated or bad
        backgrounds left out.

    Raises:
        FileNotFoundError: If a folder or a file is missing.
        MattingError: If an option, or a file that describes a set, is invalid.
    """
    if on_bad_file not in ("raise", "skip"):
        raise MattingError(f"corpus.on_bad_file: expected 'raise' or 'skip', found '{on_bad_file}'")
    # In the cache folder, since nothing is written to the user's data.
    quarantine = cache_dir() / "quarantine" / f"{name}.csv" if on_bad_file == "skip" else None
    splits = read_role("portraits", portraits, ("train", "val", "test"))
    if not any(splits.values()):
        raise MattingError(
            "corpus.portraits: expected at least one set, found none; validation and test images come from it"
        )
    roles = {
        "studio": read_role("studio", studio)["train"],
        "portraits": splits.pop("train"),
        "coarse": read_role("coarse", coarse)["train"],
    }
    roles = {role: sets for role, sets in roles.items() if sets}
    check_weights(weights or {}, roles)
    held_out = {split: {one: entitle(source, one) for one, source in sets.items()} for split, sets in splits.items()}
    train = flatten(roles)
    # Before the estimates, which take about a second per photo: rejected items need none.
    if verdicts:
        train = accepted(train, verdicts)
    for full, source in train.items():
        for note in source.notes:
            _log.warning("%s: %s", full, note)
    if estimate_foregrounds:
        train = {
            full: with_estimated_foregrounds(source, skip=partial(leave_out, quarantine, full) if quarantine else None)
            for full, source in train.items()
        }
    formats = {full: source.name for full, source in train.items()}
    train = {full: entitle(source, full.partition(".")[2]) for full, source in train.items()}
    only_tested = {one: entitle(source, one) for one, source in read_role("test", test, ("test",))["test"].items()}
    # After renaming: identities made of file names are distinguished by the name of the set.
    refuse_leaks(train, held_out | {"test": held_out["test"] | only_tested})
    # Also after it, since what is withheld, and so what is cached, depends on identities.
    train = {full: with_labels_withheld(source, labelled) for full, source in train.items()}
    # After the estimates, so that the estimated layers are cached as well.
    if cache_gigabytes:
        train = {full: with_decoded_cache(source, cache_side, cache_gigabytes) for full, source in train.items()}
    named = {role: {one: train[f"{role}.{one}"] for one in sets} for role, sets in roles.items()}
    scenes = Scenes(list_images(backgrounds) if backgrounds else ())
    if quarantine:
        scenes = scenes.readable(partial(leave_out, quarantine, BACKGROUNDS))
    several = len(held_out["test"]) > 1  # images of different sets may share a name
    tested = [
        replace(pair, name=f"{one}/{pair.name}") if several else pair
        for one, source in held_out["test"].items()
        for pair in evaluation_pairs(source, name, scenes)
    ]
    own = [pair for one, source in only_tested.items() for pair in evaluation_pairs(source, one, scenes)]
    return Corpus(
        name=name,
        label=label or f"data sets in {root}: {', '.join(_titles(formats))}",
        train=named,
        validation=held_out["val"],
        scenes=scenes,
        test=tested + _composite_pairs(composites, named.get("studio", {}), composites_per_foreground, name) + own,
        quarantine=quarantine,
        weights={role: given for role, given in (weights or {}).items() if given},
        only_tested=frozenset(only_tested).difference(*named.values()),
    )


def _titles(formats: Mapping[str, str]) -> list[str]:
    """Return the names of the sets, with the format where it differs from the name."""
    names = {full: full.partition(".")[2] for full in formats}
    return [names[full] if names[full] == kind else f"{names[full]} ({kind})" for full, kind in formats.items()]


def evaluation_pairs(source: Source, dataset: str, scenes: Scenes) -> list[Pair]:
    """List the items of a source as test images: photos as they are, cutouts each on one fixed scene.

    Args:
        source: A test split.
        dataset: Name of the test set in results.
        scenes: Backgrounds for cutouts.

    Returns:
        One pair per item, in the source's order, not yet loaded.
    """
    return [
        Pair(
            item.name,
            partial(_load_photo, source, index) if item.photo else partial(_load_cutout, source, index, scenes),
            dataset,
            item.tags | {source.name},
            item.difficulty,
        )
        for index, item in enumerate(source.items)
    ]


def _load_photo(source: Source, index: int) -> Example:
    item, layers = source.items[index], source.layers(index, recomposed=False)
    # `layers` has the two layer files instead of the photo where the set includes both.
    photo = read_rgb(item.photo) if item.photo and item.background else layers.foreground
    trimap = source.trimap(item, layers.alpha)
    ignore = None if layers.ignore is None else layers.ignore.astype(np.uint8)
    return Example(item.name, photo, layers.alpha, implied_trimap(layers.alpha) if trimap is None else trimap, ignore)


def _load_cutout(source: Source, index: int, scenes: Scenes) -> Example:
    item, layers = source.items[index], source.layers(index, recomposed=True)
    height, width = layers.alpha.shape
    # The scene depends on the index alone, so that results of two runs compare.
    # A square of the long side is cut to size, so that the scene keeps its proportions.
    behind = scenes.read(index % len(scenes), np.random.default_rng(index), max(height, width))[:height, :width]
    image = compose_official(layers.foreground, layers.alpha, behind)
    trimap = implied_trimap(layers.alpha)
    return Example(item.name, image, layers.alpha, trimap, foreground=layers.foreground, background=behind)


def _composite_pairs(
    composites: Composites | Mapping[str, Composites | None] | None,
    studio: Mapping[str, Source],
    each: int,
    dataset: str,
) -> list[Pair]:
    """List the first ``each`` official composites of every foreground of the studio sets."""
    listing = composites if isinstance(composites, Mapping) else dict.fromkeys(studio, composites)
    listed = [(name, one) for name in studio if (list_them := listing.get(name)) for one in list_them()]
    # The number of the background ends the name of a composite.
    return [_composite_pair(one, dataset, name) for name, one in listed if int(one.name.rsplit("_", 1)[1]) < each]


def _composite_pair(composite: Composite, dataset: str, studio: str) -> Pair:
    # Composites of one foreground share its matte, so a report compares them over backgrounds.
    load, subject = partial(_load_composite, composite), composite.alpha.stem
    return Pair(composite.name, load, dataset, frozenset({studio}), subject=subject)


def _load_composite(composite: Composite) -> Example:
    foreground, alpha = read_rgb(composite.foreground), read_alpha(composite.alpha)
    trimap = read_trimap(composite.trimap) if composite.trimap else implied_trimap(alpha)
    background = read_rgb(composite.background)
    image = compose_official(foreground, alpha, background)
    behind = compose_official(
        foreground, np.zeros_like(alpha), background
    )  # alpha 0: the background as scaled and cropped
    return Example(composite.name, image, alpha, trimap, foreground=foreground, background=behind)
