"""The device pipeline: from the loader's uint8 layers to what the network and the criterion see."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from matting.augment.augmix import AugMix
from matting.augment.camera import CameraBlur
from matting.augment.compose import compose, is_composite
from matting.augment.degradation import LayeredImage, select
from matting.augment.gaps import LayerGaps
from matting.augment.phone import Phone
from matting.augment.randomness import Keys, Stream, fold, uniform
from matting.augment.trimap import trimap_labels
from matting.augment.warp import Warp
from matting.batch import LayerBatch, TrainingBatch
from matting.errors import MattingError

_IGNORED = 0.1  # above bicubic's overshoot (0.07), so a pixel counts as ignored if an ignored one weighs in


class Pipeline(nn.Module):
    """Warp, compose, degrade and annotate a batch, each row by its own seed, view and severity.

    The module has neither parameters nor buffers and keeps no random state: rows do not see each other, but for the
    views of a pair, so a view is the same in any batch, on any rank, at any step. Geometry follows ``seed``, hence is
    shared by the views of a pair; appearance follows ``(seed, view)``. Runs without gradients and without a host
    synchronisation.

    Camera, moving subjects and screenshots change the matte too, by geometry and severity: views of a pair share it bit
    for bit if they share their severity. As a photo's subject cannot move by itself, its partner's does not either.

    Args:
        size: side of the delivered images, pixels.
        warp: the geometric warp; None resizes the loader's crop to ``size``, or leaves it alone if it fits.
        gaps: steps on foreground and background before they are composed.
        blur: the camera, in linear light.
        augmix: chains of distortions, mixed.
        phone: low resolution and screenshots.
        views: further mixed views of every image for a consistency term, two as published; needs ``augmix``.
        trimap_radius: smallest and largest half-width of the unknown band in pixels, drawn per row.
        linear_light: compose in linear light.

    Raises:
        MattingError: for a size or radii that are not positive or are out of order, or views without AugMix.
    """

    def __init__(
        self,
        size: int,
        warp: Warp | None = None,
        gaps: LayerGaps | None = None,
        blur: CameraBlur | None = None,
        augmix: AugMix | None = None,
        phone: Phone | None = None,
        views: int = 0,
        trimap_radius: tuple[int, int] = (3, 15),
        linear_light: bool = False,
    ) -> None:
        super().__init__()
        if size < 1:
            raise MattingError(f"expected a size >= 1, found {size}")
        if not 0 <= trimap_radius[0] <= trimap_radius[1]:
            raise MattingError(f"expected 0 <= low <= high, found trimap_radius={trimap_radius}")
        if views and augmix is None:
            raise MattingError(
                f"augment.views: expected AugMix to mix {views} views, found none; choose augment=augmix"
            )
        self.size, self.warp, self.views = size, warp, views
        self.gaps, self.blur, self.augmix, self.phone = gaps, blur, augmix, phone
        self.trimap_radius, self.linear_light = trimap_radius, linear_light

    @classmethod
    def plain(cls, size: int, trimap_radius: int = 8) -> "Pipeline":
        """The pipeline of validation: resize, compose and annotate with one fixed radius, nothing random."""
        return cls(size, trimap_radius=(trimap_radius, trimap_radius))

    @torch.no_grad()
    def forward(self, batch: LayerBatch, size: int | None = None) -> TrainingBatch:
        """Turn a batch of layers into a training batch on the same device.

        Args:
            batch: see :class:`matting.batch.LayerBatch`.
            size: side of this batch's images, in place of the pipeline's own.

        Returns:
            See :class:`matting.batch.TrainingBatch`; images of side ``size``.

        Raises:
            MattingError: for crops that are not square uint8 images.
        """
        _check(batch.foreground)
        keys = Keys.of(batch.seed, batch.view)
        placed = self._place(batch, keys.geometry, size or self.size)
        foreground, background, alpha, ignored = torch.split(placed, [3, 3, 1, 1], dim=1)
        image, alpha = self._degrade(foreground, background, alpha, keys, batch)
        low, high = self.trimap_radius
        # from geometry, not appearance: views of a pair share their trimap
        radius = low + (uniform(fold(keys.geometry, Stream.TRIMAP)) * (high - low + 1)).long()
        return TrainingBatch(
            image=image,
            views=self.augmix.views(image, keys.appearance, self.views) if self.augmix else image[:, None][:, :0],
            alpha=alpha,
            trimap=trimap_labels(alpha, radius),
            foreground=foreground,
            background=background,
            valid=(ignored < _IGNORED).float(),
            pair=batch.pair,
            person=batch.person,
            scene=batch.scene,
        )

    def _degrade(
        self, foreground: Tensor, background: Tensor, alpha: Tensor, keys: Keys, batch: LayerBatch
    ) -> tuple[Tensor, Tensor]:
        """Compose, then whatever the scene, the camera, an editor and a phone do to the image, in that order."""
        severity = batch.severity
        if self.gaps is not None:
            foreground, background = self.gaps(foreground, background, alpha, keys.appearance, severity)
        image = compose(foreground, background, alpha, self.linear_light)
        # A composite is degraded like a photo if its partner is one, so that both have one matte.
        still = _has_photo_as_partner(~is_composite(foreground, background), batch.pair)
        layers = LayeredImage(image, alpha, select(still, image, foreground), select(still, image, background))
        for degradation in (self.blur, self.augmix, self.phone):
            if degradation is not None:
                layers = degradation.planned(layers, keys, severity)
        return layers.image, layers.alpha

    def _place(self, batch: LayerBatch, geometry: Tensor, size: int) -> Tensor:
        """All layers as one ``(B, 8, size, size)`` float tensor, warped or resized."""
        # uint8 until here: a quarter of the bytes to copy to the device; ignore is 0 or 1, so it comes out as that
        stacked = torch.cat([batch.foreground, batch.background, batch.alpha, batch.ignore * 255], dim=1)
        layers = stacked.float().div_(255)
        if self.warp is not None:
            placed: Tensor = self.warp(layers, layers[:, 6:7], geometry, size)
            return placed
        if layers.shape[-1] == size:
            return layers
        resized = F.interpolate(layers, size=(size, size), mode="bicubic", antialias=True)
        # bicubic overshoots at edges
        return resized.clamp_(0, 1)


def _has_photo_as_partner(photo: Tensor, pair: Tensor) -> Tensor:
    """Find the rows whose other view of the pair, an adjacent row, is a photo, ``(B,)`` bool."""
    together = (pair[1:] == pair[:-1]) & (pair[1:] >= 0)
    return F.pad(together & photo[1:], (0, 1)) | F.pad(together & photo[:-1], (1, 0))


def _check(crops: Tensor) -> None:
    if crops.dtype != torch.uint8 or crops.shape[-1] != crops.shape[-2]:
        raise MattingError(
            f"expected square uint8 crops from the loader, found {tuple(crops.shape)} {crops.dtype}; "
            "let the source crop to a square and leave scaling to [0, 1] to the pipeline"
        )
