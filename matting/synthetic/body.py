"""Torso, arms, hands, legs and what they wear or hold."""

import numpy as np

from matting.synthetic.camera import motion_blur
from matting.synthetic.garments import draw_details
from matting.synthetic.layers import Colours, Frame, Layer, Plane, Points, extent, fill, over, padded, smooth_loop, tube
from matting.synthetic.strands import Strands, render, shades, tufts
from matting.synthetic.textures import Light, cloth, natural_colour, shade
from matting.synthetic.traits import Traits

ARM_ANGLES = {
    "down": (8, 4),
    "hip": (48, -62),
    "raised": (140, -105),
    "held": (10, -135),
    "wide": (85, 95),
    "up": (155, 170),
}
"""Upper arm and forearm of the right arm in degrees from straight down, outwards positive."""
LEG_ANGLES = {
    "stand": ((4, 2), (4, 2)),
    "stride": ((18, -12), (-10, -25)),
    "seated": ((75, 5), (60, -15)),
    "jump": ((35, -40), (50, -10)),
}
"""Thigh and shin of both legs, likewise; a seated figure turns both to the same side."""
UPPER_ARM, FOREARM, THIGH, SHIN = 1.15, 1.0, 1.75, 1.75


def _along(start: Points, length: float, degrees: float) -> Points:
    angle = np.deg2rad(degrees)
    return np.asarray(start + length * np.array([np.sin(angle), np.cos(angle)]), np.float64)


def weave_top(rng: np.random.Generator, frame: Frame, traits: Traits) -> Colours:
    """The cloth of torso and sleeves."""
    return cloth(rng, frame.height, frame.width, traits.top, max(frame.head * rng.uniform(0.04, 0.15), 1.5))


def draw_body(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, wear: Colours) -> Layer:
    """Legs, torso with its clothes and the arms that hang beside it."""
    torso = fill(frame, _torso(traits))
    layer = shade(torso, wear, light)
    layer = over(draw_details(rng, frame, traits, light, wear) * torso[..., None], layer)
    for side, pose in zip((-1, 1), traits.arms, strict=True):
        if pose != "held":
            layer = over(_arm(rng, frame, traits, light, wear, side, pose, torso), layer)
    layer = over(layer, _legs(rng, frame, traits, light))
    layer = over(_neckline(frame, traits, light, wear), layer)
    return over(_tie(frame, traits, light), layer) if traits.tie else layer


def draw_front_arms(
    rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, wear: Colours
) -> Layer | None:
    """Arms that hold something before the chest, and the thing."""
    sides = [side for side, pose in zip((-1, 1), traits.arms, strict=True) if pose == "held"]
    if not sides:
        return None
    torso = fill(frame, _torso(traits))
    layer = _arm(rng, frame, traits, light, wear, sides[0], "held", torso)
    for side in sides[1:]:
        layer = over(_arm(rng, frame, traits, light, wear, side, "held", torso), layer)
    return over(layer, _thing(rng, frame, traits, light, sides[0]))


def draw_scarf(rng: np.random.Generator, frame: Frame, light: Light) -> Layer:
    """A knitted scarf around the neck with fuzz along its edge."""
    colour = natural_colour(rng, 0.08, 0.95, 0.3)
    wool = cloth(rng, frame.height, frame.width, colour, max(frame.head * 0.05, 1.5))
    wrap = smooth_loop([(-0.36, 0.5), (0.0, 0.62), (0.36, 0.5), (0.46, 0.7), (0.3, 0.95), (-0.25, 0.98), (-0.46, 0.72)])
    side = rng.choice([-1.0, 1.0])
    end = tube(np.array([(0.2, 0.85), (0.27, 1.4), (0.24, 1.4 + rng.uniform(0.2, 0.8))]) * [side, 1], [0.1, 0.15, 0.16])
    layer = over(shade(fill(frame, wrap), wool, light), shade(fill(frame, end), wool, light))
    rim = np.concatenate([wrap, end])
    roots = np.repeat(rim, max(int(frame.head / 12), 3), axis=0) + rng.normal(0, 0.012, (1, 2))
    roots = roots + rng.normal(0, 0.02, roots.shape)
    turn = rng.uniform(0, 2 * np.pi, len(roots))
    fuzz = tufts(rng, roots, np.column_stack([np.cos(turn), np.sin(turn)]), rng.uniform(0.03, 0.07))
    lit = light.ambient + 0.6 * light.key
    return over(render(frame, Strands(fuzz, shades(rng, len(fuzz), colour * lit), 0.0025)) * np.float32(0.7), layer)


def _shoulder(traits: Traits) -> float:
    """Half-width of the shoulders as the camera sees them."""
    return float(traits.shoulders * (0.45 + 0.55 * abs(np.cos(traits.twist))))


def _torso(traits: Traits) -> Points:
    w = _shoulder(traits)
    flare, hem = (1.3, 4.4) if traits.dress and traits.stance == "stand" else (0.85, 3.35)
    right = [(0.2, 0.58), (0.5 * w, 0.7), (0.9 * w, 0.88), (w, 1.15), (0.86 * w, 1.6), (0.74 * w, 2.3)]
    right += [(flare * w * 0.95, hem - 0.4), (flare * w, hem)]
    return smooth_loop([*right, *[(-x, y) for x, y in reversed(right)]], 128)


def _legs(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer:
    turn = rng.choice([-1, 1])
    spread = 0.32 * _shoulder(traits) + 0.05
    parts, shoes = [], []
    for side, angles in zip((-1, 1), LEG_ANGLES[traits.stance], strict=True):
        way = turn if traits.stance == "seated" else side
        thigh, shin = (way * (angle + rng.normal(0, 7)) for angle in angles)
        hip = np.array([side * spread, 3.1])
        knee = _along(hip, THIGH * rng.uniform(0.7, 1.0), thigh)
        ankle = _along(knee, SHIN * rng.uniform(0.85, 1.0), shin)
        parts += [tube([hip, knee], [0.37, 0.25]), tube([knee, ankle], [0.25, 0.14])]
        shoes.append(tube([ankle, _along(ankle, 0.3, shin + way * rng.uniform(20, 80))], [0.15, 0.1]))
    colour = traits.skin if traits.dress else traits.bottom
    weave = cloth(rng, frame.height, frame.width, colour, max(frame.head * 0.08, 1.5), plain=True)
    return over(
        shade(fill(frame, *shoes), natural_colour(rng, 0.03, 0.9), light), shade(fill(frame, *parts), weave, light)
    )


def _arm(
    rng: np.random.Generator,
    frame: Frame,
    traits: Traits,
    light: Light,
    wear: Colours,
    side: int,
    pose: str,
    torso: Plane,
) -> Layer:
    upper, lower = (side * (angle + rng.normal(0, 12)) for angle in ARM_ANGLES[pose])
    shoulder = np.array([side * 0.78 * _shoulder(traits), 1.06])
    elbow = _along(shoulder, UPPER_ARM * rng.uniform(0.8, 1.05), upper)
    hand = _along(elbow, FOREARM * rng.uniform(0.85, 1.05), lower)
    forearm = tube([elbow, hand], [0.15, 0.09])
    skin = shade(
        fill(frame, forearm, tube([shoulder, elbow], [0.19, 0.14]), *_hand(rng, hand, hand - elbow)), traits.skin, light
    )
    cover = shoulder + (elbow - shoulder) * min(traits.sleeves * 2, 1.0)
    sleeve = [tube([shoulder, cover], [0.2, 0.17])]
    if traits.sleeves > 0.5:
        sleeve.append(tube([elbow, hand + (elbow - hand) * 0.12], [0.18, 0.13]))
    arm = over(shade(fill(frame, *sleeve), wear, light, body=torso), skin)
    return _swung(rng, arm, frame.head) if pose in ("raised", "wide", "up") and rng.random() < 0.2 else arm


def _swung(rng: np.random.Generator, arm: Layer, head: float) -> Layer:
    """An arm in motion before a camera that stands still: its edges are as transparent as they were quick."""
    length = head * rng.uniform(0.08, 0.35)
    box = padded(extent(arm[..., 3]), int(length) + 1, arm.shape)
    moved = np.zeros_like(arm)
    moved[box] = motion_blur(arm[box], max(length, 1.0), rng.uniform(0, np.pi))
    return moved


def _hand(rng: np.random.Generator, wrist: Points, along: Points) -> list[Points]:
    ahead = along / (np.linalg.norm(along) + 1e-9)
    across = ahead[::-1] * np.array([1.0, -1.0])
    palm = tube([wrist, wrist + ahead * 0.2], [0.09, 0.11])
    spread = rng.uniform(0.02, 0.09)
    fingers = []
    for k in range(4):
        base = wrist + ahead * 0.22 + across * (k - 1.5) * 0.05
        fingers.append(
            tube([base, base + ahead * rng.uniform(0.16, 0.22) + across * (k - 1.5) * spread], [0.028, 0.02])
        )
    thumb = tube([wrist + across * 0.08, wrist + ahead * 0.16 + across * 0.17], [0.035, 0.025])
    return [palm, thumb, *fingers]


def _thing(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, side: int) -> Layer:
    sizes = {"cell phone": (0.13, 0.26), "bottle": (0.1, 0.42), "book": (0.3, 0.4), "cup": (0.14, 0.18)}
    half, tall = sizes.get(traits.held or "", (0.06, 0.3))
    x, y = 0.42 * side, 1.35
    colour = natural_colour(rng, vivid=0.3)
    corners = [(x - half, y - tall), (x + half, y - tall), (x + half, y + tall), (x - half, y + tall)]
    polygons = [np.array(corners)]
    if traits.held == "bottle":
        polygons.append(tube([(x, y - tall), (x, y - tall - 0.2)], [0.09, 0.035]))
    return shade(fill(frame, *polygons), colour, light, 0.4)


def _neckline(frame: Frame, traits: Traits, light: Light, wear: Colours) -> Layer:
    depth = {"round": 0.92, "vee": 1.3, "high": 0.6, "collar": 1.05}[traits.neckline]
    if traits.neckline == "high":
        return shade(fill(frame, tube([(0, 0.5), (0, 0.85)], [0.22, 0.34])), wear, light)
    opening = [(-0.24, 0.54), (0.24, 0.54), (0.12, depth - 0.1), (0, depth), (-0.12, depth - 0.1)]
    skin = shade(fill(frame, smooth_loop(opening)), traits.skin * 0.92, light, 0.1)
    if traits.neckline != "collar":
        return skin
    flap = np.array([(0.24, 0.55), (0.36, 0.72), (0.2, 1.0), (0.02, 1.05), (0.12, 0.85)])
    return over(shade(fill(frame, flap, flap * [-1, 1]), np.clip(traits.top * 1.15, 0, 1), light, 0.3), skin)


def _tie(frame: Frame, traits: Traits, light: Light) -> Layer:
    blade = np.array([(-0.07, 0.9), (0.07, 0.9), (0.06, 1.0), (0.13, 2.1), (0.0, 2.3), (-0.13, 2.1), (-0.06, 1.0)])
    return shade(fill(frame, blade), np.clip(traits.bottom[::-1] + 0.1, 0, 1), light)
