"""SAD, MSE, MAD and Grad of a batch, on the device it lies on, without waiting for the device.

The values are those of `matting.metrics.functional`, one per image. Range and finiteness are not checked, because that
would wait for the device; a NaN in a matte is a NaN in its metrics. Conn has no such form: it labels components.
"""

from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor

from matting.metrics.definition import Definition, Protocol, definition


def images(name: str, value: Tensor) -> Tensor:
    """Return ``(B, H, W)`` from ``(B, 1, H, W)`` or ``(B, H, W)``, or raise a ValueError that names the argument."""
    if value.ndim == 4 and value.shape[1] == 1:
        return value[:, 0]
    if value.ndim != 3:
        raise ValueError(f"{name}: expected shape (B, 1, H, W) or (B, H, W), found {tuple(value.shape)}")
    return value


class _Pair(NamedTuple):
    """``(B, H, W)`` target, excess p − g and mask of zeros and ones; the unit is what an alpha of 1 is stored as."""

    target: Tensor
    excess: Tensor
    counted: Tensor
    unit: float

    def sum(self, error: Tensor) -> Tensor:
        return (error * self.counted).sum((1, 2))

    def mean(self, error: Tensor) -> Tensor:
        return self.sum(error) / self.counted.sum((1, 2)).clamp(min=1)


def _alpha(name: str, value: Tensor, unit: float) -> Tensor:
    alpha = images(name, value)
    if alpha.dtype == torch.uint8:
        return alpha.float() * (unit / 255)
    if not alpha.is_floating_point():
        raise TypeError(f"{name}: expected uint8 (0..255) or floating point in [0, 1], found {alpha.dtype}")
    return alpha.float() if alpha.itemsize < 4 else alpha


def _pair(preds: Tensor, target: Tensor, mask: Tensor | None) -> _Pair:
    # Differences of integer codes are exact, and cost nothing where two uint8 mattes agree.
    unit = 255.0 if preds.dtype == target.dtype == torch.uint8 else 1.0
    base, excess = _alpha("target", target, unit), _alpha("preds", preds, unit)
    if base.shape != excess.shape:
        raise ValueError(f"preds: expected the shape of target, {tuple(base.shape)}, found {tuple(excess.shape)}")
    excess = excess - base
    counted = torch.ones_like(excess) if mask is None else (images("mask", mask) != 0).to(excess.dtype)
    if counted.shape != base.shape:
        raise ValueError(f"mask: expected the shape of target, {tuple(base.shape)}, found {tuple(counted.shape)}")
    return _Pair(base, excess, counted, unit)


def sad(preds: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Compute each image's sum of absolute differences, Σ|p − g| / 1000.

    Args:
        preds: ``(B, 1, H, W)`` or ``(B, H, W)`` predicted alpha, uint8 or floating point in [0, 1].
        target: True alpha, likewise, of the same shape.
        mask: Any dtype, nonzero at the pixels counted; None counts all.

    Returns:
        ``(B,)`` floating point.

    Raises:
        TypeError: If an alpha is neither uint8 nor floating point.
        ValueError: If a shape is refused or the shapes differ.
    """
    pair = _pair(preds, target, mask)
    return pair.sum(pair.excess.abs()) / pair.unit / 1000


def mad(preds: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Compute each image's mean absolute difference over the pixels counted; 0 where there are none.

    Args, returns and errors are those of `sad`.
    """
    pair = _pair(preds, target, mask)
    return pair.mean(pair.excess.abs()) / pair.unit


def mse(preds: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Compute each image's mean squared error over the pixels counted; 0 where there are none.

    Args, returns and errors are those of `sad`.
    """
    pair = _pair(preds, target, mask)
    return pair.mean(pair.excess.square()) / pair.unit**2


def _padding_index(size: int, numbers: Definition, device: torch.device) -> Tensor:
    index = torch.arange(-numbers.radius, size + numbers.radius, device=device)
    if numbers.border == "edge":
        return index.clamp(0, size - 1)
    return torch.minimum(index % (2 * size), (-1 - index) % (2 * size))


def _smooth(pictures: Tensor, taps: list[float], dim: int) -> Tensor:
    size = pictures.shape[dim] - len(taps) + 1
    return torch.stack([tap * pictures.narrow(dim, i, size) for i, tap in enumerate(taps)]).sum(0)


def _differentiate(pictures: Tensor, taps: list[float], dim: int) -> Tensor:
    # Taps of opposite sign are paired before they are multiplied, so that a flat picture has no slope.
    size, last = pictures.shape[dim] - len(taps) + 1, len(taps) - 1
    pairs = ((tap, pictures.narrow(dim, i, size), pictures.narrow(dim, last - i, size)) for i, tap in enumerate(taps))
    return torch.stack([tap * (one - other) for tap, one, other in islice(pairs, last // 2)]).sum(0)


def _gradients(pictures: Tensor, numbers: Definition) -> Tensor:
    """Filter ``(N, H, W)`` pictures by the Gaussian's derivatives: ``(2, N, H, W)``, along y and along x.

    Not a convolution of torch: on recent hardware that would run in TF32 or under autocast and keep three digits.
    """
    rows, columns = (_padding_index(size, numbers, pictures.device) for size in pictures.shape[1:])
    padded = pictures[:, rows][:, :, columns]
    smoothing, derivative = numbers.smoothing.tolist(), numbers.derivative.tolist()
    return torch.stack([_smooth(_differentiate(padded, derivative, dim), smoothing, 3 - dim) for dim in (1, 2)])


def _range(alphas: Tensor) -> Tensor:
    spread = alphas.amax((1, 2), keepdim=True) - alphas.amin((1, 2), keepdim=True)
    return spread + (spread == 0)


def grad(preds: Tensor, target: Tensor, mask: Tensor | None = None, *, protocol: Protocol = "adobe") -> Tensor:
    """Compute each image's gradient error, Σ(‖∇p‖ − ‖∇g‖)² / 1000, as `matting.metrics.gradient` does.

    Args:
        preds: ``(B, 1, H, W)`` or ``(B, H, W)`` predicted alpha, uint8 or floating point in [0, 1].
        target: True alpha, likewise, of the same shape.
        mask: Any dtype, nonzero at the pixels counted; None counts all.
        protocol: ``adobe`` or ``p3m``.

    Returns:
        ``(B,)`` floating point.

    Raises:
        TypeError: If an alpha is neither uint8 nor floating point.
        ValueError: If a shape or the protocol is refused or the shapes differ.
    """
    numbers = definition(protocol)
    pair = _pair(preds, target, mask)
    base, excess, unit = pair.target, pair.excess, torch.full_like(pair.target[:, :1, :1], pair.unit)
    if numbers.min_max:
        unit, preds_range = _range(base), _range(base + excess)
        excess = excess + (unit / preds_range - 1) * (base + excess)
    g, e = _gradients(torch.cat([base, excess]), numbers).chunk(2, dim=1)
    p = g + e
    norms = torch.linalg.vector_norm(p, dim=0) + torch.linalg.vector_norm(g, dim=0)
    difference = (e * (p + g)).sum(0) / (norms * unit).clamp(min=torch.finfo(norms.dtype).tiny)
    return pair.sum(difference.square()) / numbers.grad_divisor
