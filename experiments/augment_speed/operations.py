"""Pairs of functions to compare: this package's own and Kornia's for the same operation."""

import importlib
import math
from collections.abc import Callable
from types import ModuleType

import torch
import torch.nn.functional as F
from kornia import color, enhance, filters
from torch import Tensor

from matting import augment
from matting.augment import gaps, kernels, operations, phone, published, warp

jpeg = importlib.import_module("matting.augment.jpeg")  # as an attribute of the package it is the function
NAMES = ("equalize", "solarize", "colour", "contrast", "brightness", "sharpness")
Job = Callable[[], object]


def kept(image: Tensor, key: Tensor) -> dict[str, tuple[Job, Job]]:
    """List operations for which this package keeps its own function although Kornia has one."""
    strength = torch.linspace(0.03, 0.3, len(image), device=image.device)
    side, quality, bits = max(image.shape[-2:]), 95 * 10**-strength, (4 - (4 * strength).floor()).long()
    radius = math.ceil(0.15 * side / 2)
    motion = lambda: kernels.linear_motion(0.15 * side * strength, key.float(), radius)  # noqa: E731
    large, small = motion(), kernels.camera_shake(0.2 * side * strength, key, math.ceil(0.03 * side))
    padded = F.pad(image, (2, 2, 2, 2), mode="reflect")
    there, back = jpeg._colour_matrices(image.device)
    blur = lambda kernel: lambda: kernels.convolve(image, kernel)  # noqa: E731
    return {
        "JPEG: jpeg_codec_differentiable": (
            lambda: jpeg.jpeg(image, quality),
            lambda: enhance.jpeg_codec_differentiable(image, quality),
        ),
        "RGB to YCbCr and back: rgb_to_ycbcr, ycbcr_to_rgb": (
            lambda: jpeg._recolour(jpeg._recolour(image, there), back),
            lambda: color.ycbcr_to_rgb(color.rgb_to_ycbcr(image)),
        ),
        f"blur, {large.shape[-1]} taps: fft_conv": (blur(large), lambda: filters.fft_conv(image, large)),
        f"blur, {large.shape[-1]} taps: filter2d": (blur(large), lambda: filters.filter2d(image, large)),
        f"blur, {small.shape[-1]} taps: fft_conv": (blur(small), lambda: filters.fft_conv(image, small)),
        f"blur, {small.shape[-1]} taps: filter2d": (blur(small), lambda: filters.filter2d(image, small)),
        "motion kernels: get_motion_kernel2d (of one length)": (
            motion,
            lambda: filters.get_motion_kernel2d(2 * radius + 1, key.float(), torch.zeros_like(strength)),
        ),
        "means of 5x5 pixels: box_blur": (lambda: gaps._window_means(padded), lambda: filters.box_blur(image, 5)),
        "colour jitter: three adjust_* and adjust_hue": (
            lambda: operations.colour_jitter(image, strength, key),
            lambda: _jitter(image, strength),
        ),
        "autocontrast: normalize_min_max": (
            lambda: published.autocontrast(image, strength, key),
            lambda: enhance.normalize_min_max(image),
        ),
        "posterize: posterize": (
            lambda: published.posterize(image, strength, key),
            lambda: enhance.posterize(image, bits),
        ),
    }


def replaced(before: ModuleType, image: Tensor, layers: Tensor, key: Tensor) -> dict[str, tuple[Job, Job]]:
    """List operations whose function in an earlier ``matting.augment`` was replaced by Kornia's."""
    strength = torch.linspace(0.05, 1, len(image), device=image.device)

    def published_job(module: ModuleType, name: str) -> Job:
        return lambda: getattr(module, name)(image, strength, key)

    size, crop, one = image.shape[-1], layers.shape[-1], torch.ones_like(strength)
    geometry = (one * 1.1, 0.1 * strength, one, torch.zeros(len(one), 2).to(one), torch.zeros(len(one), 2).to(one))
    old_matrix, matrix = before.warp.homography(*geometry), warp.homography(*geometry, crop, size)
    return {
        "sRGB to linear": (lambda: before.colour.srgb_to_linear(image), lambda: color.rgb_to_linear_rgb(image)),
        "linear to sRGB": (lambda: before.colour.linear_to_srgb(image), lambda: color.linear_rgb_to_rgb(image)),
        "gray": (lambda: before.colour.luma(image), lambda: color.rgb_to_grayscale(image)),
        **{name: tuple(published_job(module.published, name) for module in (before, augment)) for name in NAMES},
        "low-pass of 8 layers before a warp": (
            lambda: before.warp.antialias(layers, 1 + strength / 4),
            lambda: warp.antialias(layers, 1 + strength / 4),
        ),
        "warp of 8 layers": (
            lambda: before.warp.sample(layers, old_matrix, size),
            lambda: warp.sample(layers, matrix, size),
        ),
        "low resolution": (
            lambda: before.phone.low_resolution(image, 1 + 3 * strength, 4.75),
            lambda: phone.low_resolution(image, 1 + 3 * strength, 4.75),
        ),
    }


def _jitter(image: Tensor, strength: Tensor) -> Tensor:
    image = enhance.adjust_brightness_accumulative(image, 1 + strength)
    image = enhance.adjust_contrast_with_mean_subtraction(image, 1 - strength)
    image = enhance.adjust_saturation_with_gray_subtraction(image, 1 + strength)
    return enhance.adjust_hue(image, strength)
