"""Hair styles: where strands start and in which direction they grow."""

import numpy as np
from numpy.typing import NDArray

from matting.synthetic.head import outline
from matting.synthetic.layers import Frame, Layer, Plane, Points, fill, over, tinted
from matting.synthetic.strands import Strands, blown, curl, render, shades, tufts, wander
from matting.synthetic.textures import Light, shade
from matting.synthetic.traits import Traits

SCALP = np.array([0.40, 0.44])  # half-axes of the skull's ellipse
SCALP_CENTRE = np.array([0.0, -0.07])
STRAND = 0.0032  # width of a strand, head heights: one rendered strand is a bundle that a camera resolves


def render_hair_behind(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer | None:
    """Render the hair behind neck and shoulders, or return None if the style has none."""
    if traits.style == "long":
        mass = _drape(rng, 150, traits, (0.55, 1.08))
        fine = _drape(rng, _count(frame, 1100), traits, (0.6, 1.16))
        return _paint(rng, frame, traits, light, mass, fine)
    if traits.style == "afro" and not _turned_away(traits):
        return _afro(rng, frame, traits, light)
    if traits.style in ("ponytail", "bun"):
        return _tail(rng, frame, traits, light)
    return None


def render_hair(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer | None:
    """Render cap, fringe and locks in front of the head, and the fly-away strands around it."""
    if traits.style == "bald":
        return None
    if traits.style == "afro" and _turned_away(traits):
        return _afro(rng, frame, traits, light)
    layer = tinted(_cap(frame, traits), traits.hair * _brightness(light) * 0.75)
    if traits.style == "long":
        nearest = 0.05 if _turned_away(traits) else 0.66
        fine = _drape(rng, _count(frame, 900), traits, (nearest, 1.12), traits.hair_length * 0.9)
    elif traits.style in ("ponytail", "bun"):
        fine = _combed_back(rng, _count(frame, 900), traits)
    else:
        fine = _cropped(rng, _count(frame, 2200), traits)
    layer = over(_paint(rng, frame, traits, light, None, fine), layer)
    # After the mass, thinner and paler: a single strand is not a bundle.
    stray = _flyaways(rng, _count(frame, int(130 * traits.flyaway)), traits)
    return over(_strokes(rng, frame, traits, light, stray, STRAND * 0.6) * np.float32(0.8), layer)


def render_beard(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer:
    """Render short fibres on jaw, chin and upper lip."""
    count = _count(frame, 1200)
    side = rng.uniform(-1, 1, count)
    y = 0.2 + 0.29 * np.sqrt(rng.random(count)) * (1 - 0.35 * side**2)
    x = side * 0.33 * (1 - 0.35 * np.clip((y - 0.2) / 0.3, 0, 1)) + 0.06 * np.sin(traits.yaw)
    keep = (np.abs(x - 0.1 * np.sin(traits.yaw)) > 0.12) | (y > 0.34) | (np.abs(y - 0.225) < 0.02)
    roots = np.column_stack([x, y])[keep]
    down = np.column_stack([side[keep] * 0.5, np.ones(keep.sum())])
    paths = tufts(rng, roots, down / np.linalg.norm(down, axis=1, keepdims=True), 0.05)
    return _strokes(rng, frame, traits, light, paths, STRAND)


def _count(frame: Frame, count: int) -> int:
    """Return the number of strands to render: on a small head hundreds fall into one pixel."""
    return max(int(count * np.clip(frame.head / 200, 0.25, 1.6)), 1)


def _brightness(light: Light) -> NDArray[np.float64]:
    return np.asarray(np.clip(light.ambient + 0.55 * light.key, 0.15, 1.3))


def _strokes(
    rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, paths: Points, width: float
) -> Layer:
    colour = traits.hair * _brightness(light)
    colours = shades(rng, len(paths), colour, sheen=0.2)
    offset = (paths.mean(axis=1) - SCALP_CENTRE) @ light.direction[:2]
    return render(frame, Strands(paths, colours * (1 + 0.35 * np.clip(offset, -1, 1))[:, None], width))


def _paint(
    rng: np.random.Generator, frame: Frame, traits: Traits, light: Light, mass: Points | None, fine: Points
) -> Layer:
    """Render thin strands over an opaque mass of thick dark ones."""
    top = _strokes(rng, frame, traits, light, fine, STRAND)
    if mass is None:
        return top
    colours = shades(rng, len(mass), traits.hair * _brightness(light) * 0.7, 0.08, 0)
    return over(top, render(frame, Strands(mass, colours, 0.05)))


def _turned_away(traits: Traits) -> bool:
    return bool(np.cos(traits.yaw) < 0.1)


def _cap(frame: Frame, traits: Traits) -> Plane:
    """Return the coverage of the part of the head that hair hides."""
    face = 0.3 * np.sin(traits.yaw)
    skull = outline(traits.yaw) * 1.02
    if _turned_away(traits):
        return fill(frame, skull[skull[:, 1] < 0.45])
    x = np.linspace(0.42, -0.42, 33)
    y = -0.3 + 1.9 * (np.abs(x - face)) ** 2.2 + 0.2 * np.clip((x - face) * -np.sign(face), 0, 1) * abs(face)
    hairline = np.column_stack([x, np.minimum(y, 0.05)])
    top = skull[skull[:, 1] < 0.02]
    return fill(frame, np.concatenate([top[np.argsort(top[:, 0])], hairline]))


def _drape(
    rng: np.random.Generator,
    count: int,
    traits: Traits,
    radii: tuple[float, float],
    length: float | None = None,
) -> Points:
    """Sample strands that follow the skull from the parting to one side and then fall."""
    drop = (traits.hair_length if length is None else length) * rng.uniform(0.75, 1.1, count)
    side = np.where(rng.random(count) < 0.5 + 0.6 * traits.part, -1.0, 1.0)
    radius = rng.uniform(*radii, count)
    start = traits.part + side * rng.exponential(0.12, count)
    stop = side * rng.normal(1.75, 0.12, count)
    t = np.linspace(0, 1, 20)[None, :]
    # The first half of a strand follows the skull, the second falls; they overlap, so that there is no kink.
    turn = start[:, None] + (stop - start)[:, None] * np.minimum(t / 0.5, 1)
    x = radius[:, None] * SCALP[0] * np.sin(turn)
    y = -radius[:, None] * SCALP[1] * np.cos(turn)
    fall = np.clip((t - 0.45) / 0.55, 0, 1)
    spread = side * rng.normal(0.1, 0.12, count) * np.sqrt(np.maximum(drop, 0))
    x = x + spread[:, None] * fall
    y = y + drop[:, None] * fall
    paths = np.stack([x, y], axis=2) + SCALP_CENTRE + np.array([0.0, -0.02])
    return blown(rng, wander(rng, curl(rng, paths, *traits.wave), 0.03 + 0.02 * traits.flyaway), traits.wind)


def _scalp_points(rng: np.random.Generator, count: int, traits: Traits) -> tuple[Points, Points]:
    """Sample roots on the visible scalp, with the outward direction at each."""
    turn = rng.uniform(-1.9, 1.9, count)
    # The root makes the density uniform over the area, not along the radius.
    radius = np.sqrt(rng.uniform(0.05, 1.0, count))
    unit = np.column_stack([np.sin(turn), -np.cos(turn)])
    roots = unit * radius[:, None] * SCALP
    line = -0.24 + 1.9 * np.abs(roots[:, 0] - 0.3 * np.sin(traits.yaw)) ** 2.2
    keep = (roots[:, 1] < line) | _turned_away(traits)
    return roots[keep] + SCALP_CENTRE, unit[keep]


def _cropped(rng: np.random.Generator, count: int, traits: Traits) -> Points:
    roots, outward = _scalp_points(rng, count, traits)
    length = 0.04 + 0.1 * min(traits.hair_length, 2.0) * (1 if traits.style == "short" else 1.4)
    comb = np.array([np.sign(traits.part) * 0.7, -0.3])
    direction = outward * (1.0 + rng.random((len(outward), 1))) + comb
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return curl(rng, tufts(rng, roots, direction, length), traits.wave[0] * 0.6, traits.wave[1] / 2)


def _combed_back(rng: np.random.Generator, count: int, traits: Traits) -> Points:
    turn = rng.uniform(-1.75, 1.75, count)
    radius = rng.uniform(0.75, 1.03, count)
    t = np.linspace(0, 1, 10)[None, :, None]
    roots = np.column_stack([np.sin(turn), -np.cos(turn)]) * radius[:, None] * SCALP + SCALP_CENTRE
    # The knot is at the back of the head, opposite to the face.
    knot = np.array([-0.28 * np.sin(traits.yaw), -0.44])
    bulge = 0.1 * np.sin(np.pi * t) * (roots - SCALP_CENTRE)[:, None]
    return wander(rng, roots[:, None] * (1 - t) + knot * t + bulge, 0.02 * (1 + traits.flyaway))


def _tail(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer:
    side = -np.sign(np.sin(traits.yaw)) if abs(np.sin(traits.yaw)) > 0.15 else np.sign(traits.part)
    if traits.style == "bun":
        centre = np.array([side * 0.25 * abs(np.sin(traits.yaw)), -0.52])
        ball = shade(fill(frame, outline(0.0) * 0.5 + centre), traits.hair * 0.8, light)
        turn = rng.uniform(0, 2 * np.pi, _count(frame, 500))
        unit = np.column_stack([np.cos(turn), np.sin(turn)])
        paths = tufts(rng, centre + unit * 0.19, unit[:, ::-1] * np.array([-1, 1]), 0.14)
        return over(_strokes(rng, frame, traits, light, paths, STRAND), ball)
    guides = np.array([(0.15, -0.42), (0.42, -0.45), (0.6, 0.0), (0.58, 0.3 + traits.hair_length * 0.6)])

    def lock(count: int, spread: float) -> Points:
        t = np.linspace(0, 1, 14)[None, :, None]
        shape = np.stack([np.interp(t[0, :, 0], np.linspace(0, 1, 4), guides[:, k]) for k in (0, 1)], axis=1)
        offset = rng.normal(0, spread, (count, 1, 2)) * np.sqrt(t) * np.array([1.0, 0.6])
        paths = wander(rng, curl(rng, shape[None] * np.array([side, 1.0]) + offset, *traits.wave), 0.04)
        return blown(rng, paths, traits.wind)

    return _paint(rng, frame, traits, light, lock(60, 0.05), lock(_count(frame, 700), 0.09))


def _afro(rng: np.random.Generator, frame: Frame, traits: Traits, light: Light) -> Layer:
    reach = 0.12 + 0.16 * min(traits.hair_length, 2.5)
    turn = rng.uniform(-2.6, 2.6, _count(frame, 2600))
    unit = np.column_stack([np.sin(turn), -np.cos(turn)])
    roots = (
        unit * np.sqrt(rng.uniform(0.0 if _turned_away(traits) else 0.5, 1, len(turn)))[:, None] * (SCALP + reach * 0.7)
        + SCALP_CENTRE
    )
    paths = curl(rng, tufts(rng, roots, unit, reach * 0.5, gravity=0, samples=14), 0.02, 3.0)
    angle = np.linspace(-2.6, 2.6, 40)
    rim = np.column_stack([np.sin(angle), -np.cos(angle)]) * (SCALP + reach * 0.8) + SCALP_CENTRE
    mass = tinted(fill(frame, rim), traits.hair * _brightness(light) * 0.6)
    return over(_strokes(rng, frame, traits, light, paths, STRAND), mass)


def _flyaways(rng: np.random.Generator, count: int, traits: Traits) -> Points:
    """Sample single stray strands around the whole silhouette."""
    if traits.style == "long":
        return wander(rng, _drape(rng, count, traits, (1.0, 1.2)), 0.12)
    # Twice as many, because those on the face are dropped.
    roots, outward = _scalp_points(rng, count * 2, traits)
    reach = 0.16 + (0.1 * min(traits.hair_length, 2.0) if traits.style == "afro" else 0.0)
    return blown(rng, wander(rng, tufts(rng, roots, outward, reach, samples=12), 0.06), traits.wind)
