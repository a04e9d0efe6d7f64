"""Head, face, neck."""

from dataclasses import replace

import cv2
import numpy as np

from matting.synthetic.layers import (
    SUBPIXEL_BITS,
    Frame,
    Layer,
    Plane,
    Points,
    fill,
    over,
    smooth_loop,
    smooth_path,
    tube,
)
from matting.synthetic.textures import Light, noise, shade
from matting.synthetic.traits import Traits

FRONTAL = [
    (0.0, -0.5), (0.2, -0.47), (0.33, -0.34), (0.385, -0.12), (0.375, 0.08), (0.34, 0.25), (0.25, 0.40), (0.12, 0.485),
    (0.0, 0.5),
]  # fmt: skip
PROFILE = [
    (0.0, -0.5), (0.22, -0.45), (0.36, -0.3), (0.395, -0.1), (0.385, -0.01), (0.44, 0.07), (0.495, 0.14),
    (0.41, 0.185), (0.435, 0.245), (0.405, 0.275), (0.425, 0.31), (0.385, 0.37), (0.40, 0.44), (0.31, 0.5),
    (0.14, 0.41), (0.0, 0.3), (-0.2, 0.28), (-0.38, 0.15), (-0.46, -0.08), (-0.42, -0.3), (-0.25, -0.45),
]  # fmt: skip
BROW, EYE = 0.42, 0.42  # angle between a brow or an eye and the middle of the face, radians


def outline(yaw: float) -> Points:
    """Return the outline of the head ``(96, 2)`` seen from ``yaw``: a blend of the frontal and the profile outline."""
    frontal = smooth_loop([*FRONTAL, *[(-x, y) for x, y in FRONTAL[-2:0:-1]]])
    profile = smooth_loop(PROFILE)
    # The power keeps small turns nearly frontal. From behind, nose and chin are hidden: the frontal outline serves.
    side = abs(np.sin(yaw)) ** 2.5 if np.cos(yaw) > -0.2 else 0.0
    blend = (1 - side) * frontal + side * profile
    return np.asarray(blend * np.array([-1.0 if np.sin(yaw) < 0 else 1.0, 1.0]), np.float64)


def on_face(yaw: float, angle: float, y: float) -> tuple[float, float, float]:
    """Locate a feature at ``angle`` from the middle of the face: x, y, foreshortening (negative if hidden)."""
    return 0.36 * float(np.sin(yaw + angle)), y, float(np.cos(yaw + angle))


def render_neck(frame: Frame, traits: Traits, light: Light) -> Layer:
    """Render neck and upper chest."""
    lean = 0.08 * float(np.sin(traits.yaw))
    neck = tube([(lean, 0.2), (0.0, 0.55), (0.0, 0.95)], [0.19, 0.185, 0.33])
    return shade(fill(frame, neck), traits.skin * 0.86, light, 0.5)


def render_head(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer:
    """Render the head with ears and, unless it is turned away, a face."""
    part, box = frame.window(outline(traits.yaw) * 1.2)  # a fraction of a person's pixels
    layer = np.zeros((frame.height, frame.width, 4), np.float32)
    layer[box] = _head(rng, part, traits, light)
    return layer


def _head(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer:
    seen = bool(np.cos(traits.yaw) > 0.1)
    blotches = 0.9 + 0.2 * noise(rng, frame.height, frame.width, frame.head * 0.4, 6)[..., None]
    skin = np.asarray(traits.skin * blotches, np.float32)
    if seen:
        skin *= _relief(frame, traits, light)[..., None] ** np.array(
            [0.75, 1.0, 1.15], np.float32
        )  # shaded skin is redder
    layer = shade(fill(frame, outline(traits.yaw)), skin, light)
    ears = [_ear(traits.yaw, side) for side in (-1, 1) if np.cos(traits.yaw + side * np.pi / 2) > -0.35]
    if ears:
        layer = over(layer, shade(fill(frame, *ears), traits.skin * 0.9, light))
    return over(_face(frame, traits, light) * np.float32(0.9) * layer[..., 3:], layer) if seen else layer


HOLLOWS = (
    (0.42, -0.06, 0.12, 0.06, -0.42), (0.62, 0.16, 0.09, 0.16, -0.2), (0.95, -0.1, 0.1, 0.28, -0.25),
    (0.0, 0.185, 0.075, 0.03, -0.4), (0.0, 0.365, 0.09, 0.025, -0.25), (0.3, 0.2, 0.03, 0.08, -0.12),
    (0.0, -0.25, 0.2, 0.1, 0.12), (0.0, 0.06, 0.025, 0.12, 0.25), (0.45, 0.08, 0.09, 0.06, 0.18),
    (0.0, 0.43, 0.08, 0.05, 0.1),
)  # fmt: skip
"""Angle from the middle, y, half-axes and light of hollows and ridges: sockets, cheeks, temples, nose, chin."""


def _relief(frame: Frame, traits: Traits, light: Light) -> Plane:
    """Return the gain of light by the relief of the face at each pixel; 1 where it is flat."""
    # Blurred below, so finer sampling would not be seen.
    coarse = replace(frame, supersample=1)
    gain = np.zeros((frame.height, frame.width), np.float32)
    for angle, y, wide, tall, strength in HOLLOWS:
        for side in (-1, 1) if angle else (1,):
            x, _, facing = on_face(traits.yaw, side * angle, y)
            if facing > 0.1:
                _add(gain, coarse, _ellipse(x, y, wide * (0.3 + 0.7 * facing), tall), strength)
    lee = float(np.clip(-np.sign(light.direction[0]), -1, 1))  # the nose throws its shadow away from the light
    x, y, _ = on_face(traits.yaw, lee * 0.2, 0.1)
    _add(gain, coarse, _ellipse(x, y, 0.05, 0.13), -0.45 * min(abs(float(light.direction[0])) * 1.5, 1))
    soft = cv2.GaussianBlur(gain, (0, 0), max(frame.head * 0.03, 0.5))
    return np.asarray(np.clip(1 + (0.6 + 0.6 * float(light.key.mean())) * soft, 0.3, 1.15), np.float32)


def _add(gain: Plane, frame: Frame, polygon: Points, strength: float) -> None:
    mask = np.zeros(gain.shape, np.uint8)
    cv2.fillPoly(mask, [frame.fixed_point(polygon)], 255.0, cv2.LINE_AA, SUBPIXEL_BITS)
    gain += mask * np.float32(strength / 255)


def _ear(yaw: float, side: int) -> Points:
    x, y, facing = on_face(yaw, side * np.pi / 2, 0.03)
    size = np.array([0.05 + 0.04 * max(facing, 0), 0.105])
    turn = np.linspace(0, 2 * np.pi, 24)
    return np.asarray(np.array([x * 1.06, y]) + size * np.column_stack([np.cos(turn), np.sin(turn)]), np.float64)


def _face(frame: Frame, traits: Traits, light: Light) -> Layer:
    canvas = frame.blank()
    for side in (-1, 1):
        _eye(canvas, frame, traits, side)
    _nose(canvas, frame, traits)
    _mouth(canvas, frame, traits)
    # Features of skin have no hard edges.
    layer = frame.shrink(cv2.GaussianBlur(canvas, (0, 0), max(frame.head * frame.supersample * 0.006, 0.3)))
    layer[..., :3] *= np.clip(light.ambient + 0.6 * light.key, 0, 1).astype(np.float32)
    return layer


def _paint(canvas: np.typing.NDArray[np.uint8], frame: Frame, polygon: Points, colour: Points) -> None:
    value = (*(np.clip(colour, 0, 1) * 255).tolist(), 255.0)
    cv2.fillPoly(canvas, [frame.fixed_point(polygon)], value, cv2.LINE_AA, SUBPIXEL_BITS)


def _ellipse(x: float, y: float, rx: float, ry: float) -> Points:
    turn = np.linspace(0, 2 * np.pi, 28)
    return np.column_stack([x + rx * np.cos(turn), y + ry * np.sin(turn)])


def _eye(canvas: np.typing.NDArray[np.uint8], frame: Frame, traits: Traits, side: int) -> None:
    x, y, facing = on_face(traits.yaw, side * EYE, -0.02)
    if facing < 0.15:
        return
    wide = 0.075 * facing
    white = 0.45 * traits.skin + 0.4 * np.array([0.93, 0.91, 0.9])
    _paint(canvas, frame, _ellipse(x, y, wide, 0.024), white)
    _paint(canvas, frame, _ellipse(x, y, 0.028 * facing, 0.028), traits.hair * 0.5 + np.array([0.12, 0.1, 0.08]))
    _paint(canvas, frame, _ellipse(x, y, 0.013 * facing, 0.013), np.array([0.03, 0.03, 0.03]))
    lid = smooth_path([(x - wide, y + 0.005), (x, y - 0.034), (x + wide, y)], 12)
    _paint(canvas, frame, tube(lid, [0.006, 0.012, 0.006]), traits.skin * 0.25)
    bx, by, turned = on_face(traits.yaw, side * BROW, -0.115)
    brow = [(bx - 0.09 * turned, by + 0.015), (bx, by - 0.015), (bx + 0.09 * turned, by + 0.015)]
    _paint(canvas, frame, tube(brow, [0.008, 0.016, 0.008]), traits.hair * 0.7 + traits.skin * 0.12)


def _nose(canvas: np.typing.NDArray[np.uint8], frame: Frame, traits: Traits) -> None:
    x, y, _ = on_face(traits.yaw, 0.0, 0.14)
    shift = 0.07 * float(np.sin(traits.yaw))
    for side in (-1, 1):
        _paint(canvas, frame, _ellipse(x + shift + side * 0.03, y + 0.02, 0.014, 0.008), traits.skin * 0.5)


def _mouth(canvas: np.typing.NDArray[np.uint8], frame: Frame, traits: Traits) -> None:
    x, y, facing = on_face(traits.yaw, 0.0, 0.285)
    x += 0.03 * float(np.sin(traits.yaw))
    half = 0.1 * max(facing, 0.3)
    smile = 0.03 * (traits.lips - 0.3)
    lips = traits.skin * np.array([0.88, 0.66, 0.64]) + 0.1 * max(traits.lips - 0.5, 0) * np.array([1.0, 0.0, 0.1])
    upper = [(x - half, y - smile), (x - half / 3, y - 0.02), (x, y - 0.012), (x + half / 3, y - 0.02)]
    lower = [(x + half, y - smile), (x + half / 2, y + 0.03), (x, y + 0.04), (x - half / 2, y + 0.03)]
    _paint(canvas, frame, smooth_loop([*upper, *lower], 40), lips)
    line = [(x - half, y - smile), (x, y + 0.006), (x + half, y - smile)]
    _paint(canvas, frame, tube(line, [0.004, 0.006, 0.004]), traits.skin * 0.35)
