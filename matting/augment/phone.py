"""Gap closers on the finished image: low resolution, and a phone's screenshot of it."""

import math

import torch
from kornia.filters import filter2d_separable, get_gaussian_kernel1d
from kornia.geometry.transform import scale
from torch import Tensor

from matting.augment.degradation import Degradation, LayeredImage, change, select
from matting.augment.jpeg import jpeg
from matting.augment.randomness import Keys, Stream, chance, fold, uniform
from matting.errors import MattingError

_LOWEST_QUALITY = 40.0
_SCREEN = 0.25  # a screenshot's share of the low resolution's excess over 1


class Phone(Degradation):
    """Send an image through a phone; both steps have a probability of their own, and 0 switches one off.

    Args:
        low_resolution: probability that the image was much smaller than it is shown.
        screenshot: probability of a screenshot: status bar and controls cover the image, then it is rescaled and
            compressed again. What covers the person is not person, so alpha is covered along; the cover follows
            the row's geometry, which the views of a pair share.
        factor: largest factor of the low resolution at severity 1; a screenshot's is a quarter of the way there.
        p, same_on_batch, keepdim: see :class:`~matting.augment.degradation.Degradation`.

    Raises:
        MattingError: for a probability outside [0, 1] or a factor below 1.
    """

    stream = Stream.PHONE

    def __init__(
        self,
        low_resolution: float = 0.0,
        screenshot: float = 0.0,
        factor: float = 4.0,
        p: float = 1.0,
        same_on_batch: bool = False,
        keepdim: bool = False,
    ) -> None:
        super().__init__(p, same_on_batch, keepdim)
        if not (0 <= low_resolution <= 1 and 0 <= screenshot <= 1):
            raise MattingError(f"expected probabilities in [0, 1], found {low_resolution=}, {screenshot=}")
        if factor < 1:
            raise MattingError(f"expected a factor >= 1, found factor={factor}")
        self.low_resolution, self.screenshot, self.factor = low_resolution, screenshot, factor

    def degrade(self, layers: LayeredImage, keys: Keys, severity: Tensor) -> LayeredImage:
        """Return each image and its matte as the phone leaves them; see :meth:`Degradation.degrade`."""
        image, alpha, appearance = layers.image, layers.alpha, fold(keys.appearance, Stream.PHONE)
        small = (severity > 0) & chance(fold(appearance, 0), self.low_resolution)
        shot, interface, opacity = self._cover(keys, severity, image)
        factor = self._factor(small, shot, fold(appearance, 1), severity)
        covered = torch.lerp(image, interface, opacity)
        shown = change(small | shot, self._rescaled, covered, factor)
        if self.screenshot > 0:
            quality = 95 - severity * (95 - _LOWEST_QUALITY) * uniform(fold(appearance, 2))
            shown = change(shot, jpeg, shown, quality)
        return layers._replace(image=select(small | shot, shown, image), alpha=alpha * (1 - opacity))

    def degrade_alpha(self, alpha: Tensor, keys: Keys, severity: Tensor) -> Tensor:
        """Cover the matte with what covers the image."""
        return alpha * (1 - self._cover(keys, severity, alpha)[2])

    def _cover(self, keys: Keys, severity: Tensor, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Which rows ``(B,)`` are screenshots; colour and opacity of what covers them."""
        geometry = fold(keys.geometry, Stream.PHONE)
        shot = (severity > 0) & chance(fold(geometry, 0), self.screenshot)
        interface, opacity = interface_of(fold(geometry, 2), image.shape[-2], image.shape[-1])
        return shot, interface, opacity * shot[:, None, None, None]

    def _factor(self, small: Tensor, shot: Tensor, key: Tensor, severity: Tensor) -> Tensor:
        """Draw one factor for both steps: a small image in a screenshot just has the larger one."""
        excess = self.factor - 1
        drawn = severity[:, None] * uniform(key, 2)
        return 1 + excess * drawn[:, 0] * small + excess * _SCREEN * drawn[:, 1] * shot

    def _rescaled(self, image: Tensor, factor: Tensor) -> Tensor:
        return low_resolution(image, factor, 1 + (self.factor - 1) * (1 + _SCREEN))


def low_resolution(image: Tensor, factor: Tensor, largest: float) -> Tensor:
    """Shrink each image by its own factor and enlarge it again.

    Args:
        image: ``(B, C, H, W)`` float32 in [0, 1].
        factor: ``(B,)`` float32, 1 to ``largest``.
        largest: bound of the factors, known on the host, which sizes the low-pass filter.

    Returns:
        ``(B, C, H, W)`` float32 in [0, 1].
    """
    # half a new pixel, less (in squares) the half of an old one that the image is blurred by already
    sigma = 0.5 * (factor**2 - 1).clamp(min=0).sqrt()
    # gaussian_blur2d would be these two calls, but waits to check that no sigma is 0
    taps = get_gaussian_kernel1d(2 * math.ceil(1.5 * largest) + 1, sigma[:, None])
    return _scaled(_scaled(filter2d_separable(image, taps, taps), 1 / factor), factor)


def _scaled(image: Tensor, factor: Tensor) -> Tensor:
    scaled = scale(image, factor, mode="bicubic", padding_mode="reflection", align_corners=False)
    return scaled.clamp_(0, 1)  # bicubic overshoots


def interface_of(key: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Render a phone's interface: a status bar with its glyphs, a bar of controls, a round button.

    Args:
        key: ``(B,)`` int64.
        height, width: in pixels.

    Returns:
        colour ``(B, 3, height, width)`` and opacity ``(B, 1, height, width)``, float32 in [0, 1].
    """
    y, x = ((torch.arange(side, device=key.device) + 0.5) / side for side in (height, width))
    y, x = y[None, None, :, None], x[None, None, None, :]
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
    # glyphs are opaque also on a translucent bar
    opacity = torch.where(ink, 1.0, torch.where(bar | controls, veil, torch.where(button, 0.6, 0.0)))
    return colour, opacity
