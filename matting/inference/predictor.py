"""From a photograph of any size to its matte, through a network that wants multiples of 32."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol, TypeVar, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

STRIDE = 32

_Scalar = TypeVar("_Scalar", np.uint8, np.float32)


class _HasAlpha(Protocol):
    alpha: Tensor


def working_shape(height: int, width: int, size: int) -> tuple[int, int]:
    """Return the shape the network sees: the long side becomes `size`, each side the nearest multiple of 32.

    The long side, because then time and memory are bounded whatever the photograph's shape; small photographs are
    enlarged, because a network knows people at the scale it was trained on. Rounding may change the aspect ratio by
    up to ``16 / side``; it is undone when the matte is brought back to the photograph's size.

    Args:
        height: Of the photograph, in pixels.
        width: Of the photograph, in pixels.
        size: Long side wanted, a positive multiple of 32.

    Returns:
        ``(height, width)``, positive multiples of 32, neither above `size`.

    Raises:
        ValueError: `size` is no positive multiple of 32.
    """
    if size < STRIDE or size % STRIDE:
        raise ValueError(f"expected a working size that is a positive multiple of {STRIDE}, found {size}")
    scale = size / max(height, width)
    return (_nearest_multiple(height * scale), _nearest_multiple(width * scale))


def resize(image: NDArray[_Scalar], shape: tuple[int, int]) -> NDArray[_Scalar]:
    """Resize a picture or a matte: by pixel area when it shrinks, by cubic interpolation when it grows.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``, uint8 or float32.
        shape: ``(height, width)`` wanted.

    Returns:
        The same dtype and channels at `shape`. Float results may leave the input's range by cubic overshoot.
    """
    if image.shape[:2] == shape:
        return image
    shrinks = image.shape[0] >= shape[0] and image.shape[1] >= shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (shape[1], shape[0]), interpolation=interpolation), image.dtype)


class Predictor:
    """A network made ready for photographs: working size, device and back to the original size.

    Args:
        model: Maps ``(B, 3, H, W)`` float32 sRGB in [0, 1] to an object with ``alpha`` ``(B, 1, H, W)`` in [0, 1].
            It is moved to the device and put into evaluation mode.
        size: Long side of the working picture, a multiple of 32; see `working_shape`.
        device: A torch device, or "auto": CUDA or Apple's GPU where there is one, else the CPU.

    Raises:
        ValueError: `size` is no positive multiple of 32, or there is no such device here.
    """

    def __init__(self, model: nn.Module, size: int = 512, device: str | torch.device = "auto") -> None:
        working_shape(size, size, size)
        self.size = size
        self.device = _best_device() if device == "auto" else _device(device)
        self.model = model.to(self.device).eval()

    @property
    def resizing(self) -> str:
        """How a photograph reaches the network and its matte comes back, in words for a report."""
        return f"long side to {self.size} px, sides to multiples of {STRIDE}; by area down, cubic up"

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the matte of one photograph, as `predict`."""
        return self.predict(image)

    def predict(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Predict the matte of one photograph.

        Args:
            image: ``(H, W, 3)`` uint8 RGB, any size from one pixel.

        Returns:
            ``(H, W)`` float32 in [0, 1].

        Raises:
            ValueError: Another shape or dtype.
        """
        return self.predict_batch([image])[0]

    def predict_batch(self, images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Predict the mattes of several photographs; those with one working shape share a forward pass.

        Args:
            images: ``(H, W, 3)`` uint8 RGB each, of any sizes. All are in memory at once: choose the number by it.

        Returns:
            One ``(H, W)`` float32 matte in [0, 1] per photograph, in their order.

        Raises:
            ValueError: Another shape or dtype.
        """
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            _check_photograph(image)
            groups[working_shape(image.shape[0], image.shape[1], self.size)].append(index)
        mattes: dict[int, NDArray[np.float32]] = {}
        for shape, indices in groups.items():
            alphas = self._forward(np.stack([resize(images[index], shape) for index in indices]))
            for index, alpha in zip(indices, alphas, strict=True):
                mattes[index] = np.clip(resize(alpha, images[index].shape[:2]), 0, 1).astype(np.float32, copy=False)
        return [mattes[index] for index in range(len(images))]

    @torch.inference_mode()
    def _forward(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        batch = torch.from_numpy(pictures).to(self.device).permute(0, 3, 1, 2).float() / 255
        output = cast(_HasAlpha, self.model(batch))
        return np.asarray(output.alpha[:, 0].float().cpu().numpy(), np.float32)


def _nearest_multiple(side: float) -> int:
    return max(STRIDE, round(side / STRIDE) * STRIDE)


def _best_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _device(name: str | torch.device) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"expected a device such as cpu, cuda or cuda:1, found '{name}'") from None
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not here.get(device.type, True):
        raise ValueError(f"expected a machine with a device '{name}', found none; use cpu or auto")
    return device


def _check_photograph(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"expected a photograph (H, W, 3) uint8 RGB, found {image.shape} {image.dtype}")
