"""What a hand-held camera does to an image: motion, defocus, clipped highlights, sensor noise, compression.

Follows the synthesis that Rim et al. (RSBlur, ECCV 2022) found to close most of the gap to real blur: blur in linear
light, saturation, then noise and the camera's own pipeline. It is no data set of blur, hence "camera blur".
"""

import math
from typing import Literal

import torch
from kornia.color import linear_rgb_to_rgb, rgb_to_linear_rgb
from torch import Tensor

from matting.augment.compose import is_composite
from matting.augment.degradation import Degradation, LayeredImage, select
from matting.augment.jpeg import jpeg
from matting.augment.kernels import camera_shake, convolve, disc, linear_motion
from matting.augment.randomness import Keys, Stream, between, chance, fold, normal, uniform
from matting.errors import MattingError

_SATURATED = 0.9  # linear light from which a sensor may have clipped what was brighter
_BRIGHTEST = 4.0  # how much brighter at most


class CameraBlur(Degradation):
    """Blur by linear motion, hand shake or defocus, or by the subject's own motion, then noise and JPEG.

    Kernels come from the row's geometry, so that the views of a pair, which share their matte, share its motion too;
    noise and compression come from its appearance. Strengths scale with the row's severity; one transform serves all.

    Args:
        extent: smallest and largest extent of a kernel at severity 1, as a fraction of the image's longer
            side.
        subject: probability that a composite's subject moves and its background does not. Its premultiplied colours and
            its alpha are blurred by one kernel: that motion is part of the matte. In photos only the camera moves.
        alpha: what the matte of an image blurred by the camera is: "sharp", so that the network learns to see
            through the blur, or "blurred" with the image.
        noise: largest standard deviation of the signal-independent noise in linear light at severity 1; the
            variance of the photon noise is up to ``noise`` / 4 times the light.
        quality: lowest JPEG quality at severity 1; quality is uniform from there to 95.
        p, same_on_batch, keepdim: see :class:`~matting.augment.degradation.Degradation`.

    Raises:
        MattingError: for a probability outside [0, 1], an extent outside [0, 0.5] or out of order, another
            ``alpha`` or a quality outside [1, 95].
    """

    stream = Stream.BLUR

    def __init__(
        self,
        extent: tuple[float, float] = (0.01, 0.06),
        subject: float = 0.25,
        alpha: Literal["sharp", "blurred"] = "sharp",
        noise: float = 0.01,
        quality: float = 50.0,
        p: float = 0.5,
        same_on_batch: bool = False,
        keepdim: bool = False,
    ) -> None:
        super().__init__(p, same_on_batch, keepdim)
        if not 0 <= subject <= 1:
            raise MattingError(f"expected a probability in [0, 1], found subject={subject}")
        if not 0 <= extent[0] <= extent[1] <= 0.5:
            raise MattingError(f"expected 0 <= low <= high <= 0.5 of the image's side, found extent={extent}")
        if alpha not in ("sharp", "blurred"):
            raise MattingError(f"expected alpha to be 'sharp' or 'blurred', found {alpha!r}")
        if not 1 <= quality <= 95:
            raise MattingError(f"expected a JPEG quality between 1 and 95, found quality={quality}")
        self.extent, self.subject, self.alpha, self.noise, self.quality = extent, subject, alpha, noise, quality

    def degrade(self, layers: LayeredImage, keys: Keys, severity: Tensor) -> LayeredImage:
        """Take each image again with a worse camera; see :meth:`Degradation.degrade`."""
        geometry, appearance = fold(keys.geometry, Stream.BLUR), fold(keys.appearance, Stream.SENSOR)
        moves = chance(fold(geometry, 0), self.subject) & is_composite(layers.foreground, layers.background)
        # the kernel is the geometry's, because it may be part of the matte, which the views of a pair share
        kernel = self._kernels(geometry, moves, severity, max(layers.image.shape[-2:]))
        light, alpha = expose(layers, kernel, moves[:, None, None, None])
        noise = severity * self.noise
        light = sensor_noise(light, noise * uniform(fold(appearance, 0)) / 4, noise, fold(appearance, 1))
        lowest = 95 - severity * (95 - self.quality)
        image = jpeg(linear_rgb_to_rgb(light), lowest + (95 - lowest) * uniform(fold(appearance, 2)))
        touched = severity > 0
        moved = touched if self.alpha == "blurred" else touched & moves
        return layers._replace(image=select(touched, image, layers.image), alpha=select(moved, alpha, layers.alpha))

    def degrade_alpha(self, alpha: Tensor, keys: Keys, severity: Tensor) -> Tensor:
        """Blur the matte of a photo along with it, if it is to be."""
        if self.alpha == "sharp":
            return alpha
        still = torch.zeros_like(severity, dtype=torch.bool)
        kernel = self._kernels(fold(keys.geometry, Stream.BLUR), still, severity, max(alpha.shape[-2:]))
        return select(severity > 0, convolve(alpha, kernel).clamp_(0, 1), alpha)

    def _kernels(self, key: Tensor, moves: Tensor, severity: Tensor, side: int) -> Tensor:
        """One of the three kinds for each row; a subject that moves is not out of focus."""
        # from the largest extent, not the batch's: a size that depended on data would make the host wait
        radius = max(1, math.ceil(self.extent[1] * side / 2))
        extent = severity * side * between(fold(key, 2), *self.extent)
        kind = uniform(fold(key, 3))[:, None, None]
        motion = linear_motion(extent, math.pi * uniform(fold(key, 4)), radius)
        shake = camera_shake(extent, fold(key, 5), radius)
        defocus = torch.where(moves[:, None, None], motion, disc(extent / 2, radius))
        return torch.where(kind < 1 / 3, motion, torch.where(kind < 2 / 3, shake, defocus))


def expose(layers: LayeredImage, kernel: Tensor, moves: Tensor) -> tuple[Tensor, Tensor]:
    """Blur an image in linear light, with highlights brighter than the sensor could record, and clip again.

    Args:
        layers: what the camera sees.
        kernel: ``(B, K, K)`` float32 summing to 1.
        moves: ``(B, 1, 1, 1)`` bool: blur only the subject, I = k*(alpha F) + (1 - k*alpha) B, else the whole image.

    Returns:
        linear light ``(B, 3, H, W)`` and the blurred alpha ``(B, 1, H, W)``, float32 in [0, 1].
    """
    # one transform for both cases: a subject that moves is blurred premultiplied, a camera blurs the whole image
    source = rgb_to_linear_rgb(torch.where(moves, layers.foreground, layers.image))
    bright = unclip(source) * torch.where(moves, layers.alpha, 1)
    blurred = convolve(torch.cat([bright, layers.alpha], dim=1), kernel)
    alpha = blurred[:, 3:].clamp(0, 1)
    behind = torch.where(moves, 1 - alpha, 0) * rgb_to_linear_rgb(layers.background)
    return (blurred[:, :3] + behind).clamp_(0, 1), alpha


def unclip(light: Tensor) -> Tensor:
    """Guess how bright clipped highlights were: up to four times white, growing smoothly from 0.9 of white on.

    Args:
        light: ``(B, 3, H, W)`` linear light in [0, 1].

    Returns:
        ``(B, 3, H, W)`` in [0, 4]; a pixel is brightened as a whole by its darkest channel, so that colours stay.
    """
    excess = ((light.amin(dim=1, keepdim=True) - _SATURATED) / (1 - _SATURATED)).clamp_(min=0)
    return light * (1 + (_BRIGHTEST - 1) * excess**2)


def sensor_noise(light: Tensor, shot: Tensor, read: Tensor, key: Tensor) -> Tensor:
    """Add Poisson-Gaussian noise, var = shot * light + read^2 (Foi et al., IEEE TIP 2008).

    Args:
        light: ``(B, 3, H, W)`` linear light in [0, 1].
        shot: ``(B,)`` variance of the photon noise at white.
        read: ``(B,)`` standard deviation of the noise in the dark.
        key: ``(B,)`` int64.

    Returns:
        ``(B, 3, H, W)`` linear light clipped to [0, 1].
    """
    variance = light * shot[:, None, None, None] + (read**2)[:, None, None, None]
    return torch.addcmul(light, variance.sqrt_(), normal(key, *light.shape[1:])).clamp_(0, 1)
