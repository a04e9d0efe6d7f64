"""Train the critic on rendered pairs, clean and with planted faults whose errors are known.

    python experiments/curation/train.py --people 5000 --steps 10000

writes ``matting/curation/critic.safetensors``. The people have a seed of their own: none of them is used by
``measure.py`` for limits or results. With ``--further`` training continues from the project's weights, and half of the
clean crops are taken where these weights mistook a clean pair for a faulty one (hard negatives, Shrivastava et al.
2016, arXiv 1604.03540).
"""

import argparse
import time
from collections.abc import Mapping
from functools import partial
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from rich.progress import track
from safetensors.torch import load_file, save
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from matting.cache import cache_dir
from matting.curation.checks import version
from matting.curation.clues import clues
from matting.curation.critic import FAULTS, STRIDE, WEIGHTS, Critic, Fault, criticise, frame_around, peaks
from matting.files import write_atomic
from matting.images import read_alpha, read_rgb
from matting.processes import in_processes
from matting.synthetic.camera import to_uint8
from matting.synthetic.defects import plant_defect
from matting.synthetic.formats import take_portrait
from matting.synthetic.plan import SCENARIOS
from matting.synthetic.version import VERSION

SEED = 100  # of the people; measure.py uses other seeds
SIDE = 512  # short side of the photos
CROP = 320
AROUND = 128  # pixels around a crop that influence its clues through the widest window
COARSE = SCENARIOS.index("low_resolution")  # where hair is a haze: clean hair looks most like cut hair
EXTRA_COARSE = 0.2  # extra share of the samples with such people
PEOPLE = 5  # per batch; each appears twice, clean and with a fault
HARD = 0.5  # share of clean crops that are hard negatives, if there are any
SEARCHED = 3000  # people searched for hard negatives
HARDEST = 1 / 3  # share of these people whose worst place is used, for each fault
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
    """Crops of one person, clean and faulty: ``(2, C, S, S)`` uint8 clues and ``(2, K, S / 4, S / 4)`` uint8 errors."""

    clues: Tensor
    errors: Tensor


def render(person: int, folder: Path) -> None:
    """Render one person losslessly, with the quality at which the photo is saved later."""
    stem = folder / f"{person:05d}"
    if Path(f"{stem}_a.png").is_file():
        return
    scenario = SCENARIOS[person % len(SCENARIOS)]
    taken, quality = take_portrait(np.random.default_rng([20_26, SEED, person]), scenario, SIDE)
    cv2.imwrite(f"{stem}_p.png", to_uint8(taken.image)[..., ::-1], (cv2.IMWRITE_PNG_COMPRESSION, 1))
    cv2.imwrite(f"{stem}_b.png", to_uint8(taken.bare))
    write_atomic(Path(f"{stem}_q.txt"), str(quality).encode())
    write_atomic(Path(f"{stem}_a.png"), cv2.imencode(".png", to_uint8(taken.alpha))[1].tobytes())


def most_wrong(person: int, folder: Path) -> list[tuple[float, int, int]]:
    """Find where the project's critic is most wrong about a clean pair.

    Returns:
        For each of `FAULTS` the highest mean over 5 x 5 cells, and its row and column in pixels of the frame.
    """
    stem = folder / f"{person:05d}"
    photo, alpha, quality = _read(stem)
    criticism, found = criticise(_save(photo, np.ones(3), quality), alpha), []
    for fault in FAULTS:
        seen = cv2.blur(criticism.cells[fault], (5, 5))
        row, column = np.unravel_index(seen.argmax(), seen.shape)
        found.append((float(seen[row, column]), STRIDE * int(row), STRIDE * int(column)))
    return found


def hard_places(folder: Path, people: int, workers: int) -> dict[Fault, NDArray[np.int64]]:
    """Find where the project's critic is most wrong about clean pairs: by fault ``(N, 3)`` person, row and column."""
    path = folder.with_name(f"most_wrong_{people}_{version()}.npy")
    if not path.is_file():
        job = in_processes(partial(most_wrong, folder=folder), range(people), workers)
        content = BytesIO()
        np.save(content, np.array(list(track(job, "searching hard negatives", people))))
        write_atomic(path, content.getvalue())
    found, places = np.load(path), {}  # (people, faults, 3)
    for number, fault in enumerate(FAULTS):
        worst = np.argsort(-found[:, number, 0], kind="stable")[: round(HARDEST * people)]
        places[fault] = np.column_stack([worst, found[worst, number, 1:].astype(np.int64)])
    return places


class Samples(Dataset[Sample]):
    """Training samples, each a function of its number.

    Args:
        folder: Folder of the rendered people.
        people: Number of people.
        count: Number of samples.
        seed: Seed of everything random about the samples.
        hard: Clean places to pair with a fault in the share `HARD` of the samples, see `hard_places`; in the other
            samples the clean crop is the same place before the fault was planted.
    """

    def __init__(
        self,
        folder: Path,
        people: int,
        count: int,
        seed: int = 0,
        hard: Mapping[Fault, NDArray[np.int64]] = MappingProxyType({}),
    ) -> None:
        self.folder, self.people, self.count, self.seed, self.hard = folder, people, count, seed, dict(hard)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng([SEED, self.seed, index])
        shares = np.array([share for _, share in PLANTED.values()])
        faulty = None
        while not faulty:  # bald people have no hair to cut
            defect = list(PLANTED)[rng.choice(len(PLANTED), p=shares / shares.sum())]
            stem = self.folder / f"{self.sample_person(rng):05d}"
            clean, truth, quality = _read(stem)
            faulty = self._plant(rng, defect, clean, truth, read_alpha(Path(f"{stem}_b.png")))
        photo, alpha = faulty
        gain = _gain(rng)
        saved = _save(photo, gain, quality)
        frame = frame_around(alpha if rng.random() < 0.5 else truth)
        errors = cv2.absdiff(frame.cut(truth), frame.cut(alpha))
        window, flip = _window(rng, errors), 1 - 2 * int(rng.integers(2))
        fault = PLANTED[defect][0]
        if fault in self.hard and rng.random() < HARD:
            right = self._hard(rng, fault)
        else:
            before = saved if photo is clean else _save(clean, gain, quality)
            right = _clues(frame.cut(before), frame.cut(truth), window)
        looks = [right, _clues(frame.cut(saved), frame.cut(alpha), window)]
        small = cv2.resize(errors[window], (CROP // STRIDE,) * 2, interpolation=cv2.INTER_AREA)[:, ::flip]
        targets = np.zeros((2, len(FAULTS), *small.shape), np.uint8)
        targets[1, FAULTS.index(fault)] = small
        planes = np.stack([look[:, ::flip].transpose(2, 0, 1) for look in looks])
        return Sample(torch.from_numpy(planes), torch.from_numpy(targets))

    def sample_person(self, rng: np.random.Generator) -> int:
        """Choose any person, or with probability `EXTRA_COARSE` one in an image of low resolution."""
        coarse = range(COARSE, self.people, len(SCENARIOS))
        return int(rng.choice(coarse if coarse and rng.random() < EXTRA_COARSE else self.people))

    def _hard(self, rng: np.random.Generator, fault: Fault) -> NDArray[np.uint8]:
        """Return the clues of a clean place that the critic took for the fault."""
        person, *place = rng.choice(self.hard[fault])
        photo, truth, quality = _read(self.folder / f"{person:05d}")
        frame, saved = frame_around(truth), _save(photo, _gain(rng), quality)
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


def _gain(rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.uniform(0.8, 1.2, 3) if rng.random() < 0.5 else np.ones(3)


def _save(photo: NDArray[np.uint8], gain: NDArray[np.float64], quality: int) -> NDArray[np.uint8]:
    levels = np.clip(np.outer(np.arange(256), gain), 0, 255).astype(np.uint8)
    lit = cv2.LUT(photo, levels[None])[..., ::-1]
    coded = cv2.imencode(".jpg", lit, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
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


def loss_of(maps: Tensor, errors: Tensor) -> Tensor:
    """Compute the binary cross-entropy of the cells and of each image's peaks.

    Args:
        maps: ``(B, K, h, w)`` logits.
        errors: ``(B, K, h, w)`` in [0, 1], the mean error of alpha in each cell.
    """
    wrong = (2 * errors).clamp(max=1)
    cells = F.binary_cross_entropy_with_logits(maps, wrong, reduction="none") * (1 + 4 * wrong)
    seen = F.avg_pool2d(errors, 5, 1).flatten(2).amax(dim=2)
    clear = ((seen < 0.004) | (seen > 0.12)).float()  # errors in between are neither a fault nor a clean example
    images = F.binary_cross_entropy_with_logits(peaks(maps), (seen > 0.12).float(), reduction="none") * clear
    return 10 * cells.mean() + 0.6 * images.mean()


def train(samples: Samples, output: Path, further: bool = False, workers: int = 2) -> None:
    """Train from random weights, or continue from the project's, and write the weights in half precision.

    When continuing, the first convolutions are frozen: they are trained already and take half the time of a step.
    """
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    critic = Critic().to(device, memory_format=torch.channels_last).train()
    if further:
        critic.load_state_dict(load_file(WEIGHTS))
        for stem in (critic.backbone.conv1, critic.backbone.bn1):
            stem.requires_grad_(False).eval()
    steps = len(samples) // PEOPLE
    rate = 4e-4 if further else 2e-3
    optimizer = torch.optim.AdamW([p for p in critic.parameters() if p.requires_grad], rate, weight_decay=0.03)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, pct_start=0.1)
    loader = DataLoader(samples, PEOPLE, num_workers=workers, prefetch_factor=4)
    start, mean = time.time(), torch.zeros((), device=device)
    for step, sample in enumerate(track(loader, "training", steps), 1):
        looks, errors = (one.flatten(0, 1).to(device).float() / 255 for one in sample)
        with torch.autocast(device.type, torch.bfloat16):
            maps = critic(looks.contiguous(memory_format=torch.channels_last))
        loss = loss_of(maps.float(), errors)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(critic.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        mean += 0.02 * (loss.detach() - mean)
        if step % 100 == 0:
            print(f"step {step}: loss {float(mean) / (1 - 0.98**step):.4f}, {time.time() - start:.0f} s", flush=True)
        if step % 1000 == 0 or step == steps:
            write_atomic(output, save(_halves(critic)))


def _halves(critic: Critic) -> dict[str, Tensor]:
    state = critic.state_dict()
    return {name: (value.half() if value.is_floating_point() else value).contiguous() for name, value in state.items()}


def main() -> None:
    """Render the people, train, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=10000)
    parser.add_argument("--further", action="store_true", help="continue from the project's weights")
    parser.add_argument("--seed", type=int, default=0, help="seed of the samples; use another one to continue")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    folder = cache_dir() / f"critic-{VERSION}" / "people"
    folder.mkdir(parents=True, exist_ok=True)
    job = partial(render, folder=folder)
    for _ in track(in_processes(job, range(options.people), options.workers), "rendering", options.people):
        pass
    hard = hard_places(folder, min(SEARCHED, options.people), options.workers) if options.further else {}
    samples = Samples(folder, options.people, options.steps * PEOPLE, options.seed, hard)
    train(samples, options.output, options.further, options.workers)


if __name__ == "__main__":
    main()
