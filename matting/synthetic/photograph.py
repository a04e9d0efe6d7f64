"""Rendered photos: people in front of a scene, through a camera, with the visible alpha of every person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from matting.synthetic.camera import expose, lens_blur, motion_blur
from matting.synthetic.distractors import add_distractors
from matting.synthetic.layers import Colours, Frame, Layer, Plane, over
from matting.synthetic.mood import camouflage, cast_shadow, dapple, harmonise, scenario_light, sun_behind
from matting.synthetic.person import random_frame, render_person
from matting.synthetic.props import hidden, render_support, render_table
from matting.synthetic.scenes import PHOTO_SHARE, photo_scene, random_scene
from matting.synthetic.traits import Traits, random_hat, random_traits

HARD = {"backlit", "overlap", "tiny"}
MEDIUM = {"motion_blur", "low_resolution", "side_backlit", "group"}


@dataclass(frozen=True)
class Photograph:
    """A rendered image and its ground truth.

    Attributes:
        image: ``(H, W, 3)`` float32 sRGB.
        alpha: ``(H, W)`` float32 in [0, 1], of all people together.
        bare: ``(H, W)`` float32, alpha without hair, beards and fur.
        persons: ``(H, W)`` visible alpha of each person; they add up to ``alpha``.
        traits: Traits of each person.
        tags: Attribute tags, by the names of the manifest.
    """

    image: Colours
    alpha: Plane
    bare: Plane
    persons: tuple[Plane, ...]
    traits: tuple[Traits, ...]
    tags: frozenset[str]

    @property
    def difficulty(self) -> str:
        """``clear``, ``medium`` or ``hard``, the levels of the curriculum."""
        return "hard" if self.tags & HARD else "medium" if self.tags & MEDIUM else "clear"


def photograph(
    rng: np.random.Generator, height: int, width: int, scenario: str = "plain", photos: Sequence[Path] = ()
) -> Photograph:
    """Render one image.

    Args:
        rng: Random generator.
        height: Pixels.
        width: Pixels.
        scenario: One of :data:`matting.synthetic.plan.SCENARIOS`.
        photos: Photos without people, from which half of the scenes are cut.
    """
    light = scenario_light(rng, scenario)
    crowd = int(rng.integers(2, 6)) if scenario == "group" else 1
    scene = _scene(rng, height, width, photos)
    traits = [_clad(rng, choose_traits(rng, scenario), scene) for _ in range(crowd)]
    if scenario != "backlit" and rng.random() < 0.12:
        scene = camouflage(rng, scene, traits[-1])
    frames = choose_frames(rng, height, width, scenario, crowd)
    people = [render_person(rng, frame, who, light) for frame, who in zip(frames, traits, strict=True)]
    layers, bare = [person.layer for person in people], [person.bare for person in people]
    if scenario == "motion_blur":
        length, angle = height * rng.uniform(0.015, 0.045), rng.uniform(0, np.pi)
        layers, bare = ([motion_blur(one, length, angle) for one in planes] for planes in (layers, bare))
    sharpness = rng.uniform(0.25, 0.7)
    for frame, who in zip(frames, traits, strict=True):
        scene = _before(render_support(rng, frame, who, light), scene, sharpness)
    if scenario != "tiny" and rng.random() < 0.1:
        table = render_table(rng, frames[-1], light)
        layers, bare = ([hidden(one, table[..., 3]) for one in planes] for planes in (layers, bare))
        scene = _before(table, scene, sharpness)
    everyone, persons = _overlay([lens_blur(layer, sharpness) for layer in layers])
    hairless = 1 - np.prod([1 - lens_blur(one, sharpness) for one in bare], axis=0)
    if "backlit" in scenario:
        scene = sun_behind(rng, scene, frames[-1], light)
    everyone = harmonise(everyone, scene, 0.5 if "backlit" in scenario else rng.uniform(0.0, 0.3))
    if rng.random() < 0.25:
        scene = cast_shadow(rng, scene, everyone[..., 3], frames[-1].head)
    if "backlit" not in scenario and rng.random() < 0.07:  # a flash lights the person and little of the scene
        scene = scene * np.float32(rng.uniform(0.15, 0.6))
    image = everyone[..., :3] + scene * (1 - everyone[..., 3:])
    if "backlit" not in scenario and rng.random() < 0.27:
        image = image * dapple(rng, height, width)
    dim = rng.uniform(0.25, 0.5) if scenario == "plain" and rng.random() < 0.15 else 1.0
    developed = expose(rng, image * np.float32(dim), coarse=scenario == "low_resolution")
    tags = _tags(scenario, traits, persons, layers)
    return Photograph(developed, everyone[..., 3], hairless, persons, tuple(traits), tags)


def _scene(rng: np.random.Generator, height: int, width: int, photos: Sequence[Path]) -> Colours:
    if photos and rng.random() < PHOTO_SHARE:
        return add_distractors(rng, photo_scene(rng, height, width, photos))
    return add_distractors(rng, random_scene(rng, height, width))


def _clad(rng: np.random.Generator, who: Traits, scene: Colours) -> Traits:
    """Sometimes give clothes colours of the scene, so that colour does not separate the two."""
    if rng.random() > 0.25:
        return who
    rows, columns = (rng.integers(side, size=2) for side in scene.shape[:2])
    top, bottom = (np.clip(scene[y, x] * rng.uniform(0.7, 1.2), 0.02, 0.98) for y, x in zip(rows, columns, strict=True))
    return replace(who, top=top.astype(np.float64), bottom=bottom.astype(np.float64))


def _before(layer: Layer | None, scene: Colours, sharpness: float) -> Colours:
    """Composite a layer as sharp as the person over the scene."""
    if layer is None:
        return scene
    blurred = lens_blur(layer, sharpness)
    return np.asarray(blurred[..., :3] + scene * (1 - blurred[..., 3:]), np.float32)


def _overlay(layers: Sequence[Layer]) -> tuple[Layer, tuple[Plane, ...]]:
    """Composite people, given from back to front; return one layer and the visible alpha of each."""
    result, persons = layers[0], [layers[0][..., 3]]
    for layer in layers[1:]:
        persons = [*(person * (1 - layer[..., 3]) for person in persons), layer[..., 3]]
        result = over(layer, result)
    return result, tuple(persons)


def choose_traits(rng: np.random.Generator, scenario: str) -> Traits:
    """Sample a person who has the trait of the scenario."""
    traits = random_traits(rng)
    if scenario == "glasses":
        seen = float(np.clip(rng.normal(0, 0.5), -1.1, 1.1))
        kind = traits.glasses or str(rng.choice(["round", "square", "aviator"]))
        return replace(traits, glasses=kind, yaw=seen, hat=None)
    if scenario == "hat":
        return replace(traits, hat=traits.hat or random_hat(rng))
    if scenario == "scarf":
        return replace(traits, scarf=True)
    if "backlit" in scenario and traits.style == "bald":
        return replace(traits, style="long")
    return traits


def choose_frames(rng: np.random.Generator, height: int, width: int, scenario: str, crowd: int) -> list[Frame]:
    """Sample the positions of the people of a scenario, from back to front."""
    if scenario == "tiny":
        head = height * rng.uniform(0.03, 0.055)
        place = (width * rng.uniform(0.2, 0.8), height * rng.uniform(0.2, 0.5))
        return [Frame(height, width, head, place, 0.0, 4)]
    frame = random_frame(rng, height, width)
    if scenario in ("backlit", "glasses"):  # the trait must be large enough to be visible
        head = height * rng.uniform(0.2, 0.5)
        return [replace(frame, head=head, centre=(frame.centre[0], head * rng.uniform(0.65, 1.0)))]
    return [frame] if crowd == 1 else _row(rng, frame, crowd)


def _row(rng: np.random.Generator, frame: Frame, crowd: int) -> list[Frame]:
    """Place people side by side, close enough to overlap, from back to front."""
    head = min(frame.height * rng.uniform(0.12, 0.26), frame.width / (crowd + 0.6))
    gap = head * rng.uniform(1.0, 1.7)
    frames = []
    for k in rng.permutation(crowd):
        x = frame.width / 2 + (k - (crowd - 1) / 2) * gap
        y = frame.height * rng.uniform(0.18, 0.3) + head * rng.normal(0.3, 0.25)
        size, lean = head * rng.uniform(0.9, 1.1), float(rng.normal(0, 0.1))
        frames.append(replace(frame, head=size, centre=(x, y), roll=lean))
    return frames


def _tags(scenario: str, traits: list[Traits], persons: Sequence[Plane], layers: Sequence[Layer]) -> frozenset[str]:
    tags = {scenario} & {"backlit", "side_backlit", "motion_blur", "low_resolution", "tiny"}
    tags |= {"glasses"} if any(who.glasses and np.cos(who.yaw) > 0.1 for who in traits) else set()
    tags |= {"hat"} if any(who.hat for who in traits) else set()
    tags |= {"scarf"} if any(who.scarf for who in traits) else set()
    tags |= {"group"} if len(traits) > 1 else set()
    hidden = sum(float(layer[..., 3].sum() - seen.sum()) for layer, seen in zip(layers, persons, strict=True))
    return frozenset(tags | ({"overlap"} if hidden > 0.01 * sum(float(p.sum()) for p in persons) else set()))
