"""The methods a report compares: networks, stored predictions, and the trivial mattes that they have to beat."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from matting.data.test_sets import Example, Pair, match_predictions
from matting.decoding import ImageError
from matting.errors import MattingError
from matting.evaluation.prediction import Method, Prediction
from matting.images import read_alpha
from matting.inference import Predictor, resize


def image_method(predict: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> Method:
    """Make a method of a function that maps an image to a matte, such as a wrapper of a command-line program.

    Args:
        predict: Function from ``(H, W, 3)`` uint8 RGB to ``(H, W)`` float32 in [0, 1].

    Returns:
        The method; it sees the image and nothing else.
    """

    def method(example: Example) -> NDArray[np.float32]:
        return predict(example.image)

    return method


def network(predictor: Predictor) -> Method:
    """Make a method of a network, with the trimap probabilities of a network that has a trimap head.

    Args:
        predictor: The network with its pre- and postprocessing.

    Returns:
        The method; it sees the image and nothing else. Trimap probabilities have the network's working size.
    """

    def method(example: Example) -> Prediction:
        passes: list[torch.Tensor | None] = []

        def keep(module: torch.nn.Module, inputs: Any, output: Any) -> None:
            passes.append(getattr(output, "trimap_logits", None))

        hook = predictor.model.register_forward_hook(keep)  # only the predictor knows how an image is resized
        try:
            alpha = predictor(example.image)
        finally:
            hook.remove()
        logits = passes[0] if len(passes) == 1 else None  # tiled: no single pass covers the whole image
        return Prediction(alpha, None if logits is None else logits[0].float().softmax(dim=0).cpu().numpy())

    return method


def all_foreground(example: Example) -> NDArray[np.float32]:
    """Return the matte that keeps everything, the trivial baseline of every table.

    Args:
        example: The test image; only its size is used.

    Returns:
        ``(H, W)`` float32, all 1.
    """
    return np.ones(example.alpha.shape, np.float32)


def always(matte: NDArray[np.float32]) -> Method:
    """Make the method that returns the same matte for every image, such as the training set's `mean_matte`.

    Args:
        matte: ``(h, w)`` float32 in [0, 1]; it is stretched to the size of each image.

    Returns:
        The method.
    """

    def method(example: Example) -> NDArray[np.float32]:
        stretched = resize(matte, (example.alpha.shape[0], example.alpha.shape[1]))
        # Cubic interpolation may overshoot.
        return np.clip(stretched, np.float32(0), np.float32(1))

    return method


def mean_matte(alphas: Iterable[NDArray[np.uint8]], size: int = 128) -> NDArray[np.float32]:
    """Average mattes of any size: the best constant guess of a network that has learnt the training mattes only.

    Args:
        alphas: ``(H, W)`` uint8 mattes, read one at a time.
        size: Side of the result in pixels.

    Returns:
        ``(size, size)`` float32 in [0, 1].

    Raises:
        MattingError: No matte is given.
    """
    total, count = np.zeros((size, size), np.float64), 0
    for count, alpha in enumerate(alphas, start=1):  # noqa: B007
        # Without its proportions: `always` stretches the mean back to each image.
        total += cv2.resize(alpha, (size, size), interpolation=cv2.INTER_AREA)
    if not count:
        raise MattingError("expected at least one matte to average, found none; is the training set empty?")
    return (total / (255 * count)).astype(np.float32)


def stored_predictions(folder: Path, pairs: Sequence[Pair]) -> Method:
    """Make a method of the mattes that another program wrote: gray mattes or cutouts with alpha.

    Args:
        folder: Contains ``SET/NAME.png`` or ``NAME.png`` (or another image format), as in `match_predictions`.
        pairs: The test images.

    Returns:
        The method; it raises `ImageError` for an image without a prediction.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    files = match_predictions(pairs, folder).files

    def method(example: Example) -> NDArray[np.float32]:
        if (example.dataset, example.name) not in files:
            raise ImageError(
                f"{folder}: expected a prediction {example.dataset}/{example.name}.*, or {example.name}.* if no other "
                "set has this name, found neither; predict it too"
            )
        return read_alpha(files[example.dataset, example.name]).astype(np.float32) / np.float32(255)

    return method
