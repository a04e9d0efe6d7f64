"""Gap closers on the finished picture: low resolution, and the phone's screenshot of a picture."""

import math

import torch
from torch import Tensor, nn

from matting.augment.jpeg import jpeg
from matting.augment.kernels import convolve, gaussian
from matting.augment.randomness import Stream, chance, fold, uniform
from matting.augment.warp import sample

_LOWEST_QUALITY = 40.0


class Phone(nn.Module):
    """Send a picture through a phone; both steps have a probability of their own, and 0 switches one off.

    Args:
        low_resolution: probability that the picture was much smaller than it is shown.
        screenshot: probability of a screenshot: status bar and controls cover the picture, then it is rescaled and
            compressed again. What covers the person is not person, so alpha is covered along; the cover is drawn from
            the row's geometry, which the views of a pair share.
        factor: largest factor of the low resolution at severity 1; a screenshot's is a quarter of the way there.

    Raises:
        ValueError: for a probability outside [0, 1] or a factor below 1.
    """

    def __init__(self, low_resolution: float = 0.0, screenshot: float = 0.0, factor: float = 4.0) -> None:
        super().__init__()
        if not (0 <= low_resolution <= 1 and 0 <= screenshot <= 1):
            raise ValueError(f"expected probabilities in [0, 1], found {low_resolution=}, {screenshot=}")
        if factor < 1:
            raise ValueError(f"expected a factor >= 1, found factor={factor}")
        self.low_resolution, self.screenshot, self.factor = low_resolution, screenshot, factor

    def forward(
        self, image: Tensor, alpha: Tensor, geometry: Tensor, appearance: Tensor, severity: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return picture and matte as the phone leaves them.

        Args:
            image: ``(B, 3, H, H)`` float32 in [0, 1].
            alpha: ``(B, 1, H, H)`` float32 in [0, 1].
            geometry: ``(B,)`` int64.
            appearance: ``(B,)`` int64.
            severity: ``(B,)`` float32 in [0, 1], scales the strengths; 0 returns both to the bit.

        Returns:
            image and alpha, as they came in.
        """
        geometry, appearance = fold(geometry, Stream.PHONE), fold(appearance, Stream.PHONE)
        small = (severity > 0) & chance(fold(appearance, 0), self.low_resolution)
        shot = (severity > 0) & chance(fold(geometry, 0), self.screenshot)
        shown = image
        if self.screenshot > 0:
            interface, opacity = interface_of(fold(geometry, 1), image.shape[-1])
            opacity = opacity * shot[:, None, None, None]
            shown, alpha = torch.lerp(image, interface, opacity), alpha * (1 - opacity)
        shown = self._rescaled(shown, small, shot, fold(appearance, 1), severity)
        if self.screenshot > 0:
            quality = 95 - severity * (95 - _LOWEST_QUALITY) * uniform(fold(appearance, 2))
            shown = torch.where(shot[:, None, None, None], jpeg(shown, quality), shown)
        return torch.where((small | shot)[:, None, None, None], shown, image), alpha

    def _rescaled(self, image: Tensor, small: Tensor, shot: Tensor, key: Tensor, severity: Tensor) -> Tensor:
        """One rescaling for both steps: a small picture in a screenshot just has the larger factor."""
        excess, screen = self.factor - 1, (self.factor - 1) / 4
        drawn = severity[:, None] * uniform(key, 2)
        factor = 1 + excess * drawn[:, 0] * small + screen * drawn[:, 1] * shot
        return low_resolution(image, factor, 1 + excess + screen)


def low_resolution(image: Tensor, factor: Tensor, largest: float) -> Tensor:
    """Shrink each picture by its own factor and enlarge it again.

    Args:
        image: ``(B, C, H, H)`` float32 in [0, 1].
        factor: ``(B,)`` float32, 1 to ``largest``.
        largest: bound of the factors, known on the host, which sizes the low-pass filter.

    Returns:
        ``(B, C, H, H)`` float32 in [0, 1].
    """
    sigma = 0.5 * (factor**2 - 1).clamp(min=0).sqrt()
    smooth = convolve(image, gaussian(sigma, math.ceil(1.5 * largest))).clamp_(0, 1)
    ones = torch.ones_like(factor)
    shrunk = sample(smooth, torch.diag_embed(torch.stack([factor, factor, ones], dim=1)), image.shape[-1])
    return sample(shrunk, torch.diag_embed(torch.stack([1 / factor, 1 / factor, ones], dim=1)), image.shape[-1])


def interface_of(key: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Draw a phone's interface: a status bar with its glyphs, a bar of controls, a round button.

    Args:
        key: ``(B,)`` int64.
        size: side in pixels.

    Returns:
        colour ``(B, 3, size, size)`` and opacity ``(B, 1, size, size)``, float32 in [0, 1].
    """
    axis = (torch.arange(size, device=key.device) + 0.5) / size
    y, x = axis[None, None, :, None], axis[None, None, None, :]
    draw = uniform(key, 6)[:, :, None, None, None].unbind(1)
    top, bottom = 0.04 + 0.04 * draw[0], 0.1 * (draw[1] - 0.4)
    bar, controls = y < top, y > 1 - bottom
    lettering = (y > 0.3 * top) & (y < 0.75 * top)
    clock = (x > 0.05) & (x < 0.17) & ((x * 40) % 1 < 0.7)
    battery = (x > 0.86) & (x < 0.95)
    glyphs = lettering & (clock | battery)
    knobs = controls & ((y - 1 + bottom / 2).abs() < bottom / 5) & (((x * 4) % 1 - 0.5).abs() < 0.12)
    button = torch.hypot(x - 0.88, y - (0.6 + 0.25 * draw[2])) < 0.05 * (draw[3] > 0.5)
    dark = draw[4] < 0.5
    paper = torch.where(dark, 0.08, 0.96)
    ink = glyphs | knobs
    colour = torch.where(ink, 1 - paper, paper).expand(-1, 3, -1, -1)
    veil = 0.35 + 0.65 * draw[5].clamp(min=0.5)  # bars are translucent in many interfaces
    opacity = torch.where(ink, 1.0, torch.where(bar | controls, veil, torch.where(button, 0.6, 0.0)))
    return colour, opacity
