"""The methods a report compares: a network, stored predictions, and the trivial mattes it has to beat."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from matting.data.test_sets.examples import Example, Pair
from matting.errors import MattingError
from matting.evaluation.prediction import Method, Prediction
from matting.images import ImageError, list_images, read_alpha
from matting.inference import Predictor, resize


def on_photograph(predict: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> Method:
    """Make a method of anything that maps a photo to a matte, such as a command-line program.

    Args:
        predict: ``(H, W, 3)`` uint8 RGB to ``(H, W)`` float32 in [0, 1].

    Returns:
        The method: it sees the photo and nothing else.
    """

    def method(example: Example) -> NDArray[np.float32]:
        return predict(example.image)

    return method


def network(predictor: Predictor) -> Method:
    """Make a method of a network, with what its trimap head says where it has one.

    Args:
        predictor: The network, made ready for photos.

    Returns:
        The method: it sees the photo and nothing else. Trimap probabilities are of the network's working size.
    """

    def method(example: Example) -> Prediction:
        passes: list[torch.Tensor | None] = []

        def keep(module: torch.nn.Module, inputs: Any, output: Any) -> None:
            passes.append(getattr(output, "trimap_logits", None))

        hook = predictor.model.register_forward_hook(keep)  # the predictor alone says how a photo goes through
        try:
            alpha = predictor(example.image)
        finally:
            hook.remove()
        logits = passes[0] if len(passes) == 1 else None  # of several passes none holds the whole image
        return Prediction(alpha, None if logits is None else logits[0].float().softmax(dim=0).cpu().numpy())

    return method


def all_foreground(example: Example) -> NDArray[np.float32]:
    """Return the matte that keeps everything: the floor under every table.

    Args:
        example: Gives the size.

    Returns:
        ``(H, W)`` float32, all 1.
    """
    return np.ones(example.alpha.shape, np.float32)


def always(matte: NDArray[np.float32]) -> Method:
    """Make the method that answers the same matte to every image, such as the training set's `mean_matte`.

    Args:
        matte: ``(h, w)`` float32 in [0, 1]; stretched to each image.

    Returns:
        The method.
    """

    def method(example: Example) -> NDArray[np.float32]:
        stretched = resize(matte, (example.alpha.shape[0], example.alpha.shape[1]))
        return np.clip(stretched, np.float32(0), np.float32(1))

    return method


def mean_matte(alphas: Iterable[NDArray[np.uint8]], size: int = 128) -> NDArray[np.float32]:
    """Average mattes of any sizes: what a network knows that has seen the training set and no image.

    Args:
        alphas: ``(H, W)`` uint8 each; streamed.
        size: Side of the result, in pixels.

    Returns:
        ``(size, size)`` float32 in [0, 1].

    Raises:
        MattingError: There is no matte.
    """
    total, count = np.zeros((size, size), np.float64), 0
    for count, alpha in enumerate(alphas, start=1):  # noqa: B007
        total += cv2.resize(alpha, (size, size), interpolation=cv2.INTER_AREA)
    if not count:
        raise MattingError("expected at least one matte to average, found none; is the training set empty?")
    return (total / (255 * count)).astype(np.float32)


def unmatched(pairs: Sequence[Pair], folder: Path) -> list[str]:
    """Compare a folder of predictions with what is to be predicted.

    Args:
        pairs: The test images.
        folder: The predictions.

    Returns:
        One line for each image without a prediction and each prediction without an image.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    wanted, found = {pair.name for pair in pairs}, {path.stem for path in list_images(folder)}
    missing = [f"{name}: no prediction in {folder}" for name in sorted(wanted - found)]
    return missing + [f"{name}: predicted in {folder}, but there is no such pair" for name in sorted(found - wanted)]


def stored_predictions(folder: Path) -> Method:
    """Make a method of the mattes another program wrote, found by the image's name.

    Args:
        folder: Holds ``NAME.png`` (or another image format) for every example: gray, or a cutout with alpha.

    Returns:
        The method; it raises `ImageError` for a name it does not hold.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    files = {path.stem: path for path in list_images(folder)}

    def method(example: Example) -> NDArray[np.float32]:
        if example.name not in files:
            raise ImageError(f"{folder}: expected a prediction named {example.name}.*, found none; predict it too")
        return read_alpha(files[example.name]).astype(np.float32) / np.float32(255)

    return method
