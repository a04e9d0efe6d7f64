"""A corpus: everything that one run reads. The demo corpus and the real data sets go through the same readers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matting.data.scenes import Scenes
from matting.data.sources import Item, Source, coco_matting, composition1k, rwp
from matting.data.sources.composition1k import TestComposite, compose_official, composites
from matting.evaluation import Example, Pair, implied_trimap, load_example
from matting.images import list_pictures, read_alpha, read_rgb


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
    """

    name: str
    label: str
    train: Mapping[str, Source]
    validation: Source
    scenes: Scenes
    test: list[Pair]


def demo_corpus(people: int = 160, seed: int = 0, image_size: int = 512) -> Corpus:
    """The corpus drawn by code, generated on first use.

    Args:
        people: Number of people drawn, over all sets.
        seed: Seed of the drawing.
        image_size: Long side of the pictures in pixels.

    Returns:
        The corpus, read by the readers of the real sets.
    """
    from matting.corpus import ensure_corpus

    root = ensure_corpus(people=people, seed=seed, image_size=image_size)
    label = f"demo corpus, drawn by code ({people} people, seed {seed}): not real photographs"
    return disk_corpus(root, name="demo", label=label, composites_per_foreground=2)


def disk_corpus(
    root: Path | str,
    composition1k_folder: str = "Combined_Dataset",
    rwp_folder: str = "RWP",
    coco_folder: str = "coco",
    coco_matting_folder: str = "COCO-Matting",
    backgrounds_folder: str = "coco/train2014",
    test_backgrounds_folder: str = "VOC2012/JPEGImages",
    name: str = "disk",
    label: str | None = None,
    composites_per_foreground: int = 20,
) -> Corpus:
    """The real data sets as they lie on disk.

    Args:
        root: Folder that the others are relative to; an absolute folder stands for itself.
        composition1k_folder: Composition-1K.
        rwp_folder: Real-world portraits with a manifest.
        coco_folder: COCO photographs.
        coco_matting_folder: COCO-Matting.
        backgrounds_folder: Pictures without people, for training.
        test_backgrounds_folder: PASCAL VOC pictures of the official test composition.
        name: Names the test set in results.
        label: Printed above every figure; the root by default.
        composites_per_foreground: How many of the official 20 test backgrounds of each foreground are evaluated.

    Raises:
        FileNotFoundError: If a folder or a file is missing.
    """
    base = Path(root).expanduser()
    adobe, portraits = base / composition1k_folder, base / rwp_folder
    sources = (composition1k(adobe), rwp(portraits), coco_matting(base / coco_matting_folder, base / coco_folder))
    studio = composites(adobe, base / test_backgrounds_folder)
    test = [_photograph_pair(item, name) for item in rwp(portraits, "test").items]
    test += [_composite_pair(c, name) for c in studio if int(c.name.rsplit("_", 1)[1]) < composites_per_foreground]
    return Corpus(
        name=name,
        label=label or f"data sets in {base}",
        train={source.name: source for source in sources},
        validation=rwp(portraits, "val"),
        scenes=Scenes(list_pictures(base / backgrounds_folder)),
        test=test,
    )


def _photograph_pair(item: Item, dataset: str) -> Pair:
    if item.photo is None:
        raise ValueError(f"test item '{item.name}' has no photograph; it needs a background list")
    load = partial(load_example, item.name, item.photo, item.alpha)
    return Pair(item.name, load, dataset, item.tags | {"rwp"}, item.difficulty)


def _composite_pair(composite: TestComposite, dataset: str) -> Pair:
    return Pair(composite.name, partial(_load_composite, composite), dataset, frozenset({"composition1k"}))


def _load_composite(composite: TestComposite) -> Example:
    foreground, alpha = read_rgb(composite.foreground), read_alpha(composite.alpha)
    trimap = read_alpha(composite.trimap) if composite.trimap else implied_trimap(alpha)
    return Example(composite.name, compose_official(foreground, alpha, read_rgb(composite.background)), alpha, trimap)
