"""Methods and their predictions."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from matting.data.test_sets import Example
from matting.errors import MattingError


class Prediction(NamedTuple):
    """A matte, along with the trimap probabilities that only some methods predict.

    Attributes:
        alpha: ``(H, W)`` float32 in [0, 1].
        trimap: ``(3, h, w)`` float32 of any size, the probabilities of background, unknown and foreground; or None.
    """

    alpha: NDArray[np.float32]
    trimap: NDArray[np.float32] | None = None


Method: TypeAlias = Callable[[Example], NDArray[np.float32] | Prediction]
"""Any function that returns a matte, ``(H, W)`` float32 in [0, 1]: a network, stored predictions, a solver."""


def predict(method: Method, example: Example) -> Prediction:
    """Return the prediction of a method for one image.

    Args:
        method: Any method.
        example: The test image.

    Returns:
        The prediction; a plain matte is wrapped.

    Raises:
        MattingError: The matte does not have the size of the image.
    """
    result = method(example)
    prediction = result if isinstance(result, Prediction) else Prediction(result)
    if prediction.alpha.shape != example.alpha.shape:
        found, wanted = ("x".join(map(str, matte.shape[::-1])) for matte in (prediction.alpha, example.alpha))
        raise MattingError(f"{example.name}: expected a matte of {wanted}, found {found}; resize it")
    return prediction
