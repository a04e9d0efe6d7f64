"""What evaluates a test image: a method, and what it says."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from matting.data.test_sets import Example


class Prediction(NamedTuple):
    """A matte, with what only some methods can say next to it.

    Attributes:
        alpha: ``(H, W)`` float32 in [0, 1].
        trimap: ``(3, h, w)`` float32 of any size, the probabilities of background, unknown and foreground.
    """

    alpha: NDArray[np.float32]
    trimap: NDArray[np.float32] | None = None


Method: TypeAlias = Callable[[Example], NDArray[np.float32] | Prediction]
"""Whatever gives a matte, ``(H, W)`` float32 in [0, 1]: a network, a stored prediction, a solver given the trimap."""


def predict(method: Method, example: Example) -> Prediction:
    """Ask a method for its matte.

    Args:
        method: Any.
        example: The test image.

    Returns:
        The prediction, whether the method gave a plain matte or more.
    """
    answer = method(example)
    return answer if isinstance(answer, Prediction) else Prediction(answer)
