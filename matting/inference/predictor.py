"""Predict mattes of photos of any size with a network that needs multiples of 32."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Literal, SupportsIndex, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from matting.errors import MattingError
from matting.inference.detail import refine
from matting.inference.resizing import STRIDE, resize, working_shape
from matting.models import Fusion, MattingOutput, fuse

Precision = Literal["float32", "bfloat16"]


class Predictor:
    """A network prepared for photos, with its working size, its device and detail at the original size.

    Args:
        model: Maps ``(B, 3, H, W)`` float32 sRGB in [0, 1] to a `MattingOutput`, such as an `AttentionUNet` or an
            `OnnxNetwork`. It is moved to the device and set to evaluation mode. Its attribute ``fusion``, if any,
            selects how its two heads are fused; see `matting.models.fuse`.
        size: Long side of the working image, a multiple of 32; see `working_shape`.
        device: A torch device, or "auto": CUDA or Apple's GPU if there is one, else the CPU.
        precision: Precision of the network. ``bfloat16`` is several times faster where the hardware supports it
            (`fastest_precision`), and changes alpha by about a thousandth.

    Raises:
        ValueError: `size` is not a positive multiple of 32, or the device is not available.
    """

    def __init__(
        self,
        model: nn.Module,
        size: int = 512,
        device: str | torch.device = "auto",
        precision: Precision = "float32",
    ) -> None:
        working_shape(size, size, size)
        self.size = size
        self.precision = precision
        self.device = choose_device(device)
        self.model = model.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self.fusion = cast(Fusion, getattr(model, "fusion", "none"))
        self.reload: Callable[[], Predictor] | None = None  # of `matting.inference.load`

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        """Be sent to another process as the call that loads it: that one may have another device, or no copy of it."""
        return (self.reload, ()) if self.reload else super().__reduce_ex__(protocol)

    @property
    def resizing(self) -> str:
        """How a photo is scaled for the network and its matte scaled back, in words for a report."""
        back = "cubic up, then guided by the photo where soft"
        return f"long side to {self.size} px, sides to multiples of {STRIDE}; by area down, {back}"

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the matte of one photo; see `predict`."""
        return self.predict(image)

    def predict(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Predict the matte of one photo.

        Args:
            image: ``(H, W, 3)`` uint8 RGB, of any size from one pixel.

        Returns:
            ``(H, W)`` float32 in [0, 1].

        Raises:
            ValueError: An image has another shape or dtype.
        """
        return self.predict_batch([image])[0]

    def predict_batch(self, images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Predict the mattes of several photos; photos with the same working shape share a forward pass.

        Args:
            images: ``(H, W, 3)`` uint8 RGB each, of any size. All share one batch, so memory limits their number.

        Returns:
            One ``(H, W)`` float32 matte in [0, 1] per photo, in the same order.

        Raises:
            ValueError: An image has another shape or dtype.
        """
        mattes = self.coarse_mattes(images)
        return [refine(image, matte) for image, matte in zip(images, mattes, strict=True)]

    def coarse_mattes(self, images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Predict like `predict_batch`, but return the mattes at the working size, ``(h, w)`` float32 each."""
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            _check_photo(image)
            groups[working_shape(image.shape[0], image.shape[1], self.size)].append(index)
        mattes: dict[int, NDArray[np.float32]] = {}
        for shape, indices in groups.items():
            alphas = self._forward(np.stack([resize(images[index], shape) for index in indices]))
            mattes.update(zip(indices, alphas, strict=True))
        return [mattes[index] for index in range(len(images))]

    @torch.inference_mode()
    def _forward(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        # The channels of a pixel are already adjacent in memory, so the permuted batch is in channels-last format.
        # Bytes are moved to the device, a quarter of what floats would be.
        batch = torch.from_numpy(images).to(self.device).permute(0, 3, 1, 2).float() / 255
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            output = cast(MattingOutput, self.model(batch))
        # NumPy has no bfloat16, which autocast may have left.
        return np.asarray(fuse(output, self.fusion)[:, 0].float().cpu().numpy(), np.float32)


def fastest_precision(device: torch.device) -> Precision:
    """Return ``bfloat16`` for a device that multiplies it in hardware, else ``float32``."""
    # Compute capability 8.0 (Ampere) is the first that has bfloat16.
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.get_device_capability(device) >= (8, 0) else "float32"
    # A private function of torch, which another version may lack.
    native = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return "bfloat16" if device.type == "cpu" and native() else "float32"


def choose_device(name: str | torch.device) -> torch.device:
    """Return a device by its name; "auto" is CUDA or Apple's GPU if there is one, else the CPU.

    Raises:
        MattingError: There is no such device.
    """
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, found in here.items() if found))
    try:
        device = torch.device(name)
    except RuntimeError:
        raise MattingError(f"expected a device such as cpu, cuda or cuda:1, found '{name}'") from None
    if not here.get(device.type, False):
        raise MattingError(f"expected a machine with a device '{name}', found none; use cpu or auto")
    return device


def _check_photo(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"expected a photo (H, W, 3) uint8 RGB, found {image.shape} {image.dtype}")
