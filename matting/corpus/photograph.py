"""Photographs: people before a scene, through a camera, with every person's visible alpha."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from matting.corpus.camera import expose, motion_blur
from matting.corpus.layers import Frame, Layer, Picture, Plane, over
from matting.corpus.person import draw_person, random_frame
from matting.corpus.scenes import random_scene
from matting.corpus.textures import Light, random_light
from matting.corpus.traits import Traits, random_traits

HARD = {"backlit", "overlap", "tiny"}
MEDIUM = {"motion_blur", "low_resolution", "side_backlit", "group"}


@dataclass(frozen=True)
class Photograph:
    """A finished picture and what is true about it.

    Attributes:
        picture: ``(H, W, 3)`` float32 sRGB.
        alpha: ``(H, W)`` of all people together.
        persons: ``(H, W)`` visible alpha of each person; they add up to ``alpha``.
        traits: of each person.
        tags: what the picture shows, by the names of the manifest.
    """

    picture: Picture
    alpha: Plane
    persons: tuple[Plane, ...]
    traits: tuple[Traits, ...]
    tags: frozenset[str]

    @property
    def difficulty(self) -> str:
        """``clear``, ``medium`` or ``hard``, as the curriculum orders them."""
        return "hard" if self.tags & HARD else "medium" if self.tags & MEDIUM else "clear"


def photograph(rng: np.random.Generator, height: int, width: int, scenario: str = "plain") -> Photograph:
    """Takes one picture.

    Args:
        rng: source of randomness.
        height: pixels.
        width: pixels.
        scenario: one of :data:`matting.corpus.plan.SCENARIOS`.
    """
    light = _light(rng, scenario)
    crowd = int(rng.integers(2, 5)) if scenario == "group" else 1
    traits = [_traits(rng, scenario) for _ in range(crowd)]
    frames = _places(rng, height, width, scenario, crowd)
    layers = [draw_person(rng, frame, who, light) for frame, who in zip(frames, traits, strict=True)]
    if scenario == "motion_blur":
        length, angle = height * rng.uniform(0.015, 0.045), rng.uniform(0, np.pi)
        layers = [motion_blur(layer, length, angle) for layer in layers]
    scene = random_scene(rng, height, width)
    if "backlit" in scenario:
        scene = _sun(rng, scene, frames[-1], light)
    everyone, persons = _overlay(layers)
    picture = everyone[..., :3] + scene * (1 - everyone[..., 3:])
    tags = _tags(scenario, traits, persons, layers)
    return Photograph(
        expose(rng, picture, coarse=scenario == "low_resolution"), everyone[..., 3], persons, tuple(traits), tags
    )


def _overlay(layers: Sequence[Layer]) -> tuple[Layer, tuple[Plane, ...]]:
    """All people as one layer, and what is visible of each (given from back to front)."""
    result, persons = layers[0], [layers[0][..., 3]]
    for layer in layers[1:]:
        persons = [*(person * (1 - layer[..., 3]) for person in persons), layer[..., 3]]
        result = over(layer, result)
    return result, tuple(persons)


def _light(rng: np.random.Generator, scenario: str) -> Light:
    light = random_light(rng)
    if scenario == "backlit":
        glow = rng.uniform(0.7, 1.1) * np.array([1.0, rng.uniform(0.8, 1), rng.uniform(0.55, 0.95)])
        return replace(light, key=light.key * 0.25, ambient=light.ambient * rng.uniform(0.5, 0.8), rim=glow)
    if scenario == "side_backlit":
        side = np.array([rng.choice([-1.0, 1.0]), -0.2, -0.3])
        return replace(light, direction=side / np.linalg.norm(side), rim=light.key, ambient=light.ambient * 0.6)
    return light


def _traits(rng: np.random.Generator, scenario: str) -> Traits:
    traits = random_traits(rng)
    seen = float(np.clip(rng.normal(0, 0.4), -0.9, 0.9))
    if scenario == "glasses":
        return replace(
            traits, glasses=traits.glasses or str(rng.choice(["round", "square", "aviator"])), yaw=seen, hat=None
        )
    if scenario == "hat":
        return replace(traits, hat=traits.hat or str(rng.choice(["cap", "beanie", "brim"])))
    if scenario == "scarf":
        return replace(traits, scarf=True)
    if "backlit" in scenario and traits.style == "bald":
        return replace(traits, style="long")
    return traits


def _places(rng: np.random.Generator, height: int, width: int, scenario: str, crowd: int) -> list[Frame]:
    if scenario == "tiny":
        head = height * rng.uniform(0.045, 0.075)
        place = (width * rng.uniform(0.25, 0.75), height * rng.uniform(0.2, 0.4))
        return [Frame(height, width, head, place, 0.0, 4)]
    frame = random_frame(rng, height, width)
    if crowd == 1:
        return [frame]
    head = min(height * rng.uniform(0.16, 0.26), width / (crowd + 0.6))
    gap = head * rng.uniform(1.1, 1.7)
    frames = []
    for k in rng.permutation(crowd):
        x = width / 2 + (k - (crowd - 1) / 2) * gap
        y = height * 0.28 + head * rng.normal(0.3, 0.25)
        frames.append(replace(frame, head=head * rng.uniform(0.9, 1.1), centre=(x, y), roll=float(rng.normal(0, 0.08))))
    return frames


def _sun(rng: np.random.Generator, scene: Picture, frame: Frame, light: Light) -> Picture:
    """The light source behind the head."""
    height, width = scene.shape[:2]
    y, x = np.mgrid[:height, :width]
    shift = frame.head * rng.normal(0, 0.4, 2)
    distance = ((x - frame.centre[0] - shift[0]) ** 2 + (y - frame.centre[1] - shift[1]) ** 2) / frame.head**2
    glow = np.exp(-distance / rng.uniform(0.6, 3))[..., None] * light.rim * rng.uniform(0.5, 1.0)
    return np.asarray(np.clip(cv2.GaussianBlur(scene, (0, 0), height * 0.01) + glow, 0, 1), np.float32)


def _tags(scenario: str, traits: list[Traits], persons: Sequence[Plane], layers: Sequence[Layer]) -> frozenset[str]:
    tags = {scenario} & {"backlit", "side_backlit", "motion_blur", "low_resolution", "tiny"}
    tags |= {"glasses"} if any(who.glasses and np.cos(who.yaw) > 0.1 for who in traits) else set()
    tags |= {"hat"} if any(who.hat for who in traits) else set()
    tags |= {"scarf"} if any(who.scarf for who in traits) else set()
    tags |= {"group"} if len(traits) > 1 else set()
    hidden = sum(float(layer[..., 3].sum() - seen.sum()) for layer, seen in zip(layers, persons, strict=True))
    return frozenset(tags | ({"overlap"} if hidden > 0.01 * sum(float(p.sum()) for p in persons) else set()))
