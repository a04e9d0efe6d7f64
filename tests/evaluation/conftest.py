from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from matting.data.test_sets import Example
from tests.data.test_sets.conftest import discs  # noqa: F401


@pytest.fixture
def too_transparent() -> Callable[[Example], NDArray[np.float32]]:
    return lambda example: example.alpha.astype(np.float32) / 255 * np.float32(0.8)
