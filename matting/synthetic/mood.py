"""Effects that tie subject and scene together: light, shadow, glow, camouflage."""

from dataclasses import replace

import cv2
import numpy as np

from matting.synthetic.layers import Colours, Frame, Layer, Plane, gaussian, repeated, times
from matting.synthetic.textures import Light, noise, random_light
from matting.synthetic.traits import Traits


def scenario_light(rng: np.random.Generator, scenario: str) -> Light:
    """Sample the light of a scenario: from behind, from behind and one side, or any."""
    light = random_light(rng)
    if scenario == "backlit":
        glow = rng.uniform(0.7, 1.1) * np.array([1.0, rng.uniform(0.8, 1), rng.uniform(0.55, 0.95)])
        return replace(light, key=light.key * 0.25, ambient=light.ambient * rng.uniform(0.5, 0.9), rim=glow)
    if scenario == "side_backlit":
        side = np.array([rng.choice([-1.0, 1.0]), -0.2, -0.3])
        return replace(light, direction=side / np.linalg.norm(side), rim=light.key, ambient=light.ambient * 0.6)
    return light


def harmonise(layer: Layer, scene: Colours, strength: float) -> Layer:
    """Let the scene's light fall on the subject: its tint everywhere, its glow around the edges and through hair.

    Args:
        layer: ``(H, W, 4)`` float32, premultiplied subject.
        scene: ``(H, W, 3)`` background.
        strength: Strength of both effects; 0 leaves the subject as it is.
    """
    size = (scene.shape[1], scene.shape[0])
    # At a quarter of the size: only a wide blur of it is used.
    small = cv2.resize(
        np.concatenate([scene, layer[..., 3:]], axis=2), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA
    )
    wide = cv2.resize(cv2.GaussianBlur(small, (0, 0), size[1] / 150), size)
    tint = scene.mean(axis=(0, 1)) / max(float(scene.mean()), 0.05)
    alpha = layer[..., 3]
    colour = times(np.ascontiguousarray(layer[..., :3]), 1 + strength * 0.5 * (tint - 1))
    glow = repeated(alpha * strength, 3) * wide[..., :3] * repeated(np.clip(1.15 - wide[..., 3], 0, 1), 3)
    # A premultiplied colour is at most alpha.
    lit = np.clip(np.minimum(colour + glow, repeated(alpha, 3)), 0, 1)
    return np.asarray(cv2.merge([*cv2.split(lit), alpha]), np.float32)


def sun_behind(rng: np.random.Generator, scene: Colours, frame: Frame, light: Light) -> Colours:
    """Add the glow of a light source behind the head."""
    height, width = scene.shape[:2]
    y, x = np.mgrid[:height, :width]
    shift = frame.head * rng.normal(0, 0.6, 2)
    distance = ((x - frame.centre[0] - shift[0]) ** 2 + (y - frame.centre[1] - shift[1]) ** 2) / frame.head**2
    glow = np.exp(-distance / rng.uniform(0.6, 3))[..., None] * light.rim * rng.uniform(0.4, 1.0)
    return np.asarray(np.clip(gaussian(scene, height * 0.008) + glow, 0, 1), np.float32)


def cast_shadow(rng: np.random.Generator, scene: Colours, alpha: Plane, head: float) -> Colours:
    """Cast the subject's soft shadow on the background; the matte does not include it."""
    shift = head * np.array([rng.uniform(0.15, 0.8) * rng.choice([-1, 1]), rng.uniform(-0.1, 0.3)])
    move = np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]]])
    moved = cv2.warpAffine(alpha, move, alpha.shape[::-1])
    soft = gaussian(moved, max(head * rng.uniform(0.02, 0.15), 0.5))
    return np.asarray(scene * (1 - rng.uniform(0.25, 0.6) * soft[..., None]), np.float32)


def dapple(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Return patches of light and shade, ``(H, W, 1)``, that fall on subject and scene alike, as under leaves."""
    patches = noise(rng, height, width, height * rng.uniform(0.15, 0.8), int(rng.integers(2, 5)))
    if rng.random() < 0.4:  # edges of houses, the bars of a window or a blind
        y, x = np.mgrid[:height, :width].astype(np.float32) / height
        along = x * np.float32(np.cos(turn := rng.uniform(0, np.pi))) + y * np.float32(np.sin(turn))
        bars = 0.5 + 0.5 * np.sin(along * np.exp(rng.uniform(0.7, 3.5)) + rng.uniform(0, 6))
        patches = np.asarray(0.85 * bars + 0.15 * patches, np.float32)
    lit = np.clip((patches - rng.uniform(0.35, 0.6)) * rng.uniform(5, 40), 0, 1)[..., None]
    return np.asarray(1.15 - rng.uniform(0.3, 0.8) * (1 - lit), np.float32)


def camouflage(rng: np.random.Generator, scene: Colours, subject: Traits) -> Colours:
    """Recolour the scene towards the subject's hair, skin or clothes."""
    colours = [subject.hair, subject.skin, subject.top]
    goal = np.clip(colours[rng.integers(3)] * rng.uniform(0.8, 1.2), 0, 1)
    share = rng.uniform(0.4, 0.8)
    # Texture stays, weaker; only the mean moves to the goal.
    contrast = scene - scene.mean(axis=(0, 1))
    return np.asarray(np.clip((1 - share) * contrast + share * goal + (1 - share) * scene.mean(), 0, 1), np.float32)
