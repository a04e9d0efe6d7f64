"""Contact sheets of everything in the corpus: one row per scenario, hair style, family of scenes or defect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.synthetic.camera import to_uint8
from matting.synthetic.defects import DEFECTS, plant_defect
from matting.synthetic.fabrics import PATTERNS, cloth
from matting.synthetic.formats import save
from matting.synthetic.layers import Colours, Frame
from matting.synthetic.parallel import Job, Record, run_jobs
from matting.synthetic.person import render_person
from matting.synthetic.photograph import photograph
from matting.synthetic.plan import SCENARIOS
from matting.synthetic.scenes import FAMILIES, portrait_scene, random_scene
from matting.synthetic.screenshot import screenshot
from matting.synthetic.textures import random_light
from matting.synthetic.traits import HATS, OUTFITS, STYLES, cloth_colour, random_traits

HEIGHT, WIDTH, COLUMNS = 240, 192, 8  # of a cell in pixels; cells per row
_SCALE = 2  # rendered at this multiple of the size of a cell

Cells = Callable[[np.random.Generator, str], Sequence[Colours]]
"""Renders the next cells of the row of that name."""


def _scenario(rng: np.random.Generator, name: str) -> Sequence[Colours]:
    photo = photograph(rng, HEIGHT * _SCALE, WIDTH * _SCALE, "plain" if name == "screenshot" else name)
    return [(screenshot(rng, photo) if name == "screenshot" else photo).image]


def _style(rng: np.random.Generator, name: str) -> Sequence[Colours]:
    frame = Frame(HEIGHT * _SCALE, WIDTH * _SCALE, HEIGHT * 0.8, (WIDTH, HEIGHT * 0.75))
    plain = replace(random_traits(rng), hat=None, veil=False, collar=None, scarf=False, glasses=None, earrings=False)
    worn = {
        "fur": replace(plain, collar="fur"),
        "lace": replace(plain, collar="lace"),
        "veil": replace(plain, veil=True),
        "scarf": replace(plain, scarf=True),
        "earrings": replace(plain, earrings=True, style="bun"),
        "wind": replace(plain, style="long", wind=float(rng.choice([-1, 1]) * rng.uniform(0.4, 1.1))),
        "arms in motion": replace(plain, arms=("up", "wide")),
    }
    traits = worn[name] if name in worn else replace(plain, style=name)
    layer = render_person(rng, frame, traits, random_light(rng)).layer
    scene = portrait_scene(rng, frame.height, frame.width)
    return [layer[..., :3] + scene * (1 - layer[..., 3:])]


def _worn(rng: np.random.Generator, name: str) -> Sequence[Colours]:
    """Render a person in the outfit or hat of that name, from the knees up."""
    frame = Frame(HEIGHT * _SCALE, WIDTH * _SCALE, HEIGHT * 0.42, (WIDTH, HEIGHT * 0.4))
    traits = replace(random_traits(rng), yaw=float(rng.normal(0, 0.4)), scarf=False, veil=False, hat=None)
    traits = replace(traits, outfit=name) if name in OUTFITS else replace(traits, hat=name)
    layer = render_person(rng, frame, traits, random_light(rng)).layer
    scene = portrait_scene(rng, frame.height, frame.width)
    return [layer[..., :3] + scene * (1 - layer[..., 3:])]


def _pattern(rng: np.random.Generator, name: str) -> Sequence[Colours]:
    return [cloth(rng, HEIGHT, WIDTH, cloth_colour(rng, 0.3), rng.uniform(3, 14), kind=name)]


def _family(rng: np.random.Generator, name: str) -> Sequence[Colours]:
    return [random_scene(rng, HEIGHT * _SCALE, WIDTH * _SCALE, name)]


def _defect(rng: np.random.Generator, name: str) -> Sequence[Colours]:
    """Render a clean pair and the same pair with the defect, each as photo and cutout."""
    photo = photograph(rng, HEIGHT * _SCALE, WIDTH * _SCALE, str(rng.choice(["plain", "backlit", "side_backlit"])))
    faulty = plant_defect(rng, name, photo.image, photo.alpha, photo.bare)
    # A defect that does not apply, such as cut hair of a bald person: try the next photo.
    return [_halves(photo.image, photo.alpha), _halves(*faulty)] if faulty else _defect(rng, name)


def _halves(image: Colours, alpha: NDArray[np.float32]) -> Colours:
    """Place the photo next to its cutout on one colour, to show faults of image and matte."""
    cut = image * alpha[..., None] + (1 - alpha[..., None]) * np.array((0.35, 0.7, 0.55), np.float32)
    return np.concatenate([image, cut], axis=1)


SHEETS: dict[str, tuple[Cells, tuple[str, ...]]] = {
    "scenarios": (_scenario, (*SCENARIOS, "portrait", "screenshot")),
    "styles": (_style, (*STYLES, "fur", "lace", "veil", "scarf", "earrings", "wind", "arms in motion")),
    "worn": (_worn, (*OUTFITS, *HATS)),
    "cloths": (_pattern, tuple(PATTERNS)),
    "backgrounds": (_family, tuple(FAMILIES)),
    "defects": (_defect, tuple(DEFECTS)),
}
"""The renderer and the rows of each sheet."""


@dataclass(frozen=True)
class _Row:
    sheet: str
    name: str
    seed: int

    def __call__(self) -> Record:
        cells, names = SHEETS[self.sheet]
        row: list[Colours] = []
        turn = 0
        while sum(cell.shape[1] for cell in row) < COLUMNS * WIDTH:
            # A generator for each cell, so that rows do not depend on the number of processes.
            rng = np.random.default_rng([self.seed, list(SHEETS).index(self.sheet), names.index(self.name), turn])
            row += [_fit(image) for image in cells(rng, self.name)]
            turn += 1
        strip = to_uint8(np.concatenate(row, axis=1)[:, : COLUMNS * WIDTH])
        # White on a black outline can be read on anything.
        cv2.putText(strip, self.name, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(strip, self.name, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (255, 255, 255), 1, cv2.LINE_AA)
        return {"row": strip}


def _fit(image: Colours) -> Colours:
    """Scale the image into one cell, or two if it is wide."""
    cells = 2 if image.shape[1] > image.shape[0] else 1
    scale = min(HEIGHT / image.shape[0], cells * WIDTH / image.shape[1])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cell = np.full((HEIGHT, cells * WIDTH, 3), 0.5, np.float32)
    cell[: small.shape[0], : small.shape[1]] = small
    return cell


def render_sheets(folder: Path, seed: int = 0, workers: int | None = None, show_progress: bool = True) -> list[Path]:
    """Render the sheets of :data:`SHEETS` as ``<name>.jpg`` into a new folder.

    Args:
        folder: New folder.
        seed: Seed of everything random.
        workers: Processes; None uses every core.
        show_progress: Show a progress bar.

    Raises:
        FileExistsError: If ``folder`` exists: nothing in a user's folder is overwritten.
    """
    folder.mkdir(parents=True)
    rows: list[Job] = [_Row(sheet, name, seed) for sheet, (_, names) in SHEETS.items() for name in names]
    strips = [
        record["row"] for record in run_jobs(rows, workers, "Rendering contact sheets" if show_progress else None)
    ]
    paths = []
    for sheet, (_, names) in SHEETS.items():
        strip, strips = strips[: len(names)], strips[len(names) :]
        paths.append(folder / f"{sheet}.jpg")
        save(paths[-1], np.concatenate(strip), cv2.IMWRITE_JPEG_QUALITY, 88)
    return paths
