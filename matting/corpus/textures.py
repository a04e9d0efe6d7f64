"""Noise, cloth patterns and shading from one or two lights."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from matting.corpus.layers import Layer, Picture, Plane, extent, tinted


@dataclass(frozen=True)
class Light:
    """The light of a scene, as it falls on the subject.

    Attributes:
        direction: unit vector towards the key light: x right, y down, z to the camera.
        key: ``(3,)`` colour and strength of the key light.
        ambient: ``(3,)`` colour and strength of the light from everywhere.
        rim: ``(3,)`` colour and strength of the light from behind; zero for none.
    """

    direction: NDArray[np.float64]
    key: NDArray[np.float64]
    ambient: NDArray[np.float64]
    rim: NDArray[np.float64]


def random_light(rng: np.random.Generator) -> Light:
    """A plausible light: mostly from above and one side, warm or cool."""
    side, up, front = rng.normal(0, 0.8), -abs(rng.normal(0.5, 0.3)), rng.uniform(0.4, 1.2)
    direction = np.array([side, up, front]) / np.linalg.norm([side, up, front])
    warmth = rng.normal(0, 0.05) * np.array([1.0, 0.1, -1.0])
    key = rng.uniform(0.35, 0.85) * (1 + warmth)
    ambient = rng.uniform(0.4, 0.75) * (1 - 0.6 * warmth)
    rim = rng.uniform(0.1, 0.5) * (1 + warmth) if rng.random() < 0.35 else np.zeros(3)
    return Light(direction, key, ambient, rim)


def noise(rng: np.random.Generator, height: int, width: int, cell: float, octaves: int = 4) -> Plane:
    """Fractal value noise in [0, 1], ``(height, width)``; ``cell`` is the coarsest grid step in pixels."""
    total, weight = np.zeros((height, width), np.float32), 0.0
    for octave in range(octaves):
        step = max(cell / 2**octave, 1.0)
        grid = rng.random((int(height / step) + 3, int(width / step) + 3), np.float32)
        total += 0.5**octave * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        weight += 0.5**octave
    return np.asarray(np.clip(total / weight, 0, 1), np.float32)


def shade(coverage: Plane, albedo: ArrayLike, light: Light, roundness: float = 1.0) -> Layer:
    """A layer whose surface bulges towards the camera, lit by ``light``.

    The bulge is read off the silhouette: the blurred coverage serves as height, its gradient as normal.

    Args:
        coverage: ``(H, W)`` coverage of the part.
        albedo: ``(3,)`` colour or ``(H, W, 3)`` picture.
        light: of the scene.
        roundness: 0 is flat, 1 a body.
    """
    lit, edge = _illumination(coverage, light, roundness)
    box = extent(coverage)
    colour = np.asarray(albedo, np.float32)
    lit[box] *= colour if colour.ndim == 1 else colour[box]
    lit[box] += edge[box]
    return tinted(coverage, np.clip(lit, 0, 1, out=lit))


def _illumination(coverage: Plane, light: Light, roundness: float) -> tuple[Picture, Picture]:
    height, width = coverage.shape
    small = cv2.resize(coverage, (max(width // 4, 1), max(height // 4, 1)), interpolation=cv2.INTER_AREA)
    extent = np.sqrt(max(float(small.sum()), 1.0))
    bulge = cv2.GaussianBlur(small, (0, 0), max(extent / 7, 0.8))
    normal = np.stack([-cv2.Sobel(bulge, cv2.CV_32F, 1, 0), -cv2.Sobel(bulge, cv2.CV_32F, 0, 1)], axis=2)
    normal *= roundness * extent / 14
    facing = 1.0 / np.sqrt(1.0 + (normal**2).sum(axis=2))
    lambert = (normal @ light.direction[:2].astype(np.float32) + np.float32(light.direction[2])) * facing
    lit = light.ambient + light.key * np.clip(lambert, 0, None)[..., None]
    edge = light.rim * np.clip(1.0 - facing * 1.6, 0, 1)[..., None]
    size = (width, height)
    return cv2.resize(lit.astype(np.float32), size), cv2.resize(edge.astype(np.float32), size)


def cloth(
    rng: np.random.Generator, height: int, width: int, colour: ArrayLike, scale: float, *, plain: bool = False
) -> Picture:
    """Cloth ``(height, width, 3)`` of a random pattern in the given main colour.

    Args:
        rng: source of randomness.
        height: pixels.
        width: pixels.
        colour: ``(3,)`` main colour.
        scale: size of the pattern, pixels.
        plain: without a pattern.
    """
    second = np.clip(np.asarray(colour) * rng.uniform(0.4, 1.5) + rng.normal(0, 0.2, 3), 0.03, 0.97)
    y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]
    warp = noise(rng, height, width, 6 * scale, 2) * np.float32(1.5 * scale)
    patterns = {"plain": 0.4, "stripes": 0.15, "checks": 0.13, "knit": 0.16, "dots": 0.08, "print": 0.08}
    kind = "plain" if plain else rng.choice(list(patterns), p=list(patterns.values()))
    u, v = (np.asarray((axis + warp) / scale, np.float32) for axis in (x, y))
    weave = _pattern(rng, str(kind), u, v)[..., None]
    folds = 0.8 + 0.4 * noise(rng, height, width, 7 * scale, 3)[..., None]
    grain = 1 + np.float32(0.03) * rng.standard_normal((height, width, 1), np.float32)
    base = np.asarray(colour, np.float32)
    dyed = base + np.asarray(second - base, np.float32) * weave if weave.any() else base
    return np.clip(dyed * (folds * grain), 0, 1)


def _pattern(rng: np.random.Generator, kind: str, x: Plane, y: Plane) -> Plane:
    """Weight of the second colour in [0, 1]; ``x`` and ``y`` are in units of the pattern."""
    weight: NDArray[np.generic] = np.zeros_like(x)
    if kind == "stripes":
        weight = np.sin((x if rng.random() < 0.4 else y) * np.pi) > rng.uniform(-0.5, 0.6)
    elif kind == "checks":
        weight = 0.5 * (np.sin(x * 2) > 0.3) + 0.5 * (np.sin(y * 2) > 0.3)
    elif kind == "knit":
        weight = 0.3 + 0.3 * np.sin(y * 5 + 2 * np.abs(np.sin(x * 2.5)))
    elif kind == "dots":
        weight = np.sin(x * 2) * np.sin(y * 2) > 0.5
    elif kind == "print":
        weight = noise(rng, x.shape[0], x.shape[1], 30, 3) > rng.uniform(0.45, 0.6)
    return np.asarray(weight, np.float32)
