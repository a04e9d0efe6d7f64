"""Scenes: the backgrounds onto which foreground layers are composited, and statistics that compare them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.cache import cache_dir
from matting.data.crop import resize, scene_box
from matting.data.formats.quarantine import Skip
from matting.errors import MattingError
from matting.files import digest, replacing, stamp
from matting.images import read_rgb
from matting.plan.catalog import PLAIN

IDENTITY_PHOTO_BLUE = (67, 142, 219)
"""sRGB of the usual blue backdrop of identity photos."""


@dataclass(frozen=True)
class Scenes:
    """A pool of backgrounds: the plain ones, then the files.

    Attributes:
        files: Images without people.
    """

    files: Sequence[Path]

    def __len__(self) -> int:
        return len(PLAIN) + len(self.files)

    def name(self, index: int) -> str:
        """Return the file name of a scene, or the kind of a plain one."""
        return PLAIN[index] if index < len(PLAIN) else self.files[index - len(PLAIN)].name

    def read(self, index: int, rng: np.random.Generator, size: int) -> NDArray[np.uint8]:
        """Read or render a square view of a scene.

        Args:
            index: Position in the pool.
            rng: Random numbers of the view, which choose the visible part.
            size: Side of the result in pixels.

        Returns:
            ``(size, size, 3)`` uint8 sRGB.
        """
        if index < len(PLAIN):
            return _plain(PLAIN[index], rng, size)
        image = read_rgb(self.files[index - len(PLAIN)])
        return resize(scene_box(image.shape[0], image.shape[1], rng).cut(image), size)

    def statistics(self) -> NDArray[np.float64]:
        """Measure brightness, hue and texture of each scene, once; the result is cached.

        Returns:
            ``(N, 6)`` float64: mean and standard deviation of L*, mean a* and b*, their joint standard deviation, and
            the mean gradient of L*; all of the scene at 64 x 64 pixels, in CIELAB units.

        Raises:
            MattingError: If a file cannot be read; see `readable`.
        """
        cached = self._cache_file()
        if cached.is_file():
            return np.asarray(np.load(cached), dtype=np.float64)
        with ThreadPoolExecutor() as pool:  # OpenCV releases the interpreter's lock while decoding
            return self._store(list(pool.map(self._measure, range(len(self)))))

    def readable(self, skip: Skip) -> "Scenes":
        """Leave out the files that cannot be read.

        All files are decoded for this, unless their statistics are known, and again each time until bad ones are gone.

        Args:
            skip: Is told of each file that is left out.
        """
        with suppress(OSError):  # of a file that is gone
            if self._cache_file().is_file():
                return self
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(self._try_to_measure, range(len(self))))
        bad = {index: problem for index, problem in enumerate(found) if isinstance(problem, str)}
        for index, problem in bad.items():
            skip(self.name(index), problem)
        left = Scenes([file for index, file in enumerate(self.files, len(PLAIN)) if index not in bad])
        left._store([row for row in found if not isinstance(row, str)])
        return left

    def _cache_file(self) -> Path:
        # Stamps change with the files, so changed backgrounds are measured again.
        return cache_dir() / f"scenes-{digest(map(stamp, self.files))}.npy"

    def _store(self, rows: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        cached = self._cache_file()
        cached.parent.mkdir(parents=True, exist_ok=True)
        with replacing(cached) as temporary, temporary.open("wb") as file:
            np.save(file, np.array(rows))
        return np.array(rows)

    def _try_to_measure(self, index: int) -> NDArray[np.float64] | str:
        try:
            return self._measure(index)
        except (MattingError, OSError) as error:
            return str(error)

    def _measure(self, index: int) -> NDArray[np.float64]:
        # A generator for each scene: the numbers must not depend on the order of the threads.
        return scene_statistics(self.read(index, np.random.default_rng(0), 64))


def scene_statistics(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Compute the statistics of one image that `Scenes.statistics` describes."""
    # As floats: from uint8, OpenCV returns CIELAB scaled to bytes.
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lightness, a, b = cv2.split(lab)
    # A 3 x 3 Sobel kernel answers a slope of 1 per pixel with 8.
    gradient = np.hypot(cv2.Sobel(lightness, cv2.CV_32F, 1, 0), cv2.Sobel(lightness, cv2.CV_32F, 0, 1)) / 8
    hue_spread = np.hypot(a.std(), b.std())
    return np.array([lightness.mean(), lightness.std(), a.mean(), b.mean(), hue_spread, gradient.mean()])


def _plain(kind: str, rng: np.random.Generator, size: int) -> NDArray[np.uint8]:
    if kind == "white":
        return np.full((size, size, 3), 255, dtype=np.uint8)
    if kind == "blue":
        return np.full((size, size, 3), IDENTITY_PHOTO_BLUE, dtype=np.uint8)
    angle = rng.uniform(0, 2 * np.pi)
    first, second = rng.integers(0, 256, size=(2, 3))
    axis = np.linspace(-0.5, 0.5, size)
    along = axis[:, None] * np.sin(angle) + axis * np.cos(angle)
    weight = (along - along.min()) / np.ptp(along)
    return np.asarray(np.rint(first + weight[..., None] * (second - first)), dtype=np.uint8)
