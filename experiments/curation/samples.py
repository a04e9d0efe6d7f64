"""Samples that the critic is trained on: rendered pairs, clean and with planted faults whose errors are known.

The people have a seed of their own: none of them is used by ``measure.py`` for limits or results.
"""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor
from torch.utils.data import Dataset

from matting.cache import cache_dir
from matting.curation.clues import clues
from matting.curation.critic import FAULTS, STRIDE, Critic, Fault, criticise, frame_around
from matting.files import write_atomic
from matting.images import read_alpha, read_rgb
from matting.processes import in_processes
from matting.synthetic.camera import to_uint8
from matting.synthetic.defects import plant_defect
from matting.synthetic.formats import take_portrait
from matting.synthetic.plan import SCENARIOS
from matting.synthetic.version import VERSION

SEED = 100  # of the people; measure.py uses other seeds
SIDES = (512, 720)  # short sides of the photos in turn: softer than the critic sees them, and as sharp
CROP = 320
AROUND = 128  # pixels around a crop that influence its clues through the widest window
COARSE = SCENARIOS.index("low_resolution")  # where hair is a haze: clean hair looks most like cut hair
EXTRA_COARSE = 0.2  # extra share of the samples with such people
HARD = 0.5  # share of clean crops that are hard negatives, if there are any
HARDEST = 1 / 3  # share of the people searched whose worst place is used, for each fault
PLANTED: dict[str, tuple[Fault, float]] = {
    "hard_cut": ("cut_hair", 9.0),
    "filled_holes": ("filled_gap", 4.0),
    "shadow_included": ("included_shadow", 1.8),
    "missing_limb": ("missing_part", 2.0),
    "shifted": ("displaced", 0.6),
    "dilated": ("displaced", 0.6),
    "swapped": ("displaced", 0.5),
}
"""The fault of each planted defect, and its relative frequency; a third of the people have no hair to cut."""


class Sample(NamedTuple):
    """Crops of people, clean and faulty in turn.

    Attributes:
        image: ``(B, C, S, S)`` uint8 clues.
        errors: ``(B, K, S / 4, S / 4)`` uint8.
    """

    image: Tensor
    errors: Tensor


def render_people(people: int, workers: int) -> Path:
    """Render people losslessly, with the quality at which the photo is saved later, and return their folder."""
    folder = cache_dir() / f"critic-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    job = in_processes(partial(render, folder=folder), range(people), workers)
    for _ in track(job, "rendering", people):
        pass
    return folder


def render(person: int, folder: Path) -> None:
    """Render one person; existing files are kept."""
    stem = folder / f"{person:05d}"
    if Path(f"{stem}_a.png").is_file():
        return
    scenario, side = SCENARIOS[person % len(SCENARIOS)], SIDES[person // len(SCENARIOS) % len(SIDES)]
    taken, quality = take_portrait(np.random.default_rng([20_26, SEED, person]), scenario, side)
    cv2.imwrite(f"{stem}_p.png", to_uint8(taken.image)[..., ::-1], (cv2.IMWRITE_PNG_COMPRESSION, 1))
    cv2.imwrite(f"{stem}_b.png", to_uint8(taken.bare))
    write_atomic(Path(f"{stem}_q.txt"), str(quality).encode())
    write_atomic(Path(f"{stem}_a.png"), cv2.imencode(".png", to_uint8(taken.alpha))[1].tobytes())


def most_wrong(person: int, folder: Path, critic: Critic) -> list[tuple[float, int, int]]:
    """Find where a critic is most wrong about a clean pair.

    Returns:
        For each of `FAULTS` the highest mean over 5 x 5 cells, and its row and column in pixels of the frame.
    """
    photo, alpha, quality = _read(folder / f"{person:05d}")
    criticism, found = criticise(_save(photo, _IDENTITY, quality), alpha, critic), []
    for fault in FAULTS:
        seen = cv2.blur(criticism.cells[fault], (5, 5))
        row, column = np.unravel_index(seen.argmax(), seen.shape)
        found.append((float(seen[row, column]), STRIDE * int(row), STRIDE * int(column)))
    return found


def hard_places(critic: Critic, folder: Path, people: int, workers: int) -> NDArray[np.int64]:
    """Find where a critic is most wrong about clean pairs (Shrivastava et al. 2016, arXiv 1604.03540).

    Args:
        critic: In evaluation mode.
        folder: Folder of the rendered people.
        people: Number of people that are searched; a share `HARDEST` is returned.
        workers: Number of processes.

    Returns:
        ``(K, N, 3)``: by fault the person, row and column.
    """
    job = in_processes(partial(most_wrong, folder=folder, critic=critic), range(people), workers)
    found = np.array(list(track(job, "searching hard negatives", people)))  # (people, faults, 3)
    worst = np.argsort(-found[..., 0], axis=0, kind="stable")[: max(1, round(HARDEST * people))].T
    places = found[worst, np.arange(len(FAULTS))[:, None], 1:].astype(np.int64)
    return np.concatenate([worst[..., None], places], axis=-1)


class Samples(Dataset[Sample]):
    """Training samples, each a function of its number.

    Args:
        folder: Folder of the rendered people.
        people: Number of people.
        numbers: Numbers of the samples.
        seed: Seed of everything random about the samples.
        hard: Clean places by fault, see `hard_places`, to pair with it in the share `HARD` of the samples; in the
            other samples the clean crop is the same place before the fault was planted.
    """

    def __init__(
        self,
        folder: Path,
        people: int,
        numbers: range,
        seed: int = 0,
        hard: NDArray[np.int64] | None = None,
    ) -> None:
        self.folder, self.people, self.numbers, self.seed, self.hard = folder, people, numbers, seed, hard

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng([SEED, self.seed, self.numbers[index]])
        shares = np.array([share for _, share in PLANTED.values()])
        faulty = None
        while not faulty:  # bald people have no hair to cut
            defect = list(PLANTED)[rng.choice(len(PLANTED), p=shares / shares.sum())]
            stem = self.folder / f"{self.sample_person(rng):05d}"
            clean, truth, quality = _read(stem)
            faulty = self._plant(rng, defect, clean, truth, read_alpha(Path(f"{stem}_b.png")))
        photo, alpha = faulty
        light = _light(rng)
        saved = _save(photo, light, quality)
        frame = frame_around(alpha if rng.random() < 0.5 else truth)
        errors = cv2.absdiff(frame.cut(truth), frame.cut(alpha))
        window, flip = _window(rng, errors), 1 - 2 * int(rng.integers(2))
        fault = FAULTS.index(PLANTED[defect][0])
        if self.hard is not None and rng.random() < HARD:
            right = self._hard(rng, self.hard[fault])
        else:
            before = saved if photo is clean else _save(clean, light, quality)
            right = _clues(frame.cut(before), frame.cut(truth), window)
        looks = [right, _clues(frame.cut(saved), frame.cut(alpha), window)]
        small = cv2.resize(errors[window], (CROP // STRIDE,) * 2, interpolation=cv2.INTER_AREA)[:, ::flip]
        targets = np.zeros((2, len(FAULTS), *small.shape), np.uint8)
        targets[1, fault] = small
        planes = np.stack([look[:, ::flip].transpose(2, 0, 1) for look in looks])
        return Sample(torch.from_numpy(planes), torch.from_numpy(targets))

    def sample_person(self, rng: np.random.Generator) -> int:
        """Choose any person, or with probability `EXTRA_COARSE` one in an image of low resolution."""
        coarse = range(COARSE, self.people, len(SCENARIOS))
        return int(rng.choice(coarse if coarse and rng.random() < EXTRA_COARSE else self.people))

    def _hard(self, rng: np.random.Generator, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the clues around one of these clean places."""
        person, *place = rng.choice(places)
        photo, truth, quality = _read(self.folder / f"{person:05d}")
        frame, saved = frame_around(truth), _save(photo, _light(rng), quality)
        matte = frame.cut(truth)
        return _clues(frame.cut(saved), matte, _crop(place + rng.integers(-80, 81, 2), matte.shape))

    def _plant(
        self,
        rng: np.random.Generator,
        defect: str,
        photo: NDArray[np.uint8],
        alpha: NDArray[np.uint8],
        bare: NDArray[np.uint8],
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
        if defect == "swapped":  # reuse the matte of another rendered person: faster than rendering one
            other = read_alpha(self.folder / f"{rng.integers(self.people):05d}_a.png")
            return photo, cv2.resize(other, alpha.shape[::-1], interpolation=cv2.INTER_AREA)
        planted = plant_defect(rng, defect, *(plane / np.float32(255) for plane in (photo, alpha, bare)))
        if not planted:
            return None
        return to_uint8(planted[0]) if defect == "shadow_included" else photo, to_uint8(planted[1])


def _read(stem: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8], int]:
    """Read a lossless photo, its alpha, and the quality at which the photo is saved."""
    return read_rgb(Path(f"{stem}_p.png")), read_alpha(Path(f"{stem}_a.png")), int(Path(f"{stem}_q.txt").read_text())


_IDENTITY = np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)


def _light(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Choose a gain of each channel and a gamma in half of all cases, as ``(256, 3)`` values by level."""
    if rng.random() < 0.5:
        return _IDENTITY
    levels = np.linspace(0, 1, 256)[:, None] ** np.exp(rng.uniform(-0.4, 0.4)) * rng.uniform(0.8, 1.2, 3)
    return np.asarray(np.clip(255 * levels, 0, 255), np.uint8)


def _save(photo: NDArray[np.uint8], light: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    coded = cv2.imencode(".jpg", cv2.LUT(photo, light[None])[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])


def _window(rng: np.random.Generator, errors: NDArray[np.uint8]) -> tuple[slice, slice]:
    wrong = np.argwhere(errors > 40)
    centre = rng.integers(errors.shape)
    if len(wrong) and rng.random() < 0.75:
        centre = wrong[rng.integers(len(wrong))] + rng.integers(-80, 81, 2)
    return _crop(centre, errors.shape)


def _crop(centre: NDArray[np.int64], shape: tuple[int, ...]) -> tuple[slice, slice]:
    y, x = (int(np.clip(c - CROP // 2, 0, side - CROP)) for c, side in zip(centre, shape, strict=True))
    return slice(y, y + CROP), slice(x, x + CROP)


def _clues(photo: NDArray[np.uint8], alpha: NDArray[np.uint8], window: tuple[slice, slice]) -> NDArray[np.uint8]:
    """Compute the clues in a window, including the influence of its surroundings."""
    begins = [max(0, side.start - AROUND) for side in window]
    seen = tuple(slice(begin, side.stop + AROUND) for begin, side in zip(begins, window, strict=True))
    inner = tuple(slice(side.start - begin, side.stop - begin) for begin, side in zip(begins, window, strict=True))
    return clues(photo[seen], np.ascontiguousarray(alpha[seen]))[inner]
