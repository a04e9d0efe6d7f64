"""Gap closers on the layers: what betrays a composite before it is composed.

In the spirit of GFM's RSSN (Li et al., IJCV 2022): photos have one noise, one focus and one light, composites have two
of each. A photo that is both of its layers has no such gap and passes unchanged.
"""

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from matting.augment.compose import is_composite
from matting.augment.degradation import change
from matting.augment.kernels import convolve, disc
from matting.augment.randomness import Stream, between, chance, fold, normal, uniform
from matting.errors import MattingError

_WINDOW = 5


class LayerGaps(nn.Module):
    """Degrade or match foreground and background apart; every step has its own probability and 0 switches it off.

    No augmentation of Kornia's, unlike the other degradations: its containers know no layers.

    Args:
        denoise: probability to denoise both layers.
        noise: probability to add Gaussian noise of one strength to both layers.
        defocus: probability to put the background out of focus.
        light: probability to move the foreground's colours towards the background's, or half as far away from them.
        noise_level: largest standard deviation of the noise at severity 1.
        defocus_radius: largest radius of the defocus at severity 1, as a fraction of the image's longer side.

    Raises:
        MattingError: for a probability outside [0, 1].
    """

    def __init__(
        self,
        denoise: float = 0.0,
        noise: float = 0.0,
        defocus: float = 0.0,
        light: float = 0.0,
        noise_level: float = 0.06,
        defocus_radius: float = 0.04,
    ) -> None:
        super().__init__()
        for name, value in {"denoise": denoise, "noise": noise, "defocus": defocus, "light": light}.items():
            if not 0 <= value <= 1:
                raise MattingError(f"expected a probability in [0, 1], found {name}={value}")
        self.denoise, self.noise, self.defocus, self.light = denoise, noise, defocus, light
        self.noise_level, self.defocus_radius = noise_level, defocus_radius

    def forward(
        self, foreground: Tensor, background: Tensor, alpha: Tensor, key: Tensor, severity: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the layers to compose.

        Args:
            foreground: ``(B, 3, H, W)`` float32 in [0, 1], straight colours.
            background: ``(B, 3, H, W)`` float32 in [0, 1].
            alpha: ``(B, 1, H, W)`` float32 in [0, 1].
            key: ``(B,)`` int64, the rows' appearance.
            severity: ``(B,)`` float32 in [0, 1], scales every strength; 0 returns both layers bit for bit.

        Returns:
            foreground and background, as they came in.
        """
        key = fold(key, Stream.GAPS)
        gap = (severity > 0) & is_composite(foreground, background)

        def acts(part: int, probability: float) -> Tensor:
            return gap & chance(fold(key, part), probability)

        # denoising comes before the noise that is added, which would otherwise be taken away again
        if self.denoise > 0:
            level = severity * self.noise_level
            foreground = change(acts(0, self.denoise), wiener, foreground, level)
            background = change(acts(0, self.denoise), wiener, background, level)
        if self.defocus > 0:
            background = change(acts(1, self.defocus), self._defocused, background, fold(key, 2), severity)
        if self.light > 0:
            amount = severity * between(fold(key, 3), -0.5, 1)
            foreground = change(acts(4, self.light), match_light, foreground, background, alpha, amount)
        if self.noise > 0:
            level = severity * self.noise_level * uniform(fold(key, 5))
            # one strength, but independent noise: layers that share their noise would show no gap closed
            layers = torch.cat([foreground, background], dim=1)
            foreground, background = change(acts(7, self.noise), _noisy, layers, level, fold(key, 6)).chunk(2, dim=1)
        return foreground, background

    def _defocused(self, background: Tensor, key: Tensor, severity: Tensor) -> Tensor:
        largest = self.defocus_radius * max(background.shape[-2:])
        return convolve(background, disc(severity * largest * uniform(key), math.ceil(largest))).clamp_(0, 1)


def _noisy(layers: Tensor, level: Tensor, key: Tensor) -> Tensor:
    return (layers + level[:, None, None, None] * normal(key, *layers.shape[1:])).clamp_(0, 1)


def wiener(layer: Tensor, sigma: Tensor) -> Tensor:
    """Denoise with the local Wiener filter (Lee, IEEE TPAMI 1980) in 5x5 windows.

    Args:
        layer: ``(B, C, H, W)`` float32 in [0, 1].
        sigma: ``(B,)`` float32, standard deviation of the noise; 0 returns the layer up to rounding.

    Returns:
        ``(B, C, H, W)`` float32 in [0, 1]: the local mean where nothing but noise varies, the layer at edges.
    """
    padded = F.pad(layer, (_WINDOW // 2,) * 4, mode="reflect")
    mean = _window_means(padded)
    variance = _window_means(padded**2) - mean**2
    signal = (variance - (sigma**2)[:, None, None, None]).clamp_(min=0)
    return torch.lerp(mean, layer, signal / variance.clamp(min=1e-8)).clamp_(0, 1)


def _window_means(padded: Tensor) -> Tensor:
    """Average 5x5 windows of an image."""
    # Kornia's box_blur takes 4 times as long on a CPU, where it also searches the image for extreme values
    height, width = (side - _WINDOW + 1 for side in padded.shape[-2:])
    rows = functools.reduce(torch.add, (padded.narrow(2, shift, height) for shift in range(_WINDOW)))
    sums = functools.reduce(torch.add, (rows.narrow(3, shift, width) for shift in range(_WINDOW)))
    return sums / _WINDOW**2


def match_light(foreground: Tensor, background: Tensor, alpha: Tensor, amount: Tensor) -> Tensor:
    """Move the foreground's mean and contrast, per channel, towards the background's (Reinhard et al., CG&A 2001).

    Args:
        foreground: ``(B, 3, H, W)`` float32 in [0, 1], straight colours.
        background: ``(B, 3, H, W)`` float32 in [0, 1].
        alpha: ``(B, 1, H, W)`` float32 in [0, 1], weighs the foreground's statistics.
        amount: ``(B,)`` float32 in [-1, 1]: 1 matches, 0 changes nothing, negative mismatches as much.

    Returns:
        ``(B, 3, H, W)`` float32 in [0, 1].
    """
    mean, spread = _statistics(foreground, alpha)
    target_mean, target_spread = _statistics(background, torch.ones_like(alpha))
    gain = (target_spread / spread.clamp(min=1e-3)).clamp(0.5, 2)
    matched = (foreground - mean) * gain + target_mean
    return torch.lerp(foreground, matched, amount[:, None, None, None]).clamp_(0, 1)


def _statistics(layer: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and standard deviation of each channel, ``(B, 3, 1, 1)``."""
    total = weight.sum(dim=(2, 3), keepdim=True).clamp(min=1e-6)
    mean = (layer * weight).sum(dim=(2, 3), keepdim=True) / total
    return mean, ((layer - mean) ** 2 * weight).sum(dim=(2, 3), keepdim=True).div(total).sqrt()
