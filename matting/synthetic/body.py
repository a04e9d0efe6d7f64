"""Torso, arms, hands, legs and what they wear or hold."""

from typing import NamedTuple

import numpy as np

from matting.synthetic.brush import blend
from matting.synthetic.camera import motion_blur
from matting.synthetic.fabrics import cloth
from matting.synthetic.garments import render_details, render_wrap
from matting.synthetic.held import render_thing
from matting.synthetic.layers import Colours, Frame, Layer, Plane, Points, extent, fill, over, padded, smooth_loop, tube
from matting.synthetic.strands import Strands, render, shades, tufts
from matting.synthetic.textures import Light, natural_colour, shade
from matting.synthetic.traits import Traits, cloth_colour

FRONT = ("held", "face", "temple", "crossed", "lap")
"""Poses of an arm in front of chest, face or legs."""
ARMS = {
    "down": ((0.16, 1.14), (0.23, 2.14)),
    "hip": ((0.85, 0.77), (-0.03, 1.24)),
    "raised": ((0.74, -0.88), (-0.23, -1.14)),
    "held": ((0.2, 1.13), (-0.51, 0.42)),
    "wide": ((1.15, 0.1), (2.14, 0.19)),
    "up": ((0.49, -1.04), (0.66, -2.03)),
    "face": ((0.3, 0.85), (-0.45, -0.6)),
    "temple": ((0.95, 0.05), (-0.28, -1.05)),
    "crossed": ((0.24, 0.95), (-1.0, 0.7)),
    "lap": ((0.2, 1.1), (-0.4, 1.95)),
    "point": ((0.75, 0.5), (1.6, 0.1)),
    "lean": ((0.75, 0.75), (1.5, 1.2)),
}
"""Elbow and hand of the right arm, from the shoulder, as the camera sees them."""
LEG_ANGLES = {
    "stand": ((4, 2), (4, 2)),
    "stride": ((18, -12), (-10, -25)),
    "seated": ((75, 5), (60, -15)),
    "front": ((28, -4), (22, 2)),
    "crossed": ((72, -8), (88, 38)),
    "knees": ((128, -18), (112, 0)),
    "ground": ((86, 80), (104, 62)),
    "jump": ((35, -40), (50, -10)),
}
"""Thigh and shin of both legs in degrees from straight down, outwards positive; sitting sideways turns both alike."""
SEATED = ("seated", "front", "crossed", "knees", "ground")
THIGH, SHIN = 1.75, 1.75


class Wear(NamedTuple):
    """The cloths ``(H, W, 3)`` of the top."""

    torso: Colours
    sleeves: Colours


def _along(start: Points, length: float, degrees: float) -> Points:
    angle = np.deg2rad(degrees)
    return np.asarray(start + length * np.array([np.sin(angle), np.cos(angle)]), np.float64)


def weave_top(rng: np.random.Generator, frame: Frame, traits: Traits) -> Wear:
    """Weave the cloth of torso and sleeves: one cloth, a top of two cloths, or sleeves of another cloth."""

    def weave(colour: Points, plain: bool) -> Colours:
        scale = max(frame.head * rng.uniform(0.04, 0.15), 1.5)
        return cloth(rng, frame.height, frame.width, colour, scale, kind="plain" if plain else None)

    torso = weave(traits.top, traits.outfit in ("suit", "vest") and bool(rng.random() < 0.6))
    sleeves = weave(cloth_colour(rng, 0.3), False) if traits.outfit == "vest" or rng.random() < 0.06 else torso
    if traits.outfit not in ("suit", "vest") and rng.random() < 0.22:
        part = fill(frame, _block(rng))
        both = blend(part, torso, weave(cloth_colour(rng, 0.3), bool(rng.random() < 0.5)))
        sleeves, torso = (both if sleeves is torso and rng.random() < 0.7 else sleeves), both
    return Wear(torso, sleeves)


def _block(rng: np.random.Generator) -> Points:
    """Return the part of a top that has its second cloth: below a line, to one side, a band, or down the middle."""
    kind, at = rng.integers(4), rng.uniform(0.9, 2.4)
    left, top, right, low = (
        (-4.0, at, 4.0, 9.0),
        (rng.normal(0, 0.15), -3.0, 4.0, 9.0),
        (-4.0, at, 4.0, at + rng.uniform(0.15, 0.7)),
        (-rng.uniform(0.1, 0.4), -3.0, rng.uniform(0.1, 0.4), 9.0),
    )[kind]
    slant = rng.normal(0, 0.15)
    return np.array([(left, top - slant), (right, top + slant), (right, low + slant), (left, low - slant)])


def render_body(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, wear: Wear) -> Layer:
    """Render legs, torso with its clothes and the arms at its sides."""
    torso = fill(frame, _torso(traits))
    layer = shade(torso, wear.torso, light)
    layer = over(render_details(rng, frame, traits, light, wear.torso) * torso[..., None], layer)
    for side, pose in zip((-1, 1), traits.arms, strict=True):
        # Arms in front come later, over head and hair: see `render_front_arms`.
        if pose not in FRONT:
            layer = over(_arm(rng, frame, traits, light, wear.sleeves, side, pose, torso), layer)
    legs = render_legs(rng, frame, traits, light)
    layer = over(legs, layer) if traits.stance in SEATED and rng.random() < 0.7 else over(layer, legs)
    layer = over(_neckline(frame, traits, light, wear.torso), layer)
    layer = over(_tie(frame, traits, light), layer) if traits.tie else layer
    return over(render_wrap(rng, frame, traits, light, wear.torso), layer) if traits.outfit == "poncho" else layer


def render_front_arms(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, wear: Wear) -> Layer | None:
    """Render arms in front of chest, face or legs, and what they hold."""
    poses = [(side, pose) for side, pose in zip((-1, 1), traits.arms, strict=True) if pose in FRONT]
    if not poses:
        return None
    torso = fill(frame, _torso(traits))
    layer = np.zeros((frame.height, frame.width, 4), np.float32)
    for side, pose in poses:
        layer = over(_arm(rng, frame, traits, light, wear.sleeves, side, pose, torso), layer)
    holding = [side for side, pose in poses if pose == "held"]
    return over(layer, render_thing(rng, frame, traits, light, holding[0])) if holding else layer


def render_scarf(rng: np.random.Generator, frame: Frame, light: Light) -> Layer:
    """Render a knitted scarf around the neck with fuzz along its edge."""
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
    """Return the half-width of the shoulders as the camera sees them."""
    return float(traits.shoulders * (0.45 + 0.55 * abs(np.cos(traits.twist))))


def _torso(traits: Traits) -> Points:
    w, g = _shoulder(traits), traits.girth
    flare, hem = (1.3, 4.4) if traits.dress and traits.stance == "stand" else (0.85 * g, traits.hem)
    # Hips are at 3.1: a longer top would hang over the thighs of a person who sits.
    hem = min(hem, 3.35) if traits.stance in SEATED else hem
    right = [(0.2, 0.58), (0.5 * w, 0.7), (0.9 * w, 0.88), (w, 1.15), (0.86 * w * g, 1.6), (0.74 * w * g, 2.3)]
    right += [(flare * w * 0.95, hem - 0.4), (flare * w, hem)]
    left = np.array(right) * [-1, 1] + traits.drape[::-1]
    return smooth_loop(np.concatenate([np.array(right) + traits.drape, left[::-1]]), 128)


def render_legs(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer:
    """Render legs in trousers, shorts, a skirt or bare, and shoes."""
    turn = rng.choice([-1, 1])
    spread, loose = 0.32 * _shoulder(traits) + 0.05, 0.5 + 0.5 * traits.fit
    bare, covered, shoes = list[Points](), list[Points](), list[Points]()
    shorts, ahead = rng.random() < 0.15, traits.stance == "front"  # thighs that point at the camera look short
    for side, angles in zip((-1, 1), LEG_ANGLES[traits.stance], strict=True):
        way = turn if traits.stance in SEATED and not ahead else side
        thigh, shin = (way * (angle + rng.normal(0, 8)) for angle in angles)
        hip = np.array([side * spread, 3.1])
        knee = _along(hip, THIGH * rng.uniform(0.7, 1.0) * (0.45 if ahead else 1), thigh)
        ankle = _along(knee, SHIN * rng.uniform(0.85, 1.0), shin)
        bare += [tube([hip, knee], [0.33, 0.22]), tube([knee, ankle], [0.22, 0.12])]
        covered.append(tube([hip, knee], [0.37 * traits.girth**0.5, 0.25 * loose]))
        covered += [] if shorts else [tube([knee, ankle], [0.25 * loose, 0.14 * loose**2])]
        shoes.append(tube([ankle, _along(ankle, 0.3, shin + way * rng.uniform(20, 80))], [0.15, 0.1]))
    layer = shade(fill(frame, *shoes), natural_colour(rng, 0.03, 0.9), light)
    if traits.dress or shorts:
        layer = over(shade(fill(frame, *bare), traits.skin, light), layer)
    if traits.dress and traits.stance not in SEATED:
        return layer
    patterned = rng.random() < 0.35
    scale = max(frame.head * rng.uniform(0.05, 0.12), 1.5)
    weave = cloth(rng, frame.height, frame.width, traits.bottom, scale, kind=None if patterned else "plain")
    return over(shade(fill(frame, *covered), weave, light), layer)


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
    shoulder = np.array([side * 0.78 * _shoulder(traits), 1.06])
    elbow, hand = (shoulder + (np.array(end) + rng.normal(0, 0.14, 2)) * [side, 1] for end in ARMS[pose])
    forearm = tube([elbow, hand], [0.15, 0.09])
    skin = shade(
        fill(frame, forearm, tube([shoulder, elbow], [0.19, 0.14]), *_hand(rng, hand, hand - elbow)), traits.skin, light
    )
    cover = shoulder + (elbow - shoulder) * min(traits.sleeves * 2, 1.0)
    loose = 0.5 + 0.5 * traits.fit
    sleeve = [tube([shoulder, cover], [0.2, 0.17 * loose])]
    if traits.sleeves > 0.5:
        sleeve.append(tube([elbow, hand + (elbow - hand) * rng.uniform(0.02, 0.2)], [0.18 * loose, 0.13 * loose]))
    arm = over(shade(fill(frame, *sleeve), wear, light, body=torso), skin)
    return _swung(rng, arm, frame.head) if pose in ("raised", "wide", "up") and rng.random() < 0.2 else arm


def _swung(rng: np.random.Generator, arm: Layer, head: float) -> Layer:
    """Blur an arm that moved during the exposure: the faster an edge, the more transparent it is."""
    length = head * rng.uniform(0.08, 0.35)
    # Room for the blur, which would be cut off at the arm's own box.
    box = padded(extent(arm[..., 3]), int(length) + 1, arm.shape)
    moved = np.zeros_like(arm)
    moved[box] = motion_blur(arm[box], max(length, 1.0), rng.uniform(0, np.pi))
    return moved


def _hand(rng: np.random.Generator, wrist: Points, along: Points) -> list[Points]:
    ahead = along / (np.linalg.norm(along) + 1e-9)
    # A quarter turn.
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
