"""Small pairs in any number: rendered people, each on a background of its own."""

import shutil
import tempfile
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.images import list_images, read_alpha, read_rgb
from matting.processes import in_processes
from matting.synthetic.build import CorpusParameters, build_corpus

SIDE = 64
"""Side of the rendered people in pixels."""

BLOCK = 500
"""Pairs per piece of work."""

Person = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def write_pairs(root: Path, count: int, side: int = SIDE) -> None:
    """Write ``image/NAME.jpg`` and ``alpha/NAME.png``, and mattes with errors, ``predicted/NAME.png``.

    The folder appears when it is complete. Larger sides are enlarged.
    """
    partial_root = root.with_suffix(".partial")
    shutil.rmtree(partial_root, ignore_errors=True)
    for name in ("image", "alpha", "predicted"):
        (partial_root / name).mkdir(parents=True)
    starts = range(0, count, BLOCK)
    for _ in in_processes(partial(_write_block, partial_root, count, side, render_people()), starts, None):
        pass
    partial_root.rename(root)


def render_people() -> list[Person]:
    """Render a few portraits, ``(SIDE, SIDE, 3)`` and ``(SIDE, SIDE)`` uint8."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "corpus"
        build_corpus(root, CorpusParameters(people=24, image_size=SIDE), show_progress=False)
        files = list_images(root / "RWP/image")
        people = [(read_rgb(file), read_alpha(root / f"RWP/alpha/{file.stem}.png")) for file in files]
    return [(_square(photo), _square(alpha)) for photo, alpha in people if alpha.max() > 128]


def _square(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _write_block(root: Path, count: int, side: int, people: list[Person], start: int) -> None:
    for number in range(start, min(count, start + BLOCK)):
        rng = np.random.default_rng(number)
        photo, alpha = (layer.astype(np.float32) for layer in people[number % len(people)])
        shift = np.array([[1, 0, rng.uniform(-6, 6)], [0, 1, rng.uniform(0, 12)]])
        photo, alpha = (cv2.warpAffine(layer, shift, (SIDE, SIDE)) for layer in (photo, alpha))
        # Coarse and strong: 'data verify' would report similar images in two splits as a leak.
        coarse = rng.integers(0, 256, (8, 8, 3), np.uint8)
        scene = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        share = alpha[..., None] / 255
        image = share * photo + (1 - share) * scene + rng.normal(0, 3, (SIDE, SIDE, 1))
        predicted = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.5, 2))
        name = f"{number:06d}"
        for file, layer in (("image", image), ("alpha", alpha), ("predicted", predicted)):
            path = root / file / f"{name}{'.jpg' if file == 'image' else '.png'}"
            if side != SIDE:
                layer = cv2.resize(layer, (side, side), interpolation=cv2.INTER_CUBIC)
            stored = np.clip(np.rint(layer), 0, 255).astype(np.uint8)
            cv2.imwrite(str(path), stored[..., ::-1] if stored.ndim == 3 else stored)
