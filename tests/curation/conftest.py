"""Pairs to judge: a rendered portrait, and a disc on a plain background whose true matte is known by formula."""

import numpy as np
import pytest

from matting.curation.pair import AnnotatedPair
from matting.synthetic.camera import to_uint8
from matting.synthetic.defects import plant_defect
from matting.synthetic.photograph import Photograph, photograph

SIDE = 512


@pytest.fixture(scope="session")
def taken() -> Photograph:
    """A portrait with hair."""
    return photograph(np.random.default_rng([2026, 3]), 640, SIDE, "glasses")


@pytest.fixture(scope="session")
def portrait(taken) -> AnnotatedPair:
    return AnnotatedPair(to_uint8(taken.image), to_uint8(taken.alpha))


@pytest.fixture(scope="session")
def spoiled(taken):
    """The portrait with a planted defect, by name."""

    def spoil(name: str) -> AnnotatedPair:
        image, alpha = plant_defect(np.random.default_rng(5), name, taken.image, taken.alpha, taken.bare)
        return AnnotatedPair(to_uint8(image), to_uint8(alpha))

    return spoil


def disc_alpha(radius: float = 120.0, x: float = 256.0, y: float = 256.0, width: float = 3.0) -> np.ndarray:
    """``(512, 512)`` float32: a disc with a linear edge of the given width."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.clip((radius - np.hypot(columns - x, rows - y)) / width + 0.5, 0, 1).astype(np.float32)


def disc(alpha: np.ndarray, noise: float = 2.0, light: float = 190.0, dark: float = 70.0) -> np.ndarray:
    """The photo of a light disc on a dark background, with sensor noise, uint8."""
    level = dark + (light - dark) * alpha[..., None] * np.array([1.0, 0.9, 0.8])
    noisy = level + np.random.default_rng(0).normal(0, noise, level.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def levels(alpha: np.ndarray) -> np.ndarray:
    return np.rint(alpha * 255).astype(np.uint8)
