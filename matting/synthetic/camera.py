"""The effects of lens, sensor and file format on an image."""

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.synthetic.layers import Colours, Layer, repeated, times


def motion_blur(layer: Layer, length: float, angle: float) -> Layer:
    """Blur a premultiplied layer along a line: colours and alpha alike, because the matte includes motion.

    Args:
        layer: ``(H, W, 4)`` premultiplied, or a plane ``(H, W)`` of it.
        length: Length of the line, pixels.
        angle: Angle of the line, radians.
    """
    # Odd, so that the kernel has a centre and moves nothing.
    size = int(np.ceil(length)) | 1
    kernel = np.zeros((size, size), np.float32)
    middle = (size - 1) / 2
    reach = 0.5 * (length - 1) * np.array([np.cos(angle), np.sin(angle)])
    # Four binary digits of a pixel, OpenCV's `shift`: a short line would otherwise snap to whole pixels.
    ends = [tuple(np.rint((np.array([middle, middle]) + s * reach) * 16).astype(int).tolist()) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return np.asarray(cv2.filter2D(layer, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE), np.float32)


def lens_blur(layer: Layer, sigma: float) -> Layer:
    """Blur a premultiplied layer by the point spread of lens and sensor: no edge of a photo is one pixel wide.

    Args:
        layer: ``(H, W, 4)`` premultiplied, or a plane ``(H, W)`` of it.
        sigma: Standard deviation of the Gaussian, pixels.
    """
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)


def expose(rng: np.random.Generator, image: Colours, *, coarse: bool = False) -> Colours:
    """Apply tone, sensor noise and sharpening; ``coarse`` also lowers the resolution, as old phones do."""
    height, width = image.shape[:2]
    image = develop(rng, image)
    if coarse:
        factor = rng.uniform(0.25, 0.45)
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    gain = rng.gamma(1.5, 0.006) * (2 if coarse else 1)
    # The variance grows with the light, as of photons, from a floor, as of the electronics.
    shot = rng.standard_normal(image.shape, np.float32) * np.sqrt(image * 0.8 + 0.2)
    if rng.random() < 0.1:  # film: grains are larger than pixels and the same in all channels
        grain = cv2.GaussianBlur(shot[..., 0], (0, 0), rng.uniform(0.5, 1.1))
        image = image + np.float32(rng.uniform(0.02, 0.1)) * grain[..., None]
    image = image + np.float32(gain) * shot
    if rng.random() < 0.7:
        image = image + np.float32(rng.uniform(0.3, 1.3)) * (image - cv2.GaussianBlur(image, (0, 0), 1.2))
    if coarse:
        # Enlarged last, with its noise and sharpening, whose grain is then coarser than a pixel.
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(image, 0, 1)


def develop(rng: np.random.Generator, image: Colours) -> Colours:
    """Apply white balance, exposure, saturation, contrast and vignette."""
    height, width = image.shape[:2]
    cast = 0.07 if rng.random() < 0.85 else 0.22
    # Mostly red against blue, as light is warm or cool; little green against magenta.
    balance = np.exp(rng.normal(0, cast) * np.array([1, 0, -1]) + rng.normal(0, 0.03) * np.array([0.5, -1, 0.5]))
    image = times(image, balance)
    gray = image.mean(axis=2)
    colourful = np.float32(rng.choice([0.0, rng.uniform(0.1, 0.7), rng.uniform(0.85, 1.55)], p=[0.07, 0.1, 0.83]))
    plain = repeated(gray, 3)
    image = np.clip(plain + colourful * (image - plain), 0, 1)
    mean, goal = float(np.clip(gray.mean(), 0.02, 0.9)), float(np.clip(rng.normal(0.5, 0.08), 0.25, 0.7))
    gamma = np.clip((0.2 * np.log(mean) + 0.8 * np.log(goal)) / np.log(mean), 0.4, 1.6)  # most of the way to the goal
    levels = np.linspace(0, 1, 256, dtype=np.float32) ** np.float32(gamma)
    curve = np.float32(rng.uniform(0.3, 1.4))
    levels = levels + curve * (levels * levels * (3 - 2 * levels) - levels)  # an S curve: more contrast
    if rng.random() < 0.12:  # a faded print, mist or stray light: no black, little contrast
        levels = levels * np.float32(rng.uniform(0.5, 0.9)) + np.float32(rng.uniform(0.03, 0.2))
    bent = cv2.LUT(to_uint8(image), levels)
    y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)
    return np.asarray(bent * repeated(1 - np.float32(rng.uniform(0, 0.2)) * (x * x + y * y), 3), np.float32)


def compress(image: Colours, quality: int) -> Colours:
    """Compress an image as JPEG of the given quality, 1 to 100, and decode it."""
    _, data = cv2.imencode(".jpg", to_uint8(image), (cv2.IMWRITE_JPEG_QUALITY, quality))
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.float32) / np.float32(255)


def to_uint8(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Convert [0, 1] to 0..255, rounded."""
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
