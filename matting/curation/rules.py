"""Annotation rules: what can be said of a matte, and of a matte on its photograph, without knowing the true one."""

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.curation.finding import Finding, along, along_outline
from matting.curation.pair import AnnotatedPair

WINDOW = 30
"""Points of the outline that are judged together."""

_STEP = 6  # samples of a profile on either side of an edge
_TOLERANCE = 2  # samples by which an edge may miss the outline
_SOFT = (13, 242)  # bytes between which a pixel is neither foreground nor background, beyond JPEG's noise


def edge_strength(pair: AnnotatedPair) -> NDArray[np.float32]:
    """How much the photograph changes at each place of each profile.

    Returns:
        ``(N, T)`` float32: distance in Lab between the means of the six samples before and after, 0 at the ends.
    """
    colours = pair.profiles.colours
    sums = np.concatenate([np.zeros_like(colours[:, :1]), np.cumsum(colours, axis=1)], axis=1)
    strength = np.zeros(colours.shape[:2], np.float32)
    count = colours.shape[1]
    if count > 2 * _STEP:
        before = sums[:, _STEP : count - _STEP] - sums[:, : count - 2 * _STEP]
        after = sums[:, 2 * _STEP + 1 :] - sums[:, _STEP + 1 : count - _STEP + 1]
        strength[:, _STEP : count - _STEP] = np.linalg.norm(before - after, axis=2) / _STEP
    return strength


def _relative_strength(pair: AnnotatedPair) -> NDArray[np.float32]:
    """`edge_strength` as a share of each profile's strongest edge; differences of a few Lab units are no edges."""
    strength = edge_strength(pair)
    return np.asarray(strength / (strength.max(axis=1, keepdims=True, initial=0) + 4), np.float32)


def unsupported_edge(pair: AnnotatedPair) -> Finding:
    """How little the photograph changes where the matte has its edge: 0 if every edge of the matte is its own, up to 1.

    Of each profile across the outline, the change at the outline is compared with the strongest one nearby. Filled
    gaps, missing limbs, labelled shadows and mattes of another picture have edges where nothing changes.
    """
    strength = _relative_strength(pair)
    if not len(strength):
        return Finding(0.0)
    middle = strength.shape[1] // 2
    support = strength[:, middle - _TOLERANCE : middle + _TOLERANCE + 1].max(axis=1)
    return Finding(1 - float(support.mean()), along_outline(pair, along(support, WINDOW) < 0.45))


def misplaced_edge(pair: AnnotatedPair) -> Finding:
    """How much better the matte's edge would fit the photograph's if the matte was moved, grown or shrunk.

    The ratio of the mean relative change (see `unsupported_edge`) at the best displacement to that at the outline; up
    to 1 the matte lies best where it is. Displacements reach up to 4 % of the short side.
    """
    strength = _relative_strength(pair)
    if not len(strength):
        return Finding(0.0)
    mean, middle = strength.mean(axis=0), strength.shape[1] // 2
    here = float(mean[middle - _TOLERANCE : middle + _TOLERANCE + 1].max())
    rows, normals = np.arange(len(strength)), pair.profiles.normals
    best = float(mean.max())
    for reach in range(4, middle - _STEP + 1, 2):
        for angle in np.arange(0, 2 * np.pi, np.pi / 8):
            moved = np.rint(middle + reach * (normals @ [np.cos(angle), np.sin(angle)])).astype(int)
            best = max(best, float(strength[rows, moved].mean()))
    return Finding(best / max(here, 1e-6), along_outline(pair, np.ones(len(strength), np.bool_)))


def lost_strands(pair: AnnotatedPair) -> Finding:
    """Share of the outline with fine structure across it in the photograph and none in the matte: cut hair.

    The photograph has strands where it changes along the outline just outside clearly more than farther away, and about
    as much as deep inside. There a matte in layers changes along the outline as well; one hard or one smooth edge does
    not. Where the transition is wider than 3 % of the short side, motion or defocus has smoothed it.
    """
    lines = pair.profiles
    if len(lines.places) <= WINDOW:
        return Finding(0.0)
    gaps = np.linalg.norm(np.diff(lines.places, axis=0), axis=1)
    neighbours = (gaps <= 3 * np.median(gaps) + 1)[:, None]
    photo = np.linalg.norm(np.diff(lines.colours, axis=0), axis=2) * neighbours
    matte = np.abs(np.diff(lines.alpha, axis=0)) * neighbours
    at = lines.offsets / lines.offsets[-1]
    near = along(photo[:, (at > 0.08) & (at < 0.45)].mean(axis=1), WINDOW)
    far = along(photo[:, at > 0.65].mean(axis=1), WINDOW)
    detail = along(matte[:, (at > -0.3) & (at < 0.45)].mean(axis=1), WINDOW)
    inner = along(photo[:, at < -0.65].mean(axis=1), WINDOW)
    soft = ((lines.alpha > 0.05) & (lines.alpha < 0.95)).sum(axis=1)[1:] * (lines.offsets[1] - lines.offsets[0])
    narrow = along(soft.astype(np.float32), WINDOW) < 0.03 * pair.short_side
    strands = (near > 1) & (np.log2((near + 0.5) / (far + 0.5)) > 0.5) & (inner > near / 2)
    lost = strands & narrow & (detail < 0.02)
    return Finding(float(lost.mean()), along_outline(pair, np.append(lost, lost[-1])))


def no_soft_edge(pair: AnnotatedPair) -> Finding:
    """What the outline lacks of one soft pixel a pixel of length: 1 for a mask of 0 and 255, 0 for a photograph's edge.

    A lens alone makes edges a pixel or two wide; hair, motion and defocus make them wider.
    """
    length = sum(map(len, pair.contours))
    if not length:
        return Finding(0.0)
    soft = cv2.inRange(pair.alpha, _SOFT[:1], _SOFT[1:])
    transition = (pair.profiles.alpha > 0.05) & (pair.profiles.alpha < 0.95)
    return Finding(
        max(0.0, 1 - cv2.countNonZero(soft) / length), along_outline(pair, transition.max(axis=1, initial=False) == 0)
    )


def stair_steps(pair: AnnotatedPair) -> Finding:
    """How few of the levels between 5 and 95 % the matte uses: 1 for none, 0 if soft pixels take every one they could.

    Mattes that were thresholded, posterised or grown by a brush have soft pixels of a handful of values only.
    """
    counts = cv2.calcHist([pair.alpha], [0], None, [256], [0, 256]).ravel()[_SOFT[0] : _SOFT[1] + 1]
    possible = min(int(counts.sum()) // 8, len(counts))
    return Finding(max(0.0, 1 - int((counts > 0).sum()) / possible) if possible else 0.0)


def flat_translucency(pair: AnnotatedPair) -> Finding:
    """Area of one partial opacity, in % of the subject: a painted shadow or a painted pane, not hair, glass or motion.

    Pixels count whose neighbourhood of 1 % of the short side holds one soft value within two levels.
    """
    side = max(3, round(0.01 * pair.short_side)) | 1
    kernel = np.ones((side, side), np.uint8)
    low, high = cv2.erode(pair.alpha, kernel), cv2.dilate(pair.alpha, kernel)
    flat = (high.astype(np.int16) - low <= 2) & (low >= _SOFT[0]) & (high <= _SOFT[1])
    return Finding(100 * int(flat.sum()) / max(1, int(pair.subject.sum())), flat)


def labelled_shadow(pair: AnnotatedPair) -> Finding:
    """Share of the outline inside which the photograph is the same as outside, only darker, up to a stronger edge.

    A shadow scales the colours of what it falls on: lightness and both opponent axes shrink alike.
    """
    lines = pair.profiles
    if not len(lines.places):
        return Finding(0.0)
    at = lines.offsets / lines.offsets[-1]
    inner = lines.colours[:, (at < -0.1) & (at > -0.45)].mean(axis=1)
    outer = lines.colours[:, (at > 0.1) & (at < 0.45)].mean(axis=1)
    ratio = inner[:, :1] / np.maximum(outer[:, :1], 1)
    alike = np.abs(inner[:, 1:] - ratio * outer[:, 1:]).max(axis=1) < 3
    darker = (ratio[:, 0] > 0.4) & (ratio[:, 0] < 0.92) & (outer[:, 0] > 15)
    shadow = along((alike & darker).astype(np.float32), WINDOW) > 0.7
    return Finding(float(shadow.mean()), along_outline(pair, shadow))


def islands(pair: AnnotatedPair) -> Finding:
    """Number of specks of foreground far from the subject: small, and 3 % of the short side from any large part.

    Strands end in specks as well, but beside the hair they belong to.
    """
    return _far_specks(pair.alpha > 127, pair)


def holes(pair: AnnotatedPair) -> Finding:
    """Number of specks of background deep inside the subject: small, and 3 % of the short side from any large part."""
    return _far_specks(pair.alpha <= 127, pair)


def _far_specks(mask: NDArray[np.bool_], pair: AnnotatedPair) -> Finding:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 3:
        return Finding(0.0)
    areas = stats[:, cv2.CC_STAT_AREA]
    large = areas >= min(int(areas[1:].max()), 0.002 * pair.alpha.size)
    large[0] = False
    if large[1:].all():
        return Finding(0.0)
    distance = cv2.distanceTransform((~large[labels]).astype(np.uint8), cv2.DIST_L2, 3)
    specks = np.unique(labels[mask & (distance > 0.03 * pair.short_side)])
    specks = specks[areas[specks] >= 4]
    return Finding(float(len(specks)), np.isin(labels, specks))
