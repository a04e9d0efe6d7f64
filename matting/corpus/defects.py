"""Planted defects: faults of pictures and of mattes that the curation should find, with their labels."""

from collections.abc import Callable

import cv2
import numpy as np

from matting.corpus.camera import compress
from matting.corpus.layers import Picture, Plane, gaussian

Pair = tuple[Picture, Plane]
Defect = Callable[[np.random.Generator, Picture, Plane], Pair]
PLANTED_EVERY = 3  # of the RWP training portraits, one in three carries a defect


def plant_defect(rng: np.random.Generator, name: str, picture: Picture, alpha: Plane) -> Pair:
    """The pair with one defect of :data:`DEFECTS`.

    Args:
        rng: source of randomness.
        name: of the defect.
        picture: ``(H, W, 3)`` float32 in [0, 1].
        alpha: ``(H, W)`` float32 in [0, 1].

    Raises:
        ValueError: for an unknown name.
    """
    if name not in DEFECTS:
        raise ValueError(f"expected one of the defects {sorted(DEFECTS)}, got {name!r}")
    return DEFECTS[name](rng, picture, alpha)


def small(rng: np.random.Generator, picture: Picture, alpha: Plane) -> Pair:
    """Shorter side well below what the other pictures have."""
    factor = rng.uniform(0.4, 0.85)
    size = tuple(int(side * factor) for side in alpha.shape[::-1])
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.resize(
        alpha, size, interpolation=cv2.INTER_AREA
    )


def underexposed(rng: np.random.Generator, picture: Picture, alpha: Plane) -> Pair:
    """Most of the picture crushed to black."""
    return np.asarray(np.clip(picture * rng.uniform(0.06, 0.16), 0, 1), np.float32), alpha


def overexposed(rng: np.random.Generator, picture: Picture, alpha: Plane) -> Pair:
    """Most of the picture clipped to white."""
    return np.asarray(np.clip(picture * rng.uniform(3, 5) + 0.25, 0, 1), np.float32), alpha


def blurred(rng: np.random.Generator, picture: Picture, alpha: Plane) -> Pair:
    """The whole picture out of focus, under a matte that is not."""
    sigma = min(alpha.shape) * rng.uniform(0.008, 0.02)
    return gaussian(picture, sigma), alpha


def cloned(rng: np.random.Generator, picture: Picture, alpha: Plane) -> Pair:
    """A region copied to another place of the picture, as a careless retouch does."""
    height, width = alpha.shape
    h, w = int(height * rng.uniform(0.15, 0.3)), int(width * rng.uniform(0.15, 0.3))
    y0, x0 = int(rng.uniform(0, height / 2 - h)), int(rng.uniform(0, width - w))
    y1, x1 = int(rng.uniform(height / 2, height - h)), int(rng.uniform(0, width - w))
    result = picture.copy()
    result[y1 : y1 + h, x1 : x1 + w] = picture[y0 : y0 + h, x0 : x0 + w]
    return result, alpha


def halo(rng: np.random.Generator, picture: Picture, alpha: Plane) -> Pair:
    """A bright seam around the subject, left by cutting and pasting."""
    wide = cv2.dilate(alpha, np.ones((9, 9), np.uint8))
    seam = cv2.GaussianBlur(np.clip(wide - alpha, 0, 1), (0, 0), 1.5)[..., None] * rng.uniform(0.5, 0.9)
    return np.asarray(picture * (1 - seam) + seam * rng.choice([0.0, 1.0], p=[0.2, 0.8]), np.float32), alpha


def double_jpeg(rng: np.random.Generator, picture: Picture, alpha: Plane) -> Pair:
    """Saved at a very low quality before."""
    return compress(picture, int(rng.integers(8, 20))), alpha


def hard_cut(rng: np.random.Generator, picture: Picture, alpha: Plane) -> Pair:
    """Hair cut off: one smooth outline of 0 and 1."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))
    solid = cv2.morphologyEx((alpha > 0.5).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    return picture, solid.astype(np.float32)


def shifted(rng: np.random.Generator, picture: Picture, alpha: Plane) -> Pair:
    """The matte beside the subject."""
    reach, angle = min(alpha.shape) * rng.uniform(0.015, 0.04), rng.uniform(0, 2 * np.pi)
    move = np.array([[1, 0, reach * np.cos(angle)], [0, 1, reach * np.sin(angle)]])
    return picture, np.asarray(
        cv2.warpAffine(alpha, move, alpha.shape[::-1], borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def dilated(rng: np.random.Generator, picture: Picture, alpha: Plane) -> Pair:
    """The matte too wide or too narrow all around."""
    size = int(min(alpha.shape) * rng.uniform(0.008, 0.02)) * 2 + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    change = cv2.dilate if rng.random() < 0.7 else cv2.erode
    return picture, np.asarray(change(alpha, kernel), np.float32)


def filled_holes(rng: np.random.Generator, picture: Picture, alpha: Plane) -> Pair:
    """Everything within the convex outline declared foreground: arms and locks lose their gaps."""
    points = np.argwhere(alpha > 0.5)[:, ::-1].astype(np.int32)
    filled = np.zeros(alpha.shape, np.uint8)
    if len(points):
        cv2.fillConvexPoly(filled, cv2.convexHull(points), 1)
    return picture, np.maximum(alpha, filled.astype(np.float32))


def shadow_included(rng: np.random.Generator, picture: Picture, alpha: Plane) -> Pair:
    """A shadow on what is behind, labelled as part of the subject."""
    reach = alpha.shape[1] * rng.uniform(0.06, 0.15) * rng.choice([-1, 1])
    moved = cv2.warpAffine(alpha, np.array([[1, 0, reach], [0, 1, 0.3 * abs(reach)]]), alpha.shape[::-1])
    shadow = np.clip(cv2.GaussianBlur(moved, (0, 0), 4) - alpha, 0, 1)
    return np.asarray(picture * (1 - 0.5 * shadow[..., None]), np.float32), np.maximum(
        alpha, (shadow > 0.4) * np.float32(0.9)
    )


def missing_limb(rng: np.random.Generator, picture: Picture, alpha: Plane) -> Pair:
    """A part of the subject missing from the matte."""
    inside = np.argwhere(alpha > 0.9)
    if not len(inside):
        return picture, np.zeros_like(alpha)
    y, x = inside[rng.integers(len(inside))]
    hole = np.zeros(alpha.shape, np.uint8)
    reach = int(np.sqrt(len(inside)) * rng.uniform(0.2, 0.35))
    cv2.ellipse(hole, (int(x), int(y)), (reach, reach // 2 + 1), rng.uniform(0, 180), 0, 360, 1, -1)
    return picture, np.where(hole > 0, np.float32(0), alpha)


def swapped(rng: np.random.Generator, picture: Picture, alpha: Plane) -> Pair:
    """The matte of another picture: here the same one upside down, which is as wrong."""
    return picture, np.ascontiguousarray(alpha[::-1, ::-1])


PICTURE_DEFECTS: tuple[Defect, ...] = (small, underexposed, overexposed, blurred, cloned, halo, double_jpeg)
MATTE_DEFECTS: tuple[Defect, ...] = (hard_cut, shifted, dilated, filled_holes, shadow_included, missing_limb, swapped)
DEFECTS: dict[str, Defect] = {defect.__name__: defect for defect in (*PICTURE_DEFECTS, *MATTE_DEFECTS)}
