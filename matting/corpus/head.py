"""Head, face, neck."""

import cv2
import numpy as np

from matting.corpus.layers import SUBPIXEL_BITS, Frame, Layer, Points, fill, over, smooth_loop, smooth_path, tube
from matting.corpus.textures import Light, noise, shade
from matting.corpus.traits import Traits

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
    """Outline of the head ``(96, 2)`` seen from ``yaw``: a blend of the frontal and the profile drawing."""
    frontal = smooth_loop([*FRONTAL, *[(-x, y) for x, y in FRONTAL[-2:0:-1]]])
    profile = smooth_loop(PROFILE)
    side = abs(np.sin(yaw)) ** 2.5 if np.cos(yaw) > -0.2 else 0.0
    blend = (1 - side) * frontal + side * profile
    return np.asarray(blend * np.array([-1.0 if np.sin(yaw) < 0 else 1.0, 1.0]), np.float64)


def on_face(yaw: float, angle: float, y: float) -> tuple[float, float, float]:
    """Where a feature at ``angle`` from the middle of the face lies: x, y, foreshortening (negative: out of sight)."""
    return 0.36 * float(np.sin(yaw + angle)), y, float(np.cos(yaw + angle))


def draw_neck(frame: Frame, traits: Traits, light: Light) -> Layer:
    """Neck and upper chest."""
    lean = 0.08 * float(np.sin(traits.yaw))
    neck = tube([(lean, 0.2), (0.0, 0.55), (0.0, 0.95)], [0.19, 0.185, 0.33])
    return shade(fill(frame, neck), traits.skin * 0.86, light)


def draw_head(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer:
    """Head with ears and, unless it is turned away, a face."""
    blotches = 0.94 + 0.12 * noise(rng, frame.height, frame.width, frame.head * 0.4, 5)[..., None]
    skin = (traits.skin * blotches).astype(np.float32)
    layer = shade(fill(frame, outline(traits.yaw)), skin, light)
    ears = [_ear(traits.yaw, side) for side in (-1, 1) if np.cos(traits.yaw + side * np.pi / 2) > -0.35]
    if ears:
        layer = over(layer, shade(fill(frame, *ears), traits.skin * 0.93, light))
    if np.cos(traits.yaw) > 0.1:
        layer = over(_face(frame, traits) * np.float32(0.92) * layer[..., 3:], layer)
    return layer


def _ear(yaw: float, side: int) -> Points:
    x, y, facing = on_face(yaw, side * np.pi / 2, 0.03)
    size = np.array([0.05 + 0.04 * max(facing, 0), 0.105])
    turn = np.linspace(0, 2 * np.pi, 24)
    return np.asarray(np.array([x * 1.06, y]) + size * np.column_stack([np.cos(turn), np.sin(turn)]), np.float64)


def _face(frame: Frame, traits: Traits) -> Layer:
    canvas = frame.blank()
    for side in (-1, 1):
        _eye(canvas, frame, traits, side)
    _nose(canvas, frame, traits)
    _mouth(canvas, frame, traits)
    blur = max(frame.head * frame.supersample * 0.004, 0.3)
    return frame.shrink(cv2.GaussianBlur(canvas, (0, 0), blur))


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
    _paint(canvas, frame, _ellipse(x, y, wide * 1.5, 0.06), traits.skin * 0.85)
    _paint(canvas, frame, _ellipse(x, y, wide, 0.028), np.array([0.93, 0.91, 0.9]))
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
    _paint(canvas, frame, tube([(x, -0.05), (x + shift, y)], [0.01, 0.022]), np.clip(traits.skin * 1.08, 0, 1))
    for side in (-1, 1):
        _paint(canvas, frame, _ellipse(x + shift + side * 0.03, y + 0.02, 0.014, 0.008), traits.skin * 0.5)


def _mouth(canvas: np.typing.NDArray[np.uint8], frame: Frame, traits: Traits) -> None:
    x, y, facing = on_face(traits.yaw, 0.0, 0.285)
    x += 0.03 * float(np.sin(traits.yaw))
    half = 0.11 * max(facing, 0.3)
    smile = 0.03 * (traits.lips - 0.3)
    lips = traits.skin * np.array([0.85, 0.55, 0.55]) + 0.12 * traits.lips * np.array([1.0, 0.0, 0.1])
    upper = [(x - half, y - smile), (x - half / 3, y - 0.02), (x, y - 0.012), (x + half / 3, y - 0.02)]
    lower = [(x + half, y - smile), (x + half / 2, y + 0.03), (x, y + 0.04), (x - half / 2, y + 0.03)]
    _paint(canvas, frame, smooth_loop([*upper, *lower], 40), lips)
    line = [(x - half, y - smile), (x, y + 0.006), (x + half, y - smile)]
    _paint(canvas, frame, tube(line, [0.004, 0.006, 0.004]), traits.skin * 0.35)
