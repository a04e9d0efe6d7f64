"""Rendered pairs, clean and with each planted defect, as files, on which the gates are measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from matting.synthetic.camera import to_uint8
from matting.synthetic.defects import DEFECTS, plant_defect
from matting.synthetic.formats import take_portrait
from matting.synthetic.plan import SCENARIOS

CLEAN = "clean"
SIDE = 512  # short side of the photos, as in the synthetic corpus by default


class Planted(NamedTuple):
    """One pair on disk.

    Attributes:
        person: Number of the person.
        scenario: Scenario of the photo.
        defect: `CLEAN` or a name of `matting.synthetic.defects.DEFECTS`.
        photo: JPEG.
        alpha: PNG.
    """

    person: int
    scenario: str
    defect: str
    photo: Path
    alpha: Path


def render_planted(folder: Path, split: int, person: int, defects: Sequence[str] = tuple(DEFECTS)) -> list[Planted]:
    """Render one person, and write the pair clean and with each defect that applies.

    Existing files are kept.

    Args:
        folder: Folder of the files.
        split: Seed of everything random about this part of the measurement.
        person: Number of the person.
        defects: Names of the defects.

    Returns:
        The clean pair, and one pair per defect that applies.
    """
    scenario = SCENARIOS[person % len(SCENARIOS)]
    names = [CLEAN, *defects]
    paths = [folder / f"{split}" / f"{person:04d}_{name}" for name in names]
    pairs = [
        Planted(person, scenario, name, path.with_suffix(".jpg"), path.with_suffix(".png"))
        for name, path in zip(names, paths, strict=True)
    ]
    done = folder / f"{split}" / f"{person:04d}_{len(names)}.done"
    if done.is_file():
        return [pair for pair in pairs if pair.alpha.is_file()]
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([20_26, split, person])
    taken, quality = take_portrait(rng, scenario, SIDE)
    for pair in pairs:
        planting = np.random.default_rng([20_26, split, person, [CLEAN, *DEFECTS].index(pair.defect)])
        clean = taken.image, taken.alpha
        planted = clean if pair.defect == CLEAN else plant_defect(planting, pair.defect, *clean, taken.bare)
        if planted:
            image, alpha = (to_uint8(one) for one in planted)
            cv2.imwrite(str(pair.photo), image[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, quality))
            cv2.imwrite(str(pair.alpha), alpha)
    done.touch()
    return [pair for pair in pairs if pair.alpha.is_file()]
