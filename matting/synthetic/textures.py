"""Noise, colours and shading from one or two lights."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from matting.synthetic.layers import Colours, Layer, Plane, extent, gaussian, padded


@dataclass(frozen=True)
class Light:
    """The light on the subject.

    Attributes:
        direction: Unit vector towards the key light: x right, y down, z to the camera.
        key: ``(3,)`` colour and strength of the key light.
        ambient: ``(3,)`` colour and strength of the ambient light.
        rim: ``(3,)`` colour and strength of the light from behind; zero for none.
    """

    direction: NDArray[np.float64]
    key: NDArray[np.float64]
    ambient: NDArray[np.float64]
    rim: NDArray[np.float64]


def random_light(rng: np.random.Generator) -> Light:
    """Sample a plausible light: mostly from above and one side, warm or cool."""
    side, up, front = rng.normal(0, 0.8), -abs(rng.normal(0.5, 0.3)), rng.uniform(0.4, 1.2)
    direction = np.array([side, up, front]) / np.linalg.norm([side, up, front])
    warmth = rng.normal(0, 0.05) * np.array([1.0, 0.1, -1.0])
    # A camera exposes for the face: the more key light, the less ambient light.
    total, share = rng.uniform(0.8, 1.15), rng.uniform(0.35, 0.8)
    kind = rng.random()  # sun or lamp without a fill, or an overcast sky
    share = rng.uniform(0.85, 0.99) if kind < 0.15 else rng.uniform(0.05, 0.3) if kind > 0.87 else share
    key = 1.15 * total * share * (1 + warmth)
    ambient = total * (1 - 0.75 * share) * (1 - 0.6 * warmth)
    rim = rng.uniform(0.1, 0.5) * (1 + warmth) if rng.random() < 0.35 else np.zeros(3)
    return Light(direction, key, ambient, rim)


def noise(rng: np.random.Generator, height: int, width: int, cell: float, octaves: int = 4, fade: float = 0.5) -> Plane:
    """Sample fractal value noise in [0, 1], ``(height, width)``, each octave at half the step.

    Args:
        rng: Random generator.
        height: Pixels.
        width: Pixels.
        cell: Coarsest grid step, pixels.
        octaves: Number of grids, each at half the step of the one before, down to one pixel.
        fade: Strength of an octave relative to the one before; 0.5 is 1/f.
    """
    total: Plane | None = None
    weight = 0.0
    for octave in range(octaves):
        step = max(cell / 2**octave, 1.0)
        grid = rng.random((int(height / step) + 3, int(width / step) + 3), np.float32)
        finer = grid * np.float32(fade**octave)
        if total is not None:  # enlarged to the next grid only, so that just one resize is at full size
            finer += cv2.resize(total, grid.shape[::-1], interpolation=cv2.INTER_CUBIC)
        total, weight = np.asarray(finer, np.float32), weight + fade**octave
        if step == 1.0:
            break
    assert total is not None
    full = cv2.resize(total, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(full / np.float32(weight), 0, 1), np.float32)


HUES = ((0.45, 0.08, 0.035), (0.25, 0.6, 0.05), (0.12, 0.3, 0.06), (0.18, 0.5, 0.5))
"""How often, middle and spread (turns of the colour circle): earth and wood, sky and denim, plants, anything."""


def natural_colour(
    rng: np.random.Generator, low: float = 0.05, high: float = 0.95, vivid: float = 0.12
) -> NDArray[np.float64]:
    """Sample a colour ``(3,)`` as in photos: mostly dull, earthy or bluish, sometimes vivid.

    Args:
        rng: Random generator.
        low: Least brightness of the brightest channel.
        high: Greatest brightness of it.
        vivid: Share of strong colours.
    """
    _, middle, spread = HUES[rng.choice(len(HUES), p=[share for share, *_ in HUES])]
    hue = rng.normal(middle, spread) % 1.0
    saturation = rng.uniform(0.5, 0.95) if rng.random() < vivid else rng.beta(1.2, 4.0)
    # The hue as a fully saturated colour, as in HSV.
    wheel = np.clip(np.abs((hue * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    return np.asarray(rng.uniform(low, high) * (1 - saturation * (1 - wheel)), np.float64)


def shade(coverage: Plane, albedo: ArrayLike, light: Light, roundness: float = 1.0, body: Plane | None = None) -> Layer:
    """Return a layer whose surface bulges towards the camera, lit by ``light``.

    The bulge follows from the silhouette: the blurred coverage is the height, its gradient the normal.

    Args:
        coverage: ``(H, W)`` coverage of the part.
        albedo: ``(3,)`` colour or ``(H, W, 3)`` image.
        light: Light of the scene.
        roundness: 0 for flat, 1 for round.
        body: ``(H, W)`` coverage of what the part is attached to; no seam is shaded between them.
    """
    box = extent(coverage)
    layer = np.zeros((*coverage.shape, 4), np.float32)
    if box[0].stop == 0:
        return layer
    around = padded(box, 8, coverage.shape)
    cover = coverage[around]
    # Where the part joins the body the height does not fall to 0, so no rim is shaded there.
    form = cover if body is None else cover + np.float32(0.7) * (1 - cover) * body[around]
    lit, edge = _illumination(form, light, roundness)
    colour = np.asarray(albedo, np.float32)
    lit *= colour if colour.ndim == 1 else colour[around]
    lit += edge
    np.clip(lit, 0, 1, out=lit)
    np.multiply(lit, cover[..., None], out=layer[around][..., :3])
    layer[around][..., 3] = cover
    return layer


def _illumination(coverage: Plane, light: Light, roundness: float) -> tuple[Colours, Colours]:
    height, width = coverage.shape
    # A quarter of the size: shading is smooth.
    small = cv2.resize(coverage, (max(width // 4, 1), max(height // 4, 1)), interpolation=cv2.INTER_AREA)
    side = np.sqrt(max(float(small.sum()), 1.0))
    # The width follows from the area: a limb bulges in a smaller circle than a torso.
    bulge = gaussian(small, max(side / 7, 0.8), cv2.BORDER_CONSTANT)
    normal = np.stack([-cv2.Sobel(bulge, cv2.CV_32F, 1, 0), -cv2.Sobel(bulge, cv2.CV_32F, 0, 1)], axis=2)
    normal *= roundness * side / 14
    facing = 1.0 / np.sqrt(1.0 + (normal**2).sum(axis=2))
    lambert = (normal @ light.direction[:2].astype(np.float32) + np.float32(light.direction[2])) * facing
    lit = light.ambient + light.key * np.clip(lambert, 0, None)[..., None]
    edge = light.rim * np.clip(1.0 - facing * 1.6, 0, 1)[..., None]
    size = (width, height)
    return cv2.resize(lit.astype(np.float32), size), cv2.resize(edge.astype(np.float32), size)
