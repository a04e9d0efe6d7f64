"""Slow float64 reference of the metrics, written from the definitions alone: full kernels, threshold by threshold."""

import numpy as np
from scipy import ndimage
from skimage.measure import label


def mat2gray(alpha):
    low, high = alpha.min(), alpha.max()
    return alpha if high == low else (alpha - low) / (high - low)


def derivative_kernel(radius=4, sigma=1.4):
    kernel = np.empty((2 * radius + 1, 2 * radius + 1))
    for i in range(-radius, radius + 1):
        for j in range(-radius, radius + 1):
            kernel[i + radius, j + radius] = np.exp(-(i**2) / 2 / sigma**2) * -j * np.exp(-(j**2) / 2 / sigma**2)
    return kernel / np.sqrt((kernel**2).sum())


def gradient_magnitude(alpha, protocol):
    if protocol == "p3m":
        orders = ([1, 0], [0, 1])
        return np.hypot(*(ndimage.gaussian_filter(alpha, 1.4, order=order) for order in orders))
    kernel = derivative_kernel()
    return np.hypot(*(ndimage.convolve(mat2gray(alpha), k, mode="nearest") for k in (kernel, kernel.T)))


def largest_component(mask, column_major):
    if not mask.any():
        return np.zeros_like(mask)
    labels = label(mask.T if column_major else mask, connectivity=1)
    largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    return largest.T if column_major else largest


def phi_difference(preds, target, protocol):
    dtype = np.float32 if protocol == "adobe" else np.float64
    preds, target = preds.astype(dtype), target.astype(dtype)
    lowest = np.full(preds.shape, -1.0)
    for i in range(1, 11):
        threshold = dtype(i * 0.1)
        component = largest_component((preds >= threshold) & (target >= threshold), protocol == "adobe")
        lowest[(lowest == -1) & ~component] = (i - 1) * 0.1
    lowest[lowest == -1] = 1

    def phi(alpha):
        distance = alpha - lowest.astype(dtype)
        return 1 - distance * (distance >= dtype(0.15))

    return phi(preds) - phi(target)


def slow_metrics(preds, target, counted=None, protocol="adobe"):
    """Compute all five metrics of two (H, W) uint8 or floating-point mattes over a boolean mask."""
    preds, target = (np.float64(a) / (255 if a.dtype == np.uint8 else 1) for a in (preds, target))
    counted = np.ones(preds.shape, bool) if counted is None else counted
    error = np.abs(preds - target)[counted]
    gradient = (gradient_magnitude(preds, protocol) - gradient_magnitude(target, protocol))[counted]
    connectivity = phi_difference(preds, target, protocol)[counted]
    return {
        "sad": error.sum() / 1000,
        "mse": (error**2).mean(),
        "mad": error.mean(),
        "grad": (gradient**2).sum() / (1000 if protocol == "adobe" else 10),
        "conn": np.abs(connectivity).sum(dtype=np.float64) / 1000,
    }
