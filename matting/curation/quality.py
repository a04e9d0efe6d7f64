"""Gate 1, the photo's quality: size, exposure and blur, measured where the subject is."""

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.curation.finding import Finding
from matting.curation.pair import AnnotatedPair

SHORT_SIDE = 512
"""The smallest short side in pixels, from the article."""

CLIPPED = 250
"""Value from which a channel counts as clipped."""

_STRONGEST = 0.9  # quantile of the subject's gradients that counts as an edge
_RIM = 0.01  # of the short side, along the outline
_LEAST_CORE = 0.2  # share of the subject that must be left inside its rim
_SHARPER_SHARE = 0.2  # of the edges decides: motion leaves edges along it sharp, and out-of-focus parts are allowed


def low_resolution(pair: AnnotatedPair) -> Finding:
    """Return how many times the short side would have to grow to reach `SHORT_SIDE`; above 1 it is too small."""
    return Finding(SHORT_SIDE / pair.short_side)


def underexposed(pair: AnnotatedPair) -> Finding:
    """Return how far the highlights are from white: ``1 - P98 / 255`` of luma, on subject or image, the lesser.

    A silhouette in front of a window is a dark subject in a bright image, which is no fault.
    """
    lights = max(_quantile(pair.luma, 0.98, inside) for inside in (pair.subject.astype(np.uint8), None))
    return Finding(1 - lights / 255)


def overexposed(pair: AnnotatedPair) -> Finding:
    """Return the geometric mean of the shares of the subject and of the whole image with a clipped channel.

    Neither a white backdrop alone nor a white shirt alone is a fault.
    """
    burnt = cv2.inRange(pair.photo, (0, 0, 0), (CLIPPED - 1,) * 3) == 0
    on_subject = np.count_nonzero(burnt & pair.subject) / np.count_nonzero(pair.subject)
    return Finding(float(np.sqrt(on_subject * np.count_nonzero(burnt) / burnt.size)), burnt)


def low_contrast(pair: AnnotatedPair) -> Finding:
    """Return the unused part of the range of luma: ``1 - (P98 - P2) / 255``."""
    low, high = (_quantile(pair.luma, q) for q in (0.02, 0.98))
    return Finding(1 - (high - low) / 255)


def blur(pair: AnnotatedPair) -> Finding:
    """Return the blur of the sharper edges on the subject: the sigma of the point spread, in % of the short side.

    At strong edges, the gradients before and after an additional known blur determine the original blur (Zhuo & Sim,
    "Defocus map estimation from a single image", Pattern Recognition 2011, eq. 5). Both are computed after a
    common blur that suppresses noise and whose variance is subtracted. The subject's rim is excluded if a fifth of the
    subject remains: a blurred subject pasted into another scene has a sharp rim.
    """
    scale = min(1.0, 720 / pair.short_side)
    size = (round(pair.luma.shape[1] * scale), round(pair.luma.shape[0] * scale))
    luma = cv2.resize(pair.luma, size, interpolation=cv2.INTER_AREA) if scale < 1 else pair.luma
    subject = cv2.resize(pair.subject.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    rim = 2 * round(_RIM * min(size)) + 1
    core = cv2.erode(subject, np.ones((rim, rim), np.uint8), borderValue=1)
    inside = (core if cv2.countNonZero(core) > _LEAST_CORE * cv2.countNonZero(subject) else subject) > 0
    inside |= not inside.any()  # the whole image, if the subject vanishes at this size
    guard, further = 0.002 * min(size), 0.008 * min(size)
    before = _gradient(luma, guard)
    after = _gradient(luma, float(np.hypot(guard, further)))
    edges = inside & (before >= np.quantile(before[inside], _STRONGEST)) & (before > 0)
    if not edges.any():
        return Finding(0.0)
    # The further blur weakens every edge; a ratio of 1 or less is noise, and would be an infinite blur.
    ratio = np.maximum(before[edges] / np.maximum(after[edges], 1e-6), 1.0001)
    spread = further / np.sqrt(ratio**2 - 1)
    sharp = float(np.quantile(spread, _SHARPER_SHARE))
    return Finding(100 * float(np.sqrt(max(sharp**2 - guard**2, 0))) / min(size))


def _gradient(luma: NDArray[np.uint8], sigma: float) -> NDArray[np.float32]:
    smooth = cv2.GaussianBlur(luma.astype(np.float32), (0, 0), max(sigma, 0.3))
    return np.asarray(cv2.magnitude(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)))


def _quantile(values: NDArray[np.uint8], q: float, inside: NDArray[np.uint8] | None = None) -> float:
    """Return a quantile of bytes where the mask is not 0, from their histogram."""
    counts = cv2.calcHist([values], [0], inside, [256], [0, 256]).ravel().cumsum(dtype=np.float64)
    return float(np.searchsorted(counts, q * counts[-1]))
