"""Planted defects: faults of images and of mattes that curation should find, with their labels."""

from collections.abc import Callable

import cv2
import numpy as np

from matting.synthetic.camera import compress
from matting.synthetic.layers import Colours, Plane, gaussian
from matting.synthetic.person import random_frame, render_person
from matting.synthetic.textures import random_light
from matting.synthetic.traits import random_traits

Pair = tuple[Colours, Plane]
Defect = Callable[[np.random.Generator, Colours, Plane, Plane], Pair]
PLANTED_EVERY = 3  # one in three RWP training portraits has a defect
VISIBLE = 0.25  # `worst_error` from which a person is expected to see a fault of the matte


def plant_defect(rng: np.random.Generator, name: str, image: Colours, alpha: Plane, bare: Plane) -> Pair | None:
    """Plant one of :data:`DEFECTS` in a pair; return None if it does not apply to this image.

    An invisible fault of the matte does not count: bald people have no hair to cut, and some images no gap to fill.
    The fault must have a `worst_error` of at least :data:`VISIBLE`.

    Args:
        rng: Random generator.
        name: Name of the defect.
        image: ``(H, W, 3)`` float32 in [0, 1].
        alpha: ``(H, W)`` float32 in [0, 1].
        bare: ``(H, W)`` float32 in [0, 1], what alpha would be without hair.

    Raises:
        ValueError: For an unknown name.
    """
    if name not in DEFECTS:
        raise ValueError(f"expected one of the defects {sorted(DEFECTS)}, got {name!r}")
    faulty, matte = DEFECTS[name](rng, image, alpha, bare)
    if DEFECTS[name] in MATTE_DEFECTS and worst_error(alpha, matte) < VISIBLE:
        return None
    return faulty, np.clip(matte, 0, 1)


def plant_defect_or_next(
    rng: np.random.Generator, name: str, image: Colours, alpha: Plane, bare: Plane
) -> tuple[str, Colours, Plane]:
    """Plant a defect, or the first after it in :data:`DEFECTS` that applies; return its name and the pair."""
    names = list(DEFECTS)
    for other in (*names[names.index(name) :], *names):
        if pair := plant_defect(rng, other, image, alpha, bare):
            return other, *pair
    raise AssertionError("image defects apply to any image")


def worst_error(truth: Plane, alpha: Plane) -> float:
    """Return the largest mean error of alpha over square windows: 15 pixels at a short side of 512."""
    window = max(round(15 / 512 * min(truth.shape)), 3) | 1
    return float(cv2.blur(cv2.absdiff(truth, alpha), (window, window)).max())


def small(rng: np.random.Generator, image: Colours, alpha: Plane, bare: Plane) -> Pair:
    """Shrink the pair well below the size of the other images."""
    factor = rng.uniform(0.4, 0.85)
    size = tuple(int(side * factor) for side in alpha.shape[::-1])
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)


def underexposed(rng: np.random.Generator, image: Colours, alpha: Plane, bare: Plane) -> Pair:
    """Crush most of the image to black."""
    return np.asarray(np.clip(image * rng.uniform(0.06, 0.16), 0, 1), np.float32), alpha


def overexposed(rng: np.random.Generator, image: Colours, alpha: Plane, bare: Plane) -> Pair:
    """Clip most of the image to white."""
    return np.asarray(np.clip(image * rng.uniform(3, 5) + 0.25, 0, 1), np.float32), alpha


def blurred(rng: np.random.Generator, image: Colours, alpha: Plane, bare: Plane) -> Pair:
    """Blur the whole image, but not the matte."""
    sigma = min(alpha.shape) * rng.uniform(0.008, 0.02)
    return gaussian(image, sigma), alpha


def cloned(rng: np.random.Generator, image: Colours, alpha: Plane, bare: Plane) -> Pair:
    """Copy a region to another place in the image, as in a careless retouch."""
    height, width = alpha.shape
    h, w = int(height * rng.uniform(0.15, 0.3)), int(width * rng.uniform(0.15, 0.3))
    best, clash = (0, 0, 0, 0), -1.0
    for _ in range(6):  # a wall copied onto itself is no defect: take the place that differs most
        y0, x0 = int(rng.uniform(0, height / 2 - h)), int(rng.uniform(0, width - w))
        y1, x1 = int(rng.uniform(height / 2, height - h)), int(rng.uniform(0, width - w))
        apart = float(np.abs(image[y0 : y0 + h, x0 : x0 + w] - image[y1 : y1 + h, x1 : x1 + w]).mean())
        best, clash = ((y0, x0, y1, x1), apart) if apart > clash else (best, clash)
    y0, x0, y1, x1 = best
    result = image.copy()
    result[y1 : y1 + h, x1 : x1 + w] = image[y0 : y0 + h, x0 : x0 + w]
    return result, alpha


def halo(rng: np.random.Generator, image: Colours, alpha: Plane, bare: Plane) -> Pair:
    """Add the seam of a cut and paste around the subject: bright on a dark background, dark on a bright one."""
    reach = max(round(min(alpha.shape) * rng.uniform(0.005, 0.012)), 1)
    wide = cv2.dilate(alpha, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    seam = cv2.GaussianBlur(np.clip(wide - alpha, 0, 1), (0, 0), max(reach / 3, 0.5))
    behind = float((image.mean(axis=2) * seam).sum() / max(float(seam.sum()), 1e-6))
    away = rng.uniform(0.35, 0.7) * (1 if behind < 0.5 else -1)
    colour = np.clip(behind + away + rng.normal(0, 0.04, 3), 0, 1).astype(np.float32)
    share = seam[..., None] * np.float32(rng.uniform(0.6, 0.95))
    return np.asarray(image * (1 - share) + share * colour, np.float32), alpha


def double_jpeg(rng: np.random.Generator, image: Colours, alpha: Plane, bare: Plane) -> Pair:
    """Compress the image once at a very low quality."""
    return compress(image, int(rng.integers(8, 20))), alpha


def hard_cut(rng: np.random.Generator, image: Colours, alpha: Plane, bare: Plane) -> Pair:
    """Cut hair, beards and fur off along one smooth outline; keep skin, clothes and motion blur."""
    side = max(min(alpha.shape) // 46, 3) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    solid = cv2.morphologyEx((alpha > 0.5).astype(np.float32), cv2.MORPH_OPEN, kernel)
    # Never below `bare`: skin and clothes keep their own edge.
    outline = np.maximum(cv2.GaussianBlur(solid, (0, 0), rng.uniform(0.5, 1.0)), bare)
    hair = gaussian(cv2.dilate((alpha - bare > 0.02).astype(np.float32), kernel), side / 2)
    return image, np.asarray(alpha + hair * (outline - alpha), np.float32)


def shifted(rng: np.random.Generator, image: Colours, alpha: Plane, bare: Plane) -> Pair:
    """Shift the matte off the subject."""
    reach, angle = min(alpha.shape) * rng.uniform(0.015, 0.04), rng.uniform(0, 2 * np.pi)
    move = np.array([[1, 0, reach * np.cos(angle)], [0, 1, reach * np.sin(angle)]])
    return image, np.asarray(
        cv2.warpAffine(alpha, move, alpha.shape[::-1], borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def dilated(rng: np.random.Generator, image: Colours, alpha: Plane, bare: Plane) -> Pair:
    """Dilate or erode the matte all around."""
    size = int(min(alpha.shape) * rng.uniform(0.008, 0.02)) * 2 + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    change = cv2.dilate if rng.random() < 0.7 else cv2.erode
    return image, np.asarray(change(alpha, kernel), np.float32)


def filled_holes(rng: np.random.Generator, image: Colours, alpha: Plane, bare: Plane) -> Pair:
    """Label the largest gaps between arms, legs and body as foreground."""
    solid = (alpha > 0.5).astype(np.uint8)
    gaps = np.zeros_like(solid)
    # The smallest closing that fills enough: a larger one would fill in more of the outline than gaps.
    for share in (0.06, 0.12, 0.2, 0.35, 0.6):
        side = int(min(alpha.shape) * share) | 1
        # Closing must not join the subject to the border of the image.
        edge = cv2.copyMakeBorder(solid, side, side, side, side, cv2.BORDER_CONSTANT)
        closed = cv2.morphologyEx(edge, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))[side:-side, side:-side]
        gaps = cv2.morphologyEx(closed & (1 - solid), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        if gaps.sum() > 0.03 * solid.sum():
            break
    count, labels, values, _ = cv2.connectedComponentsWithStats(gaps)
    largest = 1 + np.argsort(-values[1:, cv2.CC_STAT_AREA])[: int(rng.integers(1, 4))] if count > 1 else np.array([])
    filled = cv2.dilate(np.isin(labels, largest).astype(np.float32), np.ones((5, 5), np.uint8))
    return image, np.maximum(alpha, cv2.GaussianBlur(filled, (0, 0), rng.uniform(0.5, 1.2)))


def shadow_included(rng: np.random.Generator, image: Colours, alpha: Plane, bare: Plane) -> Pair:
    """Cast a shadow on the background and label it as part of the subject: mostly solid, sometimes translucent."""
    reach = alpha.shape[1] * rng.uniform(0.06, 0.18) * rng.choice([-1, 1])
    lean = rng.uniform(-0.3, 0.3)
    move = np.array([[1, lean, reach - lean * alpha.shape[0] / 2], [0, 1, rng.uniform(0.0, 0.4) * abs(reach)]])
    moved = cv2.warpAffine(alpha, move, alpha.shape[::-1])
    soft = gaussian(moved, min(alpha.shape) * rng.uniform(0.004, 0.02))
    shadow = np.clip(soft - alpha, 0, 1)
    dark = image * (1 - np.float32(rng.uniform(0.3, 0.65)) * shadow[..., None])
    opacity = np.float32(1.0 if rng.random() < 0.6 else rng.uniform(0.4, 0.95))
    label = opacity * np.clip((soft - rng.uniform(0.2, 0.5)) * rng.uniform(3, 10), 0, 1)
    return np.asarray(dark, np.float32), np.asarray(np.maximum(alpha, label), np.float32)


def missing_limb(rng: np.random.Generator, image: Colours, alpha: Plane, bare: Plane) -> Pair:
    """Erase a part that sticks out, or a piece of the outline, from the matte."""
    solid = (alpha > 0.9).astype(np.uint8)
    outline = np.argwhere(cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0)
    if not len(outline):
        return image, np.zeros_like(alpha)
    kept, reach = np.ones(alpha.shape, np.float32), np.sqrt(float(solid.sum())) * rng.uniform(0.25, 0.4)
    y, x = outline[rng.integers(len(outline))]
    axes = (int(reach) + 1, int(reach * rng.uniform(0.5, 1)) + 1)
    cv2.ellipse(kept, (int(x), int(y)), axes, rng.uniform(0, 180), 0, 360, 0.0, -1, cv2.LINE_AA)
    return image, np.asarray(alpha * cv2.GaussianBlur(kept, (0, 0), rng.uniform(0.5, 1.2)), np.float32)


def swapped(rng: np.random.Generator, image: Colours, alpha: Plane, bare: Plane) -> Pair:
    """Replace the matte by that of another person."""
    for _ in range(4):
        frame = random_frame(rng, alpha.shape[0], alpha.shape[1], 2)
        other = render_person(rng, frame, random_traits(rng), random_light(rng)).layer[..., 3]
        if np.abs(other - alpha).mean() > 0.5 * alpha.mean():
            break
    return image, np.ascontiguousarray(np.clip(other, 0, 1))


IMAGE_DEFECTS: tuple[Defect, ...] = (small, underexposed, overexposed, blurred, cloned, halo, double_jpeg)
MATTE_DEFECTS: tuple[Defect, ...] = (hard_cut, shifted, dilated, filled_holes, shadow_included, missing_limb, swapped)
DEFECTS: dict[str, Defect] = {defect.__name__: defect for defect in (*IMAGE_DEFECTS, *MATTE_DEFECTS)}
