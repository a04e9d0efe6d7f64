from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from matting.data.test_sets import Example, Pair
from matting.trimap import implied_trimap


def disc_matte(radius: float, side: int = 48) -> NDArray[np.uint8]:
    """A disc with a soft rim, so that every region has pixels."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.rint(np.clip((radius - np.hypot(y, x)) / 4 + 0.5, 0, 1) * 255).astype(np.uint8)


def load_disc(name: str, radius: float) -> Example:
    alpha = disc_matte(radius)
    photo = np.repeat(alpha[..., None] // 2 + 40, 3, axis=2)
    return Example(name, photo, alpha, implied_trimap(alpha))


@pytest.fixture
def discs() -> list[Pair]:
    tags = [{"glasses"}, {"glasses", "hat"}, set(), set()]
    return [
        Pair(f"disc{i}", partial(load_disc, f"disc{i}", 6 + 3 * i), "toy", frozenset(tag), "hard" if i else None)
        for i, tag in enumerate(tags)
    ]
