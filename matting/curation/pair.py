"""A photo with its matte, and measurements that several checks share, computed once."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.errors import MattingError

if TYPE_CHECKING:
    from matting.curation.critic import Criticism

POINTS = 1600
"""Approximate number of points along the outline of a subject; there are at most half as many more."""

REACH = 0.05
"""How far the profiles reach to either side of the outline, as a share of the short side."""

TRANSLUCENT, REFLECTION = 128, 255
"""Values of a region image: translucent glass or plastic, and reflections with no subject behind them."""

_SAMPLES = 26  # of a profile on either side
_BORDER = 0.01  # of the short side; where the image border cuts the subject there is no edge


class Profiles(NamedTuple):
    """The photo and the matte along lines across the outline, from inside to outside.

    Attributes:
        places: ``(N, 2)`` float32 x, y of the points of the outline, one contour after the other.
        normals: ``(N, 2)`` float32 unit vectors that point outwards.
        offsets: ``(T,)`` float32 distance from the outline in pixels, negative inside, evenly spaced.
        colours: ``(N, T, 3)`` float32 CIE Lab, in [0, 100] and about ±100.
        alpha: ``(N, T)`` float32 in [0, 1].
    """

    places: NDArray[np.float32]
    normals: NDArray[np.float32]
    offsets: NDArray[np.float32]
    colours: NDArray[np.float32]
    alpha: NDArray[np.float32]

    @property
    def adjacent(self) -> NDArray[np.bool_]:
        """``(N - 1,)`` bool, whether a point and the next are neighbours on one contour."""
        gaps = np.linalg.norm(np.diff(self.places, axis=0), axis=1)
        return np.asarray(gaps <= 3 * np.median(gaps) + 1)


@dataclass(frozen=True)
class AnnotatedPair:
    """A photo and its annotated matte.

    Attributes:
        photo: ``(H, W, 3)`` uint8 sRGB.
        alpha: ``(H, W)`` uint8, 255 = foreground.
        regions: ``(H, W)`` uint8 of `TRANSLUCENT`, `REFLECTION` and 0, or None if there are no labels.

    Raises:
        ValueError: For other shapes or types, or if the sizes differ.
    """

    photo: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    regions: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        good = self.photo.dtype == self.alpha.dtype == np.uint8 and self.photo.shape == (*self.alpha.shape, 3)
        if not good or not self.alpha.size:
            found = f"{self.photo.shape} {self.photo.dtype} with {self.alpha.shape} {self.alpha.dtype}"
            raise MattingError(f"expected a photo (H, W, 3) and a matte (H, W), both uint8, found {found}")
        if self.regions is not None and (self.regions.shape != self.alpha.shape or self.regions.dtype != np.uint8):
            found = f"{self.regions.shape} {self.regions.dtype}"
            raise ValueError(f"expected regions of the matte's size, {self.alpha.shape} uint8, found {found}")

    @cached_property
    def short_side(self) -> int:
        """Pixels of the shorter side."""
        return int(min(self.alpha.shape))

    @cached_property
    def luma(self) -> NDArray[np.uint8]:
        """``(H, W)`` uint8 Rec. 601 luma of the photo."""
        return np.asarray(cv2.cvtColor(self.photo, cv2.COLOR_RGB2GRAY), np.uint8)

    @cached_property
    def subject(self) -> NDArray[np.bool_]:
        """``(H, W)`` bool, where the matte is above a half; everywhere if it never is."""
        inside = self.alpha > 127
        return inside if inside.any() else np.ones_like(inside)

    @cached_property
    def contours(self) -> list[NDArray[np.float32]]:
        """Outlines at half opacity, outer ones and holes, each ``(N, 2)`` x, y, without specks."""
        # Lightly, so that noise and single strands do not split the outline.
        smooth = cv2.GaussianBlur(self.alpha, (0, 0), max(1.0, self.short_side / 500))
        found, _ = cv2.findContours((smooth > 127).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        least = 0.08 * self.short_side
        return [line[:, 0].astype(np.float32) for line in found if len(line) > least]

    @cached_property
    def profiles(self) -> Profiles:
        """Lines across the outline at about `POINTS` places, without those at the border of the image."""
        step = max(1, round(sum(map(len, self.contours)) / POINTS))
        lines = [line[::step] for line in self.contours]
        places = np.concatenate(lines) if lines else np.zeros((0, 2), np.float32)
        height, width = self.alpha.shape
        margin = max(2.0, _BORDER * self.short_side)
        inner = (places > margin).all(axis=1) & (places < np.array([width, height]) - 1 - margin).all(axis=1)
        places = np.ascontiguousarray(places[inner])
        normals = self._normals(places)
        reach = max(4, round(REACH * self.short_side))
        samples = min(reach, _SAMPLES)
        offsets, pitch = np.linspace(-reach, reach, 2 * samples + 1, dtype=np.float32), reach / samples
        grid = places[:, None] + offsets[:, None] * normals[:, None]
        return Profiles(places, normals, offsets, self._lab(grid, pitch), _sample(self.alpha, grid) / np.float32(255))

    @cached_property
    def criticism(self) -> "Criticism":
        """The result of the critic, a network trained on planted faults, for the pair."""
        from matting.curation.critic import criticise  # lazily: torch takes seconds

        return criticise(self.photo, self.alpha)

    def _normals(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        # More than for the outline: a normal should point away from the subject, not across a single strand.
        smooth = cv2.GaussianBlur(self.alpha.astype(np.float32), (0, 0), max(1.5, 0.006 * self.short_side))
        slopes = [cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx) for dx in (1, 0)]
        inwards = np.stack([_sample(slope, places[:, None])[:, 0] for slope in slopes], axis=1)
        length = np.linalg.norm(inwards, axis=1, keepdims=True)
        return np.asarray(-inwards / np.maximum(length, 1e-6), np.float32)

    def _lab(self, grid: NDArray[np.float32], pitch: float) -> NDArray[np.float32]:
        # Samples are farther apart than pixels in a large photo: without a blur, they would alias.
        smooth = cv2.GaussianBlur(self.photo, (0, 0), 0.7 * pitch)
        if not grid.size:
            return np.zeros((*grid.shape[:2], 3), np.float32)
        colours = np.stack([_sample(np.ascontiguousarray(smooth[..., c]), grid) for c in range(3)], axis=-1)
        # Converted after sampling: there are far fewer samples than pixels.
        return np.asarray(cv2.cvtColor(colours / np.float32(255), cv2.COLOR_RGB2LAB), np.float32)


def _sample(plane: NDArray[np.uint8] | NDArray[np.float32], grid: NDArray[np.float32]) -> NDArray[np.float32]:
    if not grid.size:
        return np.zeros(grid.shape[:2], np.float32)
    x, y = np.ascontiguousarray(grid[..., 0]), np.ascontiguousarray(grid[..., 1])
    return np.asarray(cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
