"""The geometric warp: one homography per row, one grid sample for all layers of an image.

`Pipeline` calls it before anything else, alpha being one of the layers. Camera motion and what a phone shows over the
image change alpha later: `matting.augment.camera`, `matting.augment.phone`.
"""

import math

import torch
import torch.nn.functional as F
from kornia.filters import filter2d_separable
from kornia.geometry.transform import warp_perspective
from torch import Tensor, nn

from matting.augment.randomness import Stream, between, chance, fold, uniform
from matting.errors import MattingError

_CELLS = 16  # the unknown region is looked up on a coarse grid of this many cells a side


class Warp(nn.Module):
    """Random flip, scale, rotation, perspective and translation, drawn from the row's geometry key alone.

    Args:
        flip: probability of a left-right flip.
        scale: smallest and largest enlargement, drawn log-uniformly; 1 keeps the loader's pixels.
        degrees: largest rotation to either side.
        shift: largest translation to either side, as a fraction of the output's side.
        perspective: largest change of scale from the centre to the rim, as a fraction.
        center_on_unknown: probability that the window is centred on a random place of the unknown region, as far as
            it fits.

    Raises:
        MattingError: for a probability outside [0, 1], or a scale below 0.5 or out of order.
    """

    def __init__(
        self,
        flip: float = 0.5,
        scale: tuple[float, float] = (0.8, 1.25),
        degrees: float = 10.0,
        shift: float = 0.05,
        perspective: float = 0.05,
        center_on_unknown: float = 0.25,
    ) -> None:
        super().__init__()
        if not (0 <= flip <= 1 and 0 <= center_on_unknown <= 1):
            raise MattingError(f"expected probabilities in [0, 1], found {flip=}, {center_on_unknown=}")
        if not 0.5 <= scale[0] <= scale[1]:
            raise MattingError(f"expected 0.5 <= low <= high, found scale={scale}; let the loader shrink further")
        self.flip, self.scale, self.degrees = flip, scale, degrees
        self.shift, self.perspective, self.center_on_unknown = shift, perspective, center_on_unknown

    def forward(self, layers: Tensor, alpha: Tensor, key: Tensor, size: int) -> Tensor:
        """Warp stacked layers.

        Args:
            layers: ``(B, C, H, H)`` float in [0, 1], every layer that must keep its place relative to the others.
            alpha: ``(B, 1, H, H)`` float in [0, 1], to find the unknown region.
            key: ``(B,)`` int64; equal keys and equal alphas give equal geometry.
            size: side of the output.

        Returns:
            ``(B, C, size, size)`` float in [0, 1].
        """
        place, key = fold(key, Stream.UNKNOWN), fold(key, Stream.WARP)
        zoom = torch.exp(between(fold(key, 0), math.log(self.scale[0]), math.log(self.scale[1])))
        angle = between(fold(key, 1), -self.degrees, self.degrees).deg2rad()
        mirror = 1 - 2 * chance(fold(key, 2), self.flip).float()
        tilt = self.perspective * (2 * uniform(fold(key, 3), 2) - 1) / (size / 2)
        # how far the window's centre may go before the window leaves the crop
        slack = (layers.shape[-1] - size / zoom).clamp(min=0)[:, None] / 2
        aimed = chance(fold(key, 4), self.center_on_unknown).float()[:, None]
        centre = aimed * unknown_place(alpha, place).clamp(-slack, slack)
        centre = centre + self.shift * size * (2 * uniform(fold(key, 5), 2) - 1)
        matrix = homography(zoom, angle, mirror, tilt, centre, layers.shape[-1], size)
        # decided by the setting, not by the rows' zooms, which only the device knows
        smooth = antialias(layers, 1 / zoom) if self.scale[0] < 1 else layers
        return sample(smooth, matrix, size)


def unknown_place(alpha: Tensor, key: Tensor) -> Tensor:
    """Choose a random place of the unknown region.

    Args:
        alpha: ``(B, 1, H, H)`` float in [0, 1].
        key: ``(B,)`` int64.

    Returns:
        ``(B, 2)`` float32 (x, y) in pixels from the image's centre; the centre itself if nothing is unknown.
    """
    unknown = ((alpha > 0) & (alpha < 1)).float()
    cells = F.adaptive_max_pool2d(unknown, _CELLS).flatten(1)
    # a random rank in [1, 2) for every unknown cell, 0 for the others: the best is a uniform choice
    best, index = (cells * (uniform(key, _CELLS**2) + 1)).max(dim=1)
    place = torch.stack([index % _CELLS, index // _CELLS], dim=1) + 0.5
    return (place / _CELLS - 0.5) * alpha.shape[-1] * (best > 0)[:, None]


def homography(
    zoom: Tensor, angle: Tensor, mirror: Tensor, tilt: Tensor, centre: Tensor, crop: int, size: int
) -> Tensor:
    """Return matrices that take pixels of the input to pixels of the output, counted from the first pixel's centre.

    Args:
        zoom: ``(B,)`` enlargement of the subject.
        angle: ``(B,)`` radians.
        mirror: ``(B,)`` -1 to flip left and right, else 1.
        tilt: ``(B, 2)`` change of scale per output pixel; the centre stays in place.
        centre: ``(B, 2)`` (x, y), the place that the output's centre shows, in pixels from the input's centre.
        crop: side of the input.
        size: side of the output.

    Returns:
        ``(B, 3, 3)`` float32.
    """
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    linear = torch.stack([cos * mirror, sin * mirror, -sin, cos], dim=1).view(-1, 2, 2)
    shown = (centre + (crop - 1) / 2)[:, None]
    affine = torch.cat([linear, -(linear * shown).sum(dim=2, keepdim=True)], dim=2)
    bottom = F.pad(torch.ones_like(tilt[:, :1]), (2, 0)) - (tilt[:, :, None] * affine).sum(dim=1)
    return torch.cat([affine + (size - 1) / 2 * bottom[:, None], bottom[:, None]], dim=1)


def antialias(layers: Tensor, shrink: Tensor) -> Tensor:
    """Low-pass layers that are about to shrink, so that thin hair fades and does not break up.

    The three taps (a, 1 - 2a, a) along each axis have a = (m^2 - 1) / 12 for a shrinking by m: nothing at m = 1, the
    binomial filter at m = 2.

    Args:
        layers: ``(B, C, H, W)`` float.
        shrink: ``(B,)`` input pixels per output pixel; values under 1 filter nothing.

    Returns:
        ``(B, C, H, W)``, within the range of the input up to rounding, equal to it bit for bit where nothing shrinks.
    """
    tap = ((shrink**2 - 1) / 12).clamp(0, 0.25)
    taps = torch.stack([tap, 1 - 2 * tap, tap], dim=1)
    return filter2d_separable(layers, taps, taps, border_type="replicate")


def sample(layers: Tensor, matrix: Tensor, size: int) -> Tensor:
    """Sample layers through homographies: bicubic, reflecting at the rim, clipped to [0, 1].

    Reflection keeps all layers true to each other outside the loader's crop; alpha is sampled as the image it is.

    Args:
        layers: ``(B, C, H, W)`` float32 in [0, 1].
        matrix: ``(B, 3, 3)`` from :func:`homography`.
        size: side of the output.

    Returns:
        ``(B, C, size, size)`` float32 in [0, 1].
    """
    # Kornia multiplies the matrices at torch's matmul precision: with TF32 allowed, that moves the window by up to 0.4
    # pixels at a size of 256 (emulated), but all layers alike
    warped = warp_perspective(
        layers, matrix, (size, size), mode="bicubic", padding_mode="reflection", align_corners=False
    )
    return warped.clamp_(0, 1)
