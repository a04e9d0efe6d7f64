"""Matting-C: corruptions by cameras, light and file formats, in five severities each.

Modelled on ImageNet-C (Hendrycks & Dietterich, ICLR 2019), with photometric and sensor corruptions only: no pixel
moves, so the true matte stays valid. Blurs change the image and not the matte: a method has to recover an edge that it
no longer sees. Strengths are chosen for images with a long side of about `SIDE` pixels.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 512
"""Long side, in pixels, of the images for which the strengths are chosen."""

Floats: TypeAlias = NDArray[np.float32]
Distortion: TypeAlias = Callable[[Floats, float, np.random.Generator], Floats]
"""Maps ``(H, W, 3)`` float32 display values in [0, 1], a strength and a generator to an image alike, unclipped."""


def gaussian_noise(image: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Add noise of standard deviation `strength` to every value."""
    return image + np.float32(strength) * rng.standard_normal(image.shape, np.float32)


def shot_noise(image: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Add Poisson noise of `strength` photons at white: strongest where the image is bright."""
    return (rng.poisson(image * strength) / strength).astype(np.float32)


def impulse_noise(image: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Set a share `strength` of the values to 0 or 1 (salt and pepper)."""
    uniform = rng.random(image.shape, np.float32)
    # One random number decides both: the lower half of the hits becomes 1, the upper half 0.
    return np.where(uniform < strength, np.float32(uniform < strength / 2), image)


def defocus_blur(image: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Blur linear light by a disc of radius `strength` pixels."""
    del rng
    reach = int(np.ceil(strength)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(strength - np.hypot(y, x) + 0.5, 0, 1)  # half a pixel of soft rim: radii need not be integers
    return _blur(image, disc)


def motion_blur(image: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Blur linear light along a line of `strength` pixels in a random direction."""
    angle, reach = rng.uniform(0, np.pi), int(np.ceil(strength / 2)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    # Soft ends and sides: a line of whole pixels would be jagged, and its length would depend on the angle.
    line = np.clip(strength / 2 - np.abs(along) + 0.5, 0, 1) * np.clip(1 - np.abs(across), 0, 1)
    return _blur(image, line)


def brightness(image: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Overexpose: multiply linear light by 2 to the power of `strength` stops, clipping at white."""
    del rng
    return _display(_light(image) * np.float32(2**strength))


def contrast(image: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Move all values towards the image's mean, keeping a share `strength` of their distance."""
    del rng
    mean = np.float32(image.mean(dtype=np.float64))
    return mean + np.float32(strength) * (image - mean)


def saturation(image: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Scale the distance of every colour from its gray by `strength`: below 1 fades, above 1 exaggerates."""
    del rng
    gray = _luma(image)
    return gray + np.float32(strength) * (image - gray)


def white_balance(image: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Shift linear light to warmer or cooler: red and blue by `strength` stops in opposite directions."""
    sign = rng.choice([-1, 1])
    gains = np.array([2 ** (sign * strength), 1, 2 ** (-sign * strength)], np.float32)
    return _display(_light(image) * gains)


def haze(image: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Veil linear light with uneven gray airlight, at most `strength` thick: haze or lens flare."""
    height, width = image.shape[:2]
    # Few patches, since haze varies slowly over an image.
    coarse = rng.random((5, 5), np.float32)
    patches = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    # 70 to 100 % of the strength: uneven, but no part of the image is free of haze.
    veil = np.float32(strength) * (np.float32(0.7) + np.float32(0.3) * patches)[..., None]
    return _display(_light(image) * (1 - veil) + np.float32(0.7) * veil)


def low_light(image: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Underexpose by `strength` stops, add sensor noise, and undo half of the stops."""
    light = _light(image) * np.float32(2**-strength)
    # Variance of a sensor: a constant part from reading it, and photon noise, which grows with the light.
    deviation = np.sqrt(np.float32(1e-4) + np.float32(1e-3) * light)
    noisy = light + deviation * rng.standard_normal(image.shape, np.float32)
    return _display(noisy * np.float32(2 ** (strength / 2)))


def jpeg(image: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Save as JPEG of quality `strength` with colours at half the resolution."""
    del rng
    levels = cv2.cvtColor(_levels(image), cv2.COLOR_RGB2BGR)
    sampling = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    _, data = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, int(strength), *sampling])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.float32) / np.float32(255)


def pixelate(image: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Reduce both sides to a share `strength` and enlarge again smoothly, as for a small image shown large."""
    del rng
    height, width = image.shape[:2]
    small = (max(1, round(width * strength)), max(1, round(height * strength)))
    reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def banding(image: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Quantise every channel to `strength` levels, as a cheap screen or encoder does."""
    del rng
    steps = np.float32(strength - 1)
    return np.asarray(np.rint(image * steps) / steps, np.float32)


@dataclass(frozen=True)
class Corruption:
    """A distortion and its five strengths.

    Attributes:
        distort: The function that distorts an image.
        strengths: Strengths of severities 1 to 5.
        related: Classes of `matting.augment` that degrade images similarly: a network trained with one has seen it.
    """

    distort: Distortion
    strengths: tuple[float, float, float, float, float]
    related: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Name of the corruption in tables."""
        return str(getattr(self.distort, "__name__", self.distort)).replace("_", " ")


CORRUPTIONS = (
    Corruption(gaussian_noise, (0.04, 0.07, 0.11, 0.16, 0.24), frozenset({"AugMix", "CameraBlur"})),
    Corruption(shot_noise, (200, 80, 40, 20, 10), frozenset({"CameraBlur"})),
    Corruption(impulse_noise, (0.01, 0.02, 0.05, 0.1, 0.18)),
    Corruption(defocus_blur, (1, 1.7, 2.6, 4, 6), frozenset({"CameraBlur"})),
    Corruption(motion_blur, (4, 7, 11, 16, 24), frozenset({"AugMix", "CameraBlur"})),
    Corruption(brightness, (0.4, 0.8, 1.2, 1.7, 2.3), frozenset({"AugMix"})),
    Corruption(contrast, (0.7, 0.5, 0.35, 0.22, 0.12), frozenset({"AugMix"})),
    # The first three fade to gray, the last two exaggerate: there is no more than gray to fade to.
    Corruption(saturation, (0.6, 0.3, 0, 2.5, 4), frozenset({"AugMix"})),
    Corruption(white_balance, (0.2, 0.4, 0.6, 0.85, 1.1)),
    Corruption(haze, (0.15, 0.3, 0.45, 0.6, 0.75)),
    Corruption(low_light, (1.5, 2.5, 3.5, 4.5, 5.5)),
    Corruption(jpeg, (40, 25, 15, 9, 5), frozenset({"AugMix", "CameraBlur", "Phone"})),
    Corruption(pixelate, (0.6, 0.45, 0.33, 0.24, 0.17), frozenset({"Phone"})),
    Corruption(banding, (24, 14, 9, 6, 4)),
)


def corrupt(image: NDArray[np.uint8], corruption: Corruption, severity: int, name: str) -> NDArray[np.uint8]:
    """Corrupt one image.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        corruption: One of `CORRUPTIONS`.
        severity: 1 to 5.
        name: Name of the image. It seeds the generator, so an image is corrupted in the same way in any set and on any
            machine, and all severities share their random numbers.

    Returns:
        ``(H, W, 3)`` uint8 RGB.

    Raises:
        ValueError: The severity is not in 1..5.
    """
    if not 1 <= severity <= len(corruption.strengths):
        raise ValueError(f"severity: expected 1 to {len(corruption.strengths)}, found {severity}")
    # Not `hash`, which Python salts anew in every process.
    digest = blake2b(os.fsencode(f"{corruption.name}/{name}"), digest_size=8).digest()
    rng = np.random.default_rng(int.from_bytes(digest, "big"))
    values = image.astype(np.float32) / np.float32(255)
    return _levels(corruption.distort(values, corruption.strengths[severity - 1], rng))


def _levels(image: Floats) -> NDArray[np.uint8]:
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def _light(image: Floats) -> Floats:
    """Return the linear light of sRGB display values (IEC 61966-2-1)."""
    return np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _display(light: Floats) -> Floats:
    # Clipped first: noise gives negative light, whose power is not a number.
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)


def _luma(image: Floats) -> Floats:
    # The weights of ITU-R BT.601, which are for display values.
    return np.asarray(image @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]


def _blur(image: Floats, kernel: NDArray[np.float64]) -> Floats:
    weights = (kernel / kernel.sum()).astype(np.float32)
    # A lens mixes light: display values, blurred as they are, would dim highlights too much.
    # `filter2D` correlates; both kernels are symmetric, so that is a convolution.
    return _display(cv2.filter2D(_light(image), -1, weights, borderType=cv2.BORDER_REFLECT_101))
