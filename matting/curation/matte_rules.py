"""Annotation rules on the matte alone: properties that a correct matte never has."""

from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.curation.finding import WINDOW, Finding, along, along_outline, in_layers
from matting.curation.pair import REFLECTION, TRANSLUCENT, AnnotatedPair

_SOFT = (13, 242)  # bytes between which a pixel is neither foreground nor background, beyond JPEG's noise
_BLENDED, _TRANSITION = (0.1, 0.3), (0.3, 0.8)  # the article's outer and middle layers of hair
_LEAST_SHARE = 0.001  # of the image; the smallest person of the synthetic corpus covers 0.5 %
_HAIR = 0.6  # blended pixels per transition pixel along the hair of careful mattes
_LEAST_HAIR = 0.05  # share of the outline in layers; less is too little hair to judge


def empty_matte(pair: AnnotatedPair) -> Finding:
    """Return how many times the subject, or the background, would have to grow to cover 0.1 % of the image.

    Above 1 the matte counts as empty, or as full.
    """
    solid = int(np.count_nonzero(pair.alpha > 127))
    return Finding(_LEAST_SHARE * pair.alpha.size / max(1, min(solid, pair.alpha.size - solid)))


def inverted(pair: AnnotatedPair) -> Finding:
    """Return how much more opaque the left, upper and right borders are than the whole image, in [-1, 1].

    Above 0 the subject surrounds the background: black and white were exchanged. People touch the lower border. They
    may be cut by one of the others, hence the median of the three, or fill all of them, hence their mean; the lesser
    counts.
    """
    borders = pair.alpha[0], pair.alpha[:, 0], pair.alpha[:, -1]
    lesser = min(median(float(line.mean()) for line in borders), float(np.concatenate(borders).mean()))
    return Finding((lesser - float(pair.alpha.mean())) / 255)


def no_soft_edge(pair: AnnotatedPair) -> Finding:
    """Return how far the outline is from one soft pixel per pixel of length: 1 for a binary mask, 0 for a photo's edge.

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
    """Return the share of levels between 5 and 95 % that the soft pixels could take and do not, in [0, 1].

    Mattes that were thresholded, posterised or grown by a brush have only a handful of soft values.
    """
    counts = cv2.calcHist([pair.alpha], [0], None, [256], [0, 256]).ravel()[_SOFT[0] : _SOFT[1] + 1]
    # A small edge cannot have every level: one level for every eight soft pixels is expected.
    possible = min(int(counts.sum()) // 8, len(counts))
    return Finding(max(0.0, 1 - int((counts > 0).sum()) / possible) if possible else 0.0)


def flat_translucency(pair: AnnotatedPair) -> Finding:
    """Return the area of one constant partial opacity, in % of the subject: a painted shadow or pane.

    A pixel counts if its neighbourhood, 1 % of the short side, has one soft value to within two levels; of these, the
    pixels of the most frequent level. A veil is as even from pixel to pixel, but not as a whole.
    """
    side = max(3, round(0.01 * pair.short_side)) | 1
    kernel = np.ones((side, side), np.uint8)
    low, high = cv2.erode(pair.alpha, kernel), cv2.dilate(pair.alpha, kernel)
    flat = (high.astype(np.int16) - low <= 2) & (low >= _SOFT[0]) & (high <= _SOFT[1])
    counts = np.bincount(pair.alpha[flat], minlength=256)
    where = flat & (pair.alpha == counts.argmax())
    return Finding(100 * int(counts.max()) / max(1, int(pair.subject.sum())), where)


def hair_layers(pair: AnnotatedPair) -> Finding:
    """Return how far the layers of the hair are out of balance: octaves of blended / transition from 0.6.

    Where the matte is in layers, pixels of 0.1 to 0.3 (strands that mix with the background) and of 0.3 to 0.8 (the
    transition) are counted along the profiles. One layer is missing if wisps were erased, or if everything above a
    threshold was made solid. 0 if less than 5 % of the outline is in layers.
    """
    lines = pair.profiles
    if len(lines.places) <= WINDOW:
        return Finding(0.0)
    soft = (lines.alpha[1:] > 0.05) & (lines.alpha[1:] < 0.95)
    hair = in_layers(lines) & (soft.mean(axis=1) < 0.5)  # a wide even transition is a veil or motion
    if hair.mean() < _LEAST_HAIR:
        return Finding(0.0)
    alpha = lines.alpha[1:][hair]
    blended, transition = (((alpha >= low) & (alpha < high)).sum() for low, high in (_BLENDED, _TRANSITION))
    balance = np.log2((blended + 1) / (_HAIR * transition + 1))
    return Finding(float(abs(balance)), along_outline(pair, np.append(False, hair)))


def ragged_edge(pair: AnnotatedPair) -> Finding:
    """Return the RMS distance of the outline from itself smoothed over 3 %, in % of the short side."""
    window = max(5, round(0.03 * pair.short_side)) | 1
    wander = [_wander(line, window) / pair.short_side for line in pair.contours if len(line) > window]
    if not wander:
        return Finding(0.0)
    distances = np.concatenate(wander)
    points = np.concatenate([line for line in pair.contours if len(line) > window])
    where = np.zeros(pair.alpha.shape, np.uint8)
    for x, y in points[distances > 0.005].astype(int).tolist():
        cv2.circle(where, (x, y), max(2, pair.short_side // 120), 1, -1)
    return Finding(100 * float(np.sqrt(np.mean(distances**2))), where > 0)


def _wander(line: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    smooth = np.stack([along(line[:, axis], window) for axis in range(2)], axis=1)
    return np.asarray(np.linalg.norm(line - smooth, axis=1), np.float32)


def wrong_translucency(pair: AnnotatedPair) -> Finding:
    """Return the share of labelled glass and plastic whose opacity contradicts the label; 0 without labels.

    Pure reflections are background, up to 0.1; translucent material has 0.4 to 0.6.
    """
    if pair.regions is None or not pair.regions.any():
        return Finding(0.0)
    level = pair.alpha / np.float32(255)
    reflection, translucent = pair.regions == REFLECTION, pair.regions == TRANSLUCENT
    wrong = (reflection & (level > 0.1)) | (translucent & ((level < 0.395) | (level > 0.605)))
    return Finding(float(wrong.sum() / (reflection | translucent).sum()), wrong)


def islands(pair: AnnotatedPair) -> Finding:
    """Return the number of specks of foreground farther than 3 % of the short side from any large part.

    Strands also end in specks, but close to the hair they belong to.
    """
    return _far_specks(pair.alpha > 127, pair)


def holes(pair: AnnotatedPair) -> Finding:
    """Return the number of specks of background farther than 3 % of the short side from any large part."""
    return _far_specks(pair.alpha <= 127, pair)


def _far_specks(mask: NDArray[np.bool_], pair: AnnotatedPair) -> Finding:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 3:
        return Finding(0.0)
    areas = stats[:, cv2.CC_STAT_AREA]
    large = areas >= min(int(areas[1:].max()), 0.002 * pair.alpha.size)
    # Label 0 is what is outside of the mask.
    large[0] = False
    if large[1:].all():
        return Finding(0.0)
    distance = cv2.distanceTransform((~large[labels]).astype(np.uint8), cv2.DIST_L2, 3)
    specks = np.unique(labels[mask & (distance > 0.03 * pair.short_side)])
    specks = specks[areas[specks] >= 4]
    return Finding(float(len(specks)), np.isin(labels, specks))
