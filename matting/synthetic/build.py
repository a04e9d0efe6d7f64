"""Generate the synthetic corpus on first use, and find it again afterwards."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path

import cv2
import numpy as np

from matting.cache import cache_dir as default_cache_dir
from matting.errors import MattingError
from matting.files import json_text
from matting.images import list_images
from matting.synthetic.camera import to_uint8
from matting.synthetic.formats import (
    save,
    test_background,
    train_background,
    write_coco,
    write_composition,
    write_indexes,
    write_rwp,
)
from matting.synthetic.parallel import Job, Record, build_once, run_jobs
from matting.synthetic.plan import Item, background_counts, plan_items
from matting.synthetic.scenes import PHOTO_SHARE, Scene, photo_scene, random_scene
from matting.synthetic.version import VERSION

_ITEM, _TRAIN_BACKGROUND, _TEST_BACKGROUND = range(3)  # streams of randomness
_WRITERS: dict[str, Callable[[np.random.Generator, Path, Item, int, Sequence[Path]], Record]] = {
    "composition": write_composition,
    "rwp": write_rwp,
    "coco": write_coco,
}


@dataclass(frozen=True)
class CorpusParameters:
    """The parameters that determine a corpus, to the byte.

    Attributes:
        people: Images with a person (group images show more than one).
        seed: Seed of everything random.
        image_size: Shorter side of an image, pixels.
        defects: Plant labelled defects in the RWP training portraits.
        scenes: Folder of photos without people, from which half of the scenes of training images are cut; None for
            rendered scenes only.
    """

    people: int = 120
    seed: int = 0
    image_size: int = 512
    defects: bool = False
    scenes: str | None = None

    def __post_init__(self) -> None:
        plan_items(self.people)
        if self.image_size < 64:
            raise MattingError(f"image_size must be at least 64 pixels, got {self.image_size}")
        if self.scenes and not self.photos:
            raise MattingError(f"{self.scenes}: expected photos without people, found no image; check corpus.scenes")

    @cached_property
    def photos(self) -> tuple[Path, ...]:
        """The photos of the folder ``scenes`` and those below it, sorted."""
        return tuple(list_images(Path(self.scenes).expanduser(), recursive=True)) if self.scenes else ()

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that name the corpus."""
        # The photos themselves, not their folder: it may move, and another photo makes another corpus.
        stamps = {"scenes": [(photo.name, photo.stat().st_size) for photo in self.photos]} if self.scenes else {}
        given = {name: value for name, value in asdict(self).items() if name != "scenes"}
        # Without "portraits", which was an option, all corpora of this version would be rendered again.
        text = json.dumps({"version": VERSION, "portraits": False, **given, **stamps}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class _Job:
    """One file or group of files to render, small enough to be sent to a worker."""

    root: Path
    parameters: CorpusParameters
    stream: int
    number: int
    item: Item | None = None

    def __call__(self) -> Record:
        rng = np.random.default_rng([self.parameters.seed, self.stream, self.number])
        size = self.parameters.image_size
        if self.item is not None:
            photos = self.parameters.photos if self.item.place.endswith("-train") else ()
            return _WRITERS[self.item.place.split("-")[0]](rng, self.root, self.item, size, photos)
        height, width = (int(size * f) for f in ((1.0, 1.25), (1.25, 1.0), (1.0, 1.0))[self.number % 3])
        train = self.stream == _TRAIN_BACKGROUND
        name = (
            f"coco/train2014/{train_background(self.number)}"
            if train
            else f"VOC2012/JPEGImages/{test_background(self.number)}"
        )
        scene: Scene
        if train and self.parameters.photos and rng.random() < PHOTO_SHARE:
            scene = partial(photo_scene, photos=self.parameters.photos)
        else:
            scene = random_scene
        save(self.root / name, to_uint8(scene(rng, height, width)), cv2.IMWRITE_JPEG_QUALITY, 92)
        return {}


def ensure_corpus(
    people: int = 120,
    seed: int = 0,
    image_size: int = 512,
    workers: int | None = None,
    cache_dir: str | Path | None = None,
    show_progress: bool = True,
    defects: bool = False,
    scenes: str | Path | None = None,
) -> Path:
    """Return the folder of the synthetic corpus with these parameters; generate it first if need be.

    The folder appears all at once when it is complete: an interrupted generation leaves nothing that looks like a
    corpus, and of several callers one renders while the others wait.

    Args:
        people: Images with a person, over all data sets and splits. A larger corpus keeps the first ones.
        seed: Seed of everything random.
        image_size: Shorter side of an image, pixels.
        workers: Number of processes; None uses every core. The result does not depend on it.
        cache_dir: Folder of the cached corpora; None uses :func:`matting.cache.cache_dir`.
        show_progress: Show a progress bar.
        defects: Plant labelled defects in the RWP training portraits, listed in ``defects.csv``.
        scenes: Folder of photos without people, from which half of the scenes of training images are cut.

    Returns:
        The root: ``Combined_Dataset``, ``coco``, ``VOC2012``, ``COCO-Matting``, ``RWP`` and ``corpus.json`` are in it.

    Raises:
        FileNotFoundError: If the folder of scenes is missing.
        MattingError: For too few people, too small images or a folder of scenes without images.
    """
    parameters = CorpusParameters(people, seed, image_size, defects, str(scenes) if scenes else None)
    cache = Path(cache_dir) if cache_dir else default_cache_dir()
    build = partial(build_corpus, parameters=parameters, workers=workers, show_progress=show_progress)
    return build_once(cache / f"synthetic-{parameters.digest}", build)


def build_corpus(
    root: Path, parameters: CorpusParameters, workers: int | None = None, show_progress: bool = True
) -> None:
    """Render a whole corpus into the new folder ``root``.

    Raises:
        FileExistsError: If ``root`` exists: nothing in a user's folder is overwritten.
    """
    root.mkdir(parents=True)
    items = plan_items(parameters.people, parameters.defects)
    train, test = background_counts(parameters.people)
    jobs: list[Job] = [_Job(root, parameters, _ITEM, item.index, item) for item in items]
    jobs += [_Job(root, parameters, _TRAIN_BACKGROUND, n) for n in range(train)]
    jobs += [_Job(root, parameters, _TEST_BACKGROUND, n) for n in range(test)]
    records = run_jobs(jobs, workers, "Rendering the synthetic corpus" if show_progress else None)
    write_indexes(root, items, records[: len(items)])
    counts = dict(Counter[str](item.place for item in items)) | {"train2014": train, "VOC2012": test}
    content = {"corpus": "portraits rendered by code", "version": VERSION}
    (root / "corpus.json").write_text(json_text(content | asdict(parameters) | {"counts": counts}))
