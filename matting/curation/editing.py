"""Gate 1, traces of editing: an earlier JPEG of low quality, cloned regions, a seam along a cutout."""

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.curation.finding import Finding, along, along_outline
from matting.curation.pair import AnnotatedPair

GHOST_QUALITIES = tuple(range(4, 31, 2))
"""JPEG qualities tried as the earlier one; higher ones do no visible damage, and phones use them."""

_GHOST_SIDE = 384  # pixels of the part that is analysed
_CLONE_SIDE = 640  # of the image's short side when key points are compared
_NEAREST_CLONE = 30  # pixels at that size; closer patches are always similar
_COPIES = 3  # at most, per point; the same point is found at several scales
_SEAM = 6.0  # units of lightness by which a seam differs from both sides


def jpeg_ghost(pair: AnnotatedPair) -> Finding:
    """Return how far the error of recompression rises with JPEG quality, as log2; 0 if it only falls.

    An image that was once saved at a low quality changes least when it is saved at that quality again, and more at
    slightly higher ones (Farid, "Exposing digital forgeries from JPEG ghosts", TIFS 2009).
    """
    height, width = (side // 16 * 16 for side in pair.luma.shape)
    # On the grid of 16 pixels, so that recompression cuts the same blocks as the earlier one did.
    top, left = max(0, height - _GHOST_SIDE) // 32 * 16, max(0, width - _GHOST_SIDE) // 32 * 16
    part = pair.luma[top : top + min(height, _GHOST_SIDE), left : left + min(width, _GHOST_SIDE)]
    if not part.size:
        return Finding(0.0)
    # Half a level squared is added: smaller errors are rounding, whose logarithm would swing widely.
    errors = np.log2([_resaved(part, quality) + 0.5 for quality in GHOST_QUALITIES])
    return Finding(float(np.max(errors - np.minimum.accumulate(errors))))


def _resaved(luma: NDArray[np.uint8], quality: int) -> float:
    _, data = cv2.imencode(".jpg", luma, (cv2.IMWRITE_JPEG_QUALITY, quality))
    again = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.float32)
    return float(np.mean((luma - again) ** 2))


def cloned(pair: AnnotatedPair) -> Finding:
    """Return the number of key points repeated at the most frequent displacement, less that at the next most frequent.

    Points that occur more than three times, such as bricks of a wall, are a pattern, not cloning (key points as in
    Amerini et al., "A SIFT-based forensic method for copy-move attack detection", TIFS 2011; here ORB, which is fast).
    """
    if pair.short_side < 2 * _NEAREST_CLONE:
        return Finding(0.0)
    scale = min(1.0, _CLONE_SIDE / pair.short_side)
    luma = cv2.resize(pair.luma, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else pair.luma
    points, descriptors = cv2.ORB.create(1500, fastThreshold=8).detectAndCompute(luma, np.empty(0, np.uint8))
    if len(points) < 20:
        return Finding(0.0)
    found = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(descriptors, descriptors, k=6)
    matches = np.array([(m.queryIdx, m.trainIdx) for near in found for m in near if m.distance <= 24], int)
    places = np.array([point.pt for point in points])
    first, second = places[matches[:, 0]], places[matches[:, 1]]
    moved = second - first
    far = np.hypot(moved[:, 0], moved[:, 1]) > _NEAREST_CLONE
    copies = np.bincount(matches[far, 0], minlength=len(points))
    # Each pair of points is found from both ends; one half-plane of displacements keeps one of them.
    far &= (copies[matches[:, 0]] <= _COPIES) & ((moved[:, 1] > 0) | ((moved[:, 1] == 0) & (moved[:, 0] > 0)))
    if not far.any():
        return Finding(0.0)
    # In bins of three pixels; neighbouring bins can share a displacement, so they do not count as others.
    kinds, which, counts = np.unique(np.rint(moved[far] / 3), axis=0, return_inverse=True, return_counts=True)
    top = int(counts.argmax())
    others = counts[np.abs(kinds - kinds[top]).max(axis=1) > 2]
    chosen = which.ravel() == top
    ends = np.concatenate([first[far][chosen], second[far][chosen]]) / scale
    return Finding(float(counts[top] - others.max(initial=0)), _dots(ends, pair))


def _dots(places: NDArray[np.float64], pair: AnnotatedPair) -> NDArray[np.bool_]:
    canvas = np.zeros(pair.alpha.shape, np.uint8)
    for x, y in np.rint(places).astype(int).tolist():
        cv2.circle(canvas, (x, y), max(4, pair.short_side // 60), 1, -1)
    return canvas > 0


def halo(pair: AnnotatedPair) -> Finding:
    """Return the share of the outline with a seam that is brighter, or darker, than both of its sides.

    The seam is searched for just outside the matte; it must differ by six units of lightness from the subject and
    from the background. The larger of the bright and the dark share counts.
    """
    lines = pair.profiles
    if not len(lines.places):
        return Finding(0.0)
    at = lines.offsets / lines.offsets[-1]
    bands = [(at >= low) & (at <= high) for low, high in ((-0.6, -0.2), (0.04, 0.24), (0.55, 1.0))]
    if not all(band.any() for band in bands):  # the image is too small to have them
        return Finding(0.0)
    inner, seam, outer = (lines.colours[:, band, 0].mean(axis=1) for band in bands)
    bright = along(seam - np.maximum(inner, outer), 15) > _SEAM
    dark = along(np.minimum(inner, outer) - seam, 15) > _SEAM
    worse = bright if bright.sum() >= dark.sum() else dark
    return Finding(float(worse.mean()), along_outline(pair, worse))
