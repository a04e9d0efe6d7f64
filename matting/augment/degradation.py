"""What the degradations have in common: the plan's keys and severities inside, Kornia's interface outside."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import torch
from kornia.augmentation import IntensityAugmentationBase2D
from torch import Tensor

from matting.augment.randomness import Keys, Stream, chance, fold
from matting.errors import MattingError

COUNTS_ROWS = {"cpu"}
"""Types of device on which it costs nothing to know how many rows act, so that only those are computed."""

_GATE = 1  # part of a degradation's key that decides whether it acts; degradations use others


class LayeredImage(NamedTuple):
    """An image with its matte and the layers it was composed of; a photo is both of its layers.

    Attributes:
        image: ``(B, 3, H, W)`` float32 in [0, 1], sRGB.
        alpha: ``(B, 1, H, W)`` float32 in [0, 1].
        foreground: ``(B, 3, H, W)`` float32 in [0, 1], sRGB, straight colours.
        background: ``(B, 3, H, W)`` float32 in [0, 1], sRGB.
    """

    image: Tensor
    alpha: Tensor
    foreground: Tensor
    background: Tensor


class Degradation(IntensityAugmentationBase2D):
    """A degradation that is a function of keys and severities, and an augmentation of Kornia's.

    The pipeline calls :meth:`planned` with the keys of the plan. Kornia's containers call the module itself on an image
    batch, draw its parameters ``seed`` and ``severity`` (1 unless given) from torch's generator and replay it with the
    same parameters; both ways end in :meth:`degrade`.

    Args:
        p: share of the rows with a severity above 0 that are degraded.
        same_on_batch: in Kornia's containers, degrade all images alike.
        keepdim: in Kornia's containers, return an image without a batch axis as it came in.

    Raises:
        MattingError: for a ``p`` outside [0, 1].
    """

    stream: ClassVar[Stream]

    def __init__(self, p: float = 1.0, same_on_batch: bool = False, keepdim: bool = False) -> None:
        if not 0 <= p <= 1:
            raise MattingError(f"expected a probability in [0, 1], found p={p}")
        super().__init__(p=p, same_on_batch=same_on_batch, keepdim=keepdim)

    def degrade(self, layers: LayeredImage, keys: Keys, severity: Tensor) -> LayeredImage:
        """Degrade every row of a batch.

        Args:
            layers: what is degraded.
            keys: two ``(B,)`` int64.
            severity: ``(B,)`` float32 in [0, 1]; 0 returns the row bit for bit.

        Returns:
            The layers with another image and, where the degradation shows or moves the subject differently, alpha.
        """
        raise NotImplementedError

    def degrade_alpha(self, alpha: Tensor, keys: Keys, severity: Tensor) -> Tensor:
        """Return what :meth:`degrade` makes of the matte of a photo, ``(B, 1, H, W)``, without its image."""
        return alpha

    def planned(self, layers: LayeredImage, keys: Keys, severity: Tensor) -> LayeredImage:
        """Degrade the share ``p`` of a batch, which depends on the keys; as :meth:`degrade` otherwise."""
        # a severity of 0 leaves a row as it is, so the gate needs no second selection
        severity = severity * self.acts(keys)
        if severity.device.type not in COUNTS_ROWS:
            return self.degrade(layers, keys, severity)
        rows = severity.nonzero()[:, 0]
        if not len(rows):
            return layers
        part = self.degrade(
            LayeredImage(*(layer[rows] for layer in layers)), Keys(*(key[rows] for key in keys)), severity[rows]
        )
        image, alpha = layers.image.index_copy(0, rows, part.image), layers.alpha.index_copy(0, rows, part.alpha)
        return layers._replace(image=image, alpha=alpha)

    def acts(self, keys: Keys) -> Tensor:
        """Draw which rows of a severity above 0 are degraded, ``(B,)`` bool."""
        return chance(fold(fold(keys.geometry, self.stream), _GATE), self.p)

    def generate_parameters(self, batch_shape: tuple[int, ...]) -> dict[str, Tensor]:
        """Draw a seed per image from torch's generator (Kornia's hook)."""
        rows = batch_shape[0]
        seed = torch.randint(2**63 - 1, (1 if self.same_on_batch else rows,), device=self.device).expand(rows)
        return {"seed": seed, "severity": torch.ones(rows, device=self.device)}

    def apply_transform(
        self, input: Tensor, params: dict[str, Tensor], flags: dict[str, Any], transform: Tensor | None = None
    ) -> Tensor:
        """Degrade ``(B, 3, H, W)`` images as photos, by the parameters given (Kornia's hook).

        Raises:
            MattingError: for images that are not RGB.
        """
        if input.shape[1] != 3:
            raise MattingError(f"expected RGB images (B, 3, H, W), found {tuple(input.shape)}; repeat a single channel")
        photo = input.float()
        layers = LayeredImage(photo, photo[:, :1], photo, photo)  # no matte is known here, so any will do
        return self.degrade(layers, *_arguments(params, input.device)).image.to(input.dtype)

    def apply_transform_mask(
        self, input: Tensor, params: dict[str, Tensor], flags: dict[str, Any], transform: Tensor | None = None
    ) -> Tensor:
        """Degrade mattes ``(B, 1, H, W)`` along with their images (Kornia's hook)."""
        return self.degrade_alpha(input.float(), *_arguments(params, input.device)).to(input.dtype)


def _arguments(params: dict[str, Tensor], device: torch.device) -> tuple[Keys, Tensor]:
    seed, severity = (params[name].to(device, non_blocking=True) for name in ("seed", "severity"))
    return Keys.of(seed, torch.zeros_like(seed)), severity


def change(rows: Tensor, function: Callable[..., Tensor], original: Tensor, *arguments: Tensor) -> Tensor:
    """Apply a function to the rows ``(B,)`` bool; return the original bit for bit in the others.

    Args:
        rows: which rows to change.
        function: takes a batch of rows and their arguments, and returns as many.
        original: ``(B, …)``.
        arguments: further arguments, ``(B, …)`` each.

    Returns:
        As ``original``. Where the host would have to wait for the number of rows, the function sees all of them.
    """
    if rows.device.type not in COUNTS_ROWS:
        return torch.where(rows.view(-1, *(1 for _ in original.shape[1:])), function(original, *arguments), original)
    chosen = rows.nonzero()[:, 0]
    if not len(chosen):
        return original
    changed = function(original[chosen], *(argument[chosen] for argument in arguments))
    return original.index_copy(0, chosen, changed)


def select(rows: Tensor, changed: Tensor, original: Tensor) -> Tensor:
    """Take the changed image or matte in the rows ``(B,)`` bool, the original bit for bit in the others."""
    return torch.where(rows[:, None, None, None], changed, original)
