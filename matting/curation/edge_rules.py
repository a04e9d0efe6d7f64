"""Annotation rules that compare a matte with its photo: whether its edges are where the photo has edges."""

import numpy as np
from numpy.typing import NDArray

from matting.curation.finding import WINDOW, Finding, along, along_outline, in_layers
from matting.curation.pair import AnnotatedPair

_STEP = 6  # samples of a profile on either side of an edge
_TOLERANCE = 2  # samples by which an edge may miss the outline
_STRETCH = 100  # points of the outline, one in sixteen, over which an edge must be missing
_WIDE = 0.02  # of the short side: such a wide transition, as in motion blur, has no single position in the photo


def edge_strength(pair: AnnotatedPair) -> NDArray[np.float32]:
    """Compute how much the photo changes at each sample of each profile.

    Returns:
        ``(N, T)`` float32: distance in Lab between the means of the six samples before and after, 0 at the ends.
    """
    colours = pair.profiles.colours
    # Differences of running sums: windows of any length at the same cost.
    sums = np.concatenate([np.zeros_like(colours[:, :1]), np.cumsum(colours, axis=1)], axis=1)
    strength = np.zeros(colours.shape[:2], np.float32)
    count = colours.shape[1]
    if count > 2 * _STEP:
        before = sums[:, _STEP : count - _STEP] - sums[:, : count - 2 * _STEP]
        after = sums[:, 2 * _STEP + 1 :] - sums[:, _STEP + 1 : count - _STEP + 1]
        strength[:, _STEP : count - _STEP] = np.linalg.norm(before - after, axis=2) / _STEP
    return strength


def _relative_strength(pair: AnnotatedPair) -> NDArray[np.float32]:
    """Return `edge_strength` relative to each profile's strongest edge; a few Lab units do not count as an edge."""
    strength = edge_strength(pair)
    return np.asarray(strength / (strength.max(axis=1, keepdims=True, initial=0) + 4), np.float32)


def unsupported_edge(pair: AnnotatedPair) -> Finding:
    """Return the share of the outline, in long stretches, where the matte has an edge and the photo has none.

    In each profile across the outline, the change at the outline is compared with the strongest one nearby. Filled
    gaps, missing limbs, labelled shadows and mattes of another image have edges where the photo does not change. Hair
    and motion blur have no edge at one position: where the matte's transition is wide, none is expected.
    """
    strength = _relative_strength(pair)
    if not len(strength):
        return Finding(0.0)
    middle = strength.shape[1] // 2
    support = strength[:, middle - _TOLERANCE : middle + _TOLERANCE + 1].max(axis=1)
    bare = (along(support, _STRETCH) < 0.45) & (_soft_width(pair) < _WIDE * pair.short_side)
    return Finding(float(bare.mean()), along_outline(pair, bare))


def _soft_width(pair: AnnotatedPair) -> NDArray[np.float32]:
    """Return how wide the matte's transition is at each point of the outline, ``(N,)`` pixels."""
    lines = pair.profiles
    soft = ((lines.alpha > 0.05) & (lines.alpha < 0.95)).sum(axis=1)
    return np.asarray(soft * (lines.offsets[1] - lines.offsets[0]), np.float32)


def misplaced_edge(pair: AnnotatedPair) -> Finding:
    """Return how much better the matte's edge would fit the photo if the matte were moved, grown or shrunk.

    The ratio of the mean relative change (see `unsupported_edge`) at the best displacement to that at the outline; up
    to 1 the matte fits best where it is. Displacements reach up to 4 % of the short side.
    """
    strength = _relative_strength(pair)
    if not len(strength):
        return Finding(0.0)
    mean, middle = strength.mean(axis=0), strength.shape[1] // 2
    here = float(mean[middle - _TOLERANCE : middle + _TOLERANCE + 1].max())
    rows, normals = np.arange(len(strength)), pair.profiles.normals
    # The best column is the matte grown or shrunk; the loop shifts it.
    best = float(mean.max())
    for reach in range(4, middle - _STEP + 1, 2):
        for angle in np.arange(0, 2 * np.pi, np.pi / 8):
            # A shift moves each point along its profile by the shift's part in the direction of the normal.
            moved = np.rint(middle + reach * (normals @ [np.cos(angle), np.sin(angle)])).astype(int)
            best = max(best, float(strength[rows, moved].mean()))
    return Finding(best / max(here, 1e-6), along_outline(pair, np.ones(len(strength), np.bool_)))


def lost_strands(pair: AnnotatedPair) -> Finding:
    """Return the share of the outline that lost its strands, less half the share that is in layers: cut hair.

    The photo has strands where it changes along the outline just outside clearly more than farther away, and about
    as much as deep inside. There a matte in layers changes along the outline as well; one hard or one smooth edge does
    not. Where the transition is wider than 3 % of the short side, motion or defocus has smoothed it. The pattern of
    clothes looks like strands, so half the share of the outline that is in layers is subtracted: an annotator who drew
    the hair in layers did not forget it at the sleeve.
    """
    lines = pair.profiles
    if len(lines.places) <= WINDOW:
        return Finding(0.0)
    photo = np.linalg.norm(np.diff(lines.colours, axis=0), axis=2) * lines.adjacent[:, None]
    at = lines.offsets / lines.offsets[-1]
    near = along(photo[:, (at > 0.08) & (at < 0.45)].mean(axis=1), WINDOW)
    far = along(photo[:, at > 0.65].mean(axis=1), WINDOW)
    inner = along(photo[:, at < -0.65].mean(axis=1), WINDOW)
    narrow = along(_soft_width(pair)[1:], WINDOW) < 0.03 * pair.short_side
    strands = (near > 1) & (np.log2((near + 0.5) / (far + 0.5)) > 0.5) & (inner > near / 2)
    layered = in_layers(lines)
    lost = strands & narrow & ~layered
    score = max(0.0, float(lost.mean()) - float(layered.mean()) / 2)
    # Differences have one entry less than there are points.
    return Finding(score, along_outline(pair, np.append(lost, lost[-1])))
