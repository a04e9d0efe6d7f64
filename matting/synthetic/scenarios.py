"""Scenario test sets: fixed images of one difficulty each, as folders of pairs that every evaluation can read."""

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from matting.cache import cache_dir as default_cache_dir
from matting.errors import MattingError
from matting.files import write_csv
from matting.synthetic.camera import expose, lens_blur, to_uint8
from matting.synthetic.formats import save
from matting.synthetic.layers import compose, straight
from matting.synthetic.parallel import Job, Record, build_once, run_jobs
from matting.synthetic.person import random_frame, render_person
from matting.synthetic.photograph import photograph
from matting.synthetic.scenes import random_scene
from matting.synthetic.screenshot import screenshot
from matting.synthetic.textures import random_light
from matting.synthetic.traits import random_traits
from matting.synthetic.version import VERSION
from matting.tags import TAGS

SCENARIO_SETS = ("clean", "backlit", "glasses", "group", "screenshot", "backgrounds")
SCENES_PER_PERSON = 8  # in the set "backgrounds": one person with one matte on this many backgrounds


@dataclass(frozen=True)
class _Pair:
    """One pair of one set; ``number`` counts within the set."""

    root: Path
    name: str
    number: int
    seed: int
    size: int

    def __call__(self) -> Record:
        height, width = int(self.size * 1.25), self.size
        stem = f"{self.name}_{self.number:04d}"
        if self.name == "backgrounds":
            image, alpha, row = self._before_another_scene(height, width)
        else:
            image, alpha, row = self._photograph(height, width)
        save(self.root / self.name / f"image/{stem}.jpg", to_uint8(image), cv2.IMWRITE_JPEG_QUALITY, 92)
        save(self.root / self.name / f"alpha/{stem}.png", to_uint8(alpha), cv2.IMWRITE_PNG_COMPRESSION, 3)
        return {"name": stem, "set": self.name, "identity": stem, "difficulty": "clear"} | dict.fromkeys(TAGS, 0) | row

    def _stream(self, *numbers: int) -> np.random.Generator:
        # 100 and more, apart from the streams of a corpus, so that no image is that of a corpus with this seed.
        return np.random.default_rng([self.seed, 100 + SCENARIO_SETS.index(self.name), *numbers])

    def _photograph(
        self, height: int, width: int
    ) -> tuple[np.typing.NDArray[np.float32], np.typing.NDArray[np.float32], Record]:
        rng = self._stream(self.number)
        scenario = self.name if self.name in ("backlit", "glasses", "group") else "plain"
        if scenario == "group":
            height, width = width, height
        photo = photograph(rng, height, width, scenario)
        if self.name == "screenshot":
            photo = screenshot(rng, photo)
        return (
            photo.image,
            photo.alpha,
            {"difficulty": photo.difficulty} | {tag: int(tag in photo.tags) for tag in TAGS},
        )

    def _before_another_scene(
        self, height: int, width: int
    ) -> tuple[np.typing.NDArray[np.float32], np.typing.NDArray[np.float32], Record]:
        person, scene = divmod(self.number, SCENES_PER_PERSON)
        rng = self._stream(person)
        layer = render_person(rng, random_frame(rng, height, width), random_traits(rng), random_light(rng)).layer
        colours, alpha = straight(lens_blur(layer, 0.5))
        # Another stream than the person's, who is the same before all scenes. `+ 1`, because NumPy pads seeds with
        # zeros: a last number of 0 would give the person's stream again.
        rng = self._stream(person, scene + 1)
        image = expose(rng, compose(colours, alpha, random_scene(rng, height, width)))
        return image, alpha, {"identity": f"person_{person:04d}"}


def ensure_scenarios(
    per_set: int = 48,
    seed: int = 0,
    image_size: int = 512,
    workers: int | None = None,
    cache_dir: str | Path | None = None,
    show_progress: bool = True,
) -> Path:
    """Return the folder of the scenario test sets; generate it first if need be.

    ``<root>/<set>/image/*.jpg`` and ``<root>/<set>/alpha/*.png`` share stems; ``<root>/manifest.csv`` has name, set,
    identity (equal for the same person), difficulty and tags. None of the images is part of any training corpus.

    Args:
        per_set: Images in each set.
        seed: Seed of everything random.
        image_size: Shorter side of an image, pixels.
        workers: Processes; None uses every core.
        cache_dir: Folder of the cached corpora; None uses the project's cache.
        show_progress: Show a progress bar.

    Raises:
        MattingError: For ``per_set`` below 1.
    """
    if per_set < 1:
        raise MattingError(f"per_set must be at least 1, got {per_set}")
    parameters = {"version": VERSION, "per_set": per_set, "seed": seed, "image_size": image_size}
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:12]
    cache = Path(cache_dir) if cache_dir else default_cache_dir()
    build = partial(_build, per_set=per_set, seed=seed, size=image_size, workers=workers, show_progress=show_progress)
    return build_once(cache / f"scenarios-{digest}", build)


def _build(root: Path, per_set: int, seed: int, size: int, workers: int | None, show_progress: bool) -> None:
    jobs: list[Job] = [_Pair(root, name, number, seed, size) for name in SCENARIO_SETS for number in range(per_set)]
    rows = run_jobs(jobs, workers, "Rendering the scenario test sets" if show_progress else None)
    columns = ["name", "set", "difficulty", "identity", *TAGS]
    write_csv(root / "manifest.csv", columns, ([row[name] for name in columns] for row in rows))
