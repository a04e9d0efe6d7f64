"""Blur kernels, one per row, and their convolution with an image.

All kernels have one static size, so that a batch of different blurs is a single transform.
"""

import torch
import torch.nn.functional as F
from scipy.fft import next_fast_len
from torch import Tensor

from matting.augment.randomness import normal

_SHAKE_STEPS = 128
_SHAKE_INERTIA = 0.9  # share of the velocity that survives a step: smooth strokes with a few turns


def convolve(image: Tensor, kernel: Tensor) -> Tensor:
    """Convolve every channel of a row with the row's kernel, reflecting at the rim, through one Fourier transform.

    Args:
        image: ``(B, C, H, W)`` float32, sides larger than ``radius``.
        kernel: ``(B, K, K)`` float32 with ``K = 2 * radius + 1``.

    Returns:
        ``(B, C, H, W)`` float32, exact to about 1e-6 of the image's range.
    """
    # Kornia's fft_conv takes twice as long (41 taps, 256 pixels): its transforms have no fast length and the kernel
    # is transformed once per channel; filter2d takes 4.6 times as long
    height, width = image.shape[-2:]
    radius = kernel.shape[-1] // 2
    # the padded length will do: what wraps around falls on the 2 * radius values that are cut off below
    shape = [int(next_fast_len(side + 2 * radius, real=True)) for side in (height, width)]
    padded = F.pad(image, (radius, radius, radius, radius), mode="reflect")
    spectrum = torch.fft.rfft2(padded, s=shape) * torch.fft.rfft2(kernel, s=shape)[:, None]
    full: Tensor = torch.fft.irfft2(spectrum, s=shape)
    return full[..., 2 * radius : 2 * radius + height, 2 * radius : 2 * radius + width]


def splat(path: Tensor, radius: int) -> Tensor:
    """The kernel of a point that moves along a path, spending equal time at each of its places.

    Args:
        path: ``(B, T, 2)`` float32 (x, y) in pixels from the kernel's centre, within ``radius``.
        radius: half-width of the kernel.

    Returns:
        ``(B, K, K)`` float32 summing to 1, each place shared bilinearly between its four pixels.
    """
    pixels = torch.arange(-radius, radius + 1, device=path.device, dtype=path.dtype)
    tents = (1 - (path[..., None] - pixels).abs()).clamp_(min=0)
    return _normalised(tents[:, :, 1].transpose(1, 2) @ tents[:, :, 0])


def linear_motion(length: Tensor, angle: Tensor, radius: int) -> Tensor:
    """Uniform motion along a straight line.

    Args:
        length: ``(B,)`` float32, pixels, at most ``2 * radius``; 0 gives the identity.
        angle: ``(B,)`` float32, radians, 0 along x.
        radius: half-width of the kernel.

    Returns:
        ``(B, K, K)`` float32 summing to 1.
    """
    # Kornia's get_motion_kernel2d has one length per batch and finds its taps on the host
    count = 8 * radius
    time = (torch.arange(count, device=length.device) + 0.5) / count - 0.5
    direction = torch.stack([angle.cos(), angle.sin()], dim=-1) * length[:, None]
    return splat(time[None, :, None] * direction[:, None, :], radius)


def camera_shake(extent: Tensor, key: Tensor, radius: int) -> Tensor:
    """A hand-held camera's random walk with inertia (in the manner of Boracchi and Foi, IEEE TIP 2012).

    Args:
        extent: ``(B,)`` float32, pixels across the whole stroke, at most ``2 * radius``; 0 gives the identity.
        key: ``(B,)`` int64.
        radius: half-width of the kernel.

    Returns:
        ``(B, K, K)`` float32 summing to 1, centred on the stroke's mean so that the image keeps its place.
    """
    steps = torch.arange(_SHAKE_STEPS, device=extent.device)
    age = (steps[:, None] - steps[None, :]).float()
    # a push decays as inertia^age, so the way it has led by then is the geometric series
    response = torch.where(age >= 0, (1 - _SHAKE_INERTIA ** (age + 1)) / (1 - _SHAKE_INERTIA), 0)
    path = response @ normal(key, _SHAKE_STEPS, 2)
    path = path - path.mean(dim=1, keepdim=True)
    reach = path.norm(dim=2).amax(dim=1).clamp(min=1e-6)
    return splat(path * (extent / 2 / reach)[:, None, None], radius)


def disc(spread: Tensor, radius: int) -> Tensor:
    """Defocus: a disc with an antialiased rim.

    Args:
        spread: ``(B,)`` float32, radius of the disc in pixels, at most ``radius``; 0 gives the identity.
        radius: half-width of the kernel.

    Returns:
        ``(B, K, K)`` float32 summing to 1.
    """
    pixels = torch.arange(-radius, radius + 1, device=spread.device, dtype=spread.dtype)
    distance = torch.hypot(pixels[:, None], pixels[None, :])
    return _normalised((spread[:, None, None] + 0.5 - distance).clamp(0, 1))


def _normalised(kernel: Tensor) -> Tensor:
    return kernel / kernel.sum(dim=(1, 2), keepdim=True)
