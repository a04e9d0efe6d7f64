"""Glasses and veils."""

import cv2
import numpy as np

from matting.synthetic.head import EYE, on_face
from matting.synthetic.layers import SUBPIXEL_BITS, Frame, Layer, Points, extent, fill, over, smooth_loop, tinted
from matting.synthetic.textures import Light, noise
from matting.synthetic.traits import Traits


def render_glasses(rng: np.random.Generator, frame: Frame, traits: Traits) -> Layer:
    """Render frame, lenses and reflections; where a lens reaches beyond the face it stays translucent."""
    rims = [rim for side in (-1, 1) if (rim := _rim(traits, side)) is not None]
    sun = traits.glasses == "sun"
    tint = rng.uniform(0.02, 0.25, 3) if sun else np.array([0.85, 0.9, 0.95])
    layer = tinted(fill(frame, *rims) * np.float32(rng.uniform(0.7, 0.95) if sun else rng.uniform(0.05, 0.2)), tint)
    if rng.random() < 0.6:
        layer = over(_reflection(rng, frame, rims), layer)
    canvas = frame.blank()
    metal = (*(rng.uniform(0.02, 0.6) * rng.uniform(0.6, 1.0, 3) * 255).tolist(), 255.0)
    width = max(int(rng.uniform(0.008, 0.026) * frame.head * frame.supersample), 1)
    for rim in rims:
        cv2.polylines(canvas, [frame.fixed_point(rim)], True, metal, width, cv2.LINE_AA, SUBPIXEL_BITS)
    if len(rims) == 2:
        bridge = np.array([(rims[0][:, 0].max(), -0.04), (rims[1][:, 0].min(), -0.04)])
        cv2.polylines(canvas, [frame.fixed_point(bridge)], False, metal, width, cv2.LINE_AA, SUBPIXEL_BITS)
    for temple in _temples(traits, rims):
        cv2.polylines(canvas, [frame.fixed_point(temple)], False, metal, width, cv2.LINE_AA, SUBPIXEL_BITS)
    return over(frame.shrink(canvas), layer)


def _rim(traits: Traits, side: int) -> Points | None:
    x, y, facing = on_face(traits.yaw, side * EYE, 0.0)
    # Seen nearly edge-on, or on the far side of the head.
    if facing < 0.2:
        return None
    wide, tall = 0.135 * facing, {"round": 0.11, "square": 0.085}.get(traits.glasses or "", 0.105)
    power = {"round": 1.0, "square": 0.45}.get(traits.glasses or "", 0.7)
    turn = np.linspace(0, 2 * np.pi, 40)
    c, s = np.cos(turn), np.sin(turn)
    # A superellipse: powers below 1 make it squarer.
    return np.column_stack([x + wide * np.sign(c) * np.abs(c) ** power, y + tall * np.sign(s) * np.abs(s) ** power])


def _temples(traits: Traits, rims: list[Points]) -> list[Points]:
    """Return the visible arms of the frame, from the outer end of a lens to the ear."""
    ends = [(rims[0], -1, rims[0][:, 0].argmin()), (rims[-1], 1, rims[-1][:, 0].argmax())]
    ears = [(rim[index], on_face(traits.yaw, side * np.pi / 2, -0.03)) for rim, side, index in ends]
    return [np.array([start, (ear[0], ear[1])]) for start, ear in ears if ear[2] > -0.2]


def _reflection(rng: np.random.Generator, frame: Frame, rims: list[Points]) -> Layer:
    """Render a window mirrored in the lenses: it covers hardly anything, so its alpha stays small off the face."""
    lenses = fill(frame, *rims)
    slant = rng.uniform(-0.1, 0.1)
    bars = [
        np.array([(x, -0.2), (x + 0.05, -0.2), (x + 0.05 + slant, 0.2), (x + slant, 0.2)])
        for x in rng.uniform(-0.35, 0.3, 3)
    ]
    return tinted(lenses * fill(frame, *bars) * np.float32(rng.uniform(0.1, 0.35)), (1.0, 1.0, 1.0))


def render_veil(rng: np.random.Generator, frame: Frame, light: Light) -> Layer:
    """Render a thin cloth over head and shoulders: translucent everywhere, denser in its folds and along its hem."""
    low, wide = rng.uniform(0.9, 2.2), rng.uniform(0.75, 1.15)
    right = [(0.3, -0.58), (0.5, -0.3), (0.55, 0.3), (wide, low - 0.3), (wide * 0.9, low)]
    outline = smooth_loop([(0, -0.64), *right, *[(-x, y) for x, y in reversed(right)]])
    sheet = fill(frame, outline)
    folds = noise(rng, frame.height, frame.width, frame.head * 0.5, 3)
    hem = np.zeros_like(sheet)
    box = extent(sheet)
    inner = cv2.GaussianBlur(sheet[box], (0, 0), max(frame.head * 0.02, 0.5))
    hem[box] = sheet[box] * np.clip(1 - inner, 0, 1)
    density = sheet * np.clip(0.4 + 0.35 * (folds - 0.35) + 0.5 * hem, 0.2, 0.8)
    lit = np.clip(light.ambient + 0.5 * light.key, 0, 1)
    return tinted(np.asarray(density, np.float32), np.clip(rng.uniform(0.6, 1.0) * lit + rng.normal(0, 0.04, 3), 0, 1))
