"""SAD, MSE, MAD and Grad of a batch, computed on its device without a synchronisation.

The values are those of `matting.metrics.functional`, one per image. Range and finiteness are not checked, because that
would synchronise with the device; a NaN in a matte gives NaN metrics. Conn has no batched form: it labels connected
components.
"""

from functools import reduce
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
    """``(B, H, W)`` alphas and a mask of zeros and ones; `unit` is the stored value of an alpha of 1."""

    preds: Tensor
    target: Tensor
    counted: Tensor
    unit: float

    @property
    def excess(self) -> Tensor:
        return self.preds - self.target

    def sum(self, error: Tensor) -> Tensor:
        return (error * self.counted).sum((1, 2))

    def mean(self, error: Tensor) -> Tensor:
        # At least 1, so that an image without a counted pixel has an error of 0, not NaN.
        return self.sum(error) / self.counted.sum((1, 2)).clamp(min=1)


def _alpha(name: str, value: Tensor, unit: float) -> Tensor:
    alpha = images(name, value)
    if alpha.dtype == torch.uint8:
        return alpha.float() * (unit / 255)
    if not alpha.is_floating_point():
        raise TypeError(f"{name}: expected uint8 (0..255) or floating point in [0, 1], found {alpha.dtype}")
    # Sums of half-precision numbers over a whole image would lose most of their digits.
    return alpha.float() if alpha.itemsize < 4 else alpha


def _pair(preds: Tensor, target: Tensor, mask: Tensor | None) -> _Pair:
    # In codes, because differences of integers are exact: equal uint8 mattes give exactly 0.
    unit = 255.0 if preds.dtype == target.dtype == torch.uint8 else 1.0
    p, g = _alpha("preds", preds, unit), _alpha("target", target, unit)
    if p.shape != g.shape:
        raise ValueError(f"preds: expected the shape of target, {tuple(g.shape)}, found {tuple(p.shape)}")
    counted = torch.ones_like(g) if mask is None else (images("mask", mask) != 0).to(g.dtype)
    if counted.shape != g.shape:
        raise ValueError(f"mask: expected the shape of target, {tuple(g.shape)}, found {tuple(counted.shape)}")
    return _Pair(p, g, counted, unit)


def sad(preds: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Compute each image's sum of absolute differences, Σ|p − g| / 1000.

    Args:
        preds: ``(B, 1, H, W)`` or ``(B, H, W)`` predicted alpha, uint8 or floating point in [0, 1].
        target: True alpha, likewise, of the same shape.
        mask: Mask of the same shape and any dtype, nonzero at the pixels to count; None counts all.

    Returns:
        ``(B,)`` floating point.

    Raises:
        TypeError: If an alpha is neither uint8 nor floating point.
        ValueError: If a shape is not supported or the shapes differ.

    Example:
        >>> preds, target = torch.tensor([[[0.0, 1.0]], [[0.5, 1.0]]]), torch.ones(2, 1, 2)
        >>> (1000 * sad(preds, target)).tolist()
        [1.0, 0.5]
    """
    pair = _pair(preds, target, mask)
    return pair.sum(pair.excess.abs()) / pair.unit / 1000


def mad(preds: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Compute each image's mean absolute difference over the counted pixels; 0 where there are none.

    Arguments, return shape and errors are those of `sad`.
    """
    pair = _pair(preds, target, mask)
    return pair.mean(pair.excess.abs()) / pair.unit


def mse(preds: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Compute each image's mean squared error over the counted pixels; 0 where there are none.

    Arguments, return shape and errors are those of `sad`.
    """
    pair = _pair(preds, target, mask)
    return pair.mean(pair.excess.square()) / pair.unit**2


def _padding_index(size: int, numbers: Definition, device: torch.device) -> Tensor:
    index = torch.arange(-numbers.radius, size + numbers.radius, device=device)
    if numbers.border == "edge":
        return index.clamp(0, size - 1)
    # A mirrored image has a period of 2 n; of an index and its mirror image, the smaller one is inside.
    return torch.minimum(index % (2 * size), (-1 - index) % (2 * size))


def _smooth(images: Tensor, taps: list[float], dim: int) -> Tensor:
    size = images.shape[dim] - len(taps) + 1
    return reduce(torch.add, (tap * images.narrow(dim, i, size) for i, tap in enumerate(taps)))


def _differentiate(images: Tensor, taps: list[float], dim: int) -> Tensor:
    # Taps of opposite sign are subtracted before they are multiplied, so that a flat image has a slope of exactly 0.
    size, last = images.shape[dim] - len(taps) + 1, len(taps) - 1
    pairs = ((tap, images.narrow(dim, i, size), images.narrow(dim, last - i, size)) for i, tap in enumerate(taps))
    return reduce(torch.add, (tap * (one - other) for tap, one, other in islice(pairs, last // 2)))


def _gradients(images: Tensor, numbers: Definition) -> Tensor:
    """Filter ``(N, H, W)`` images by the Gaussian's derivatives: ``(2, N, H, W)``, along y and along x.

    Not by a convolution of torch, which may run in TF32 or under autocast and then keeps only three digits.
    """
    rows, columns = (_padding_index(size, numbers, images.device) for size in images.shape[1:])
    padded = images[:, rows][:, :, columns]
    smoothing, derivative = numbers.smoothing.tolist(), numbers.derivative.tolist()
    return torch.stack([_smooth(_differentiate(padded, derivative, dim), smoothing, 3 - dim) for dim in (1, 2)])


def _stretched(pair: _Pair) -> tuple[Tensor, Tensor, Tensor]:
    """Return target and excess of the alphas stretched to one range, and that range, ``(B, 1, 1)``, as their unit."""
    g, p = pair.target, pair.preds
    (g_low, g_high), (p_low, p_high) = ((a.amin((1, 2), keepdim=True), a.amax((1, 2), keepdim=True)) for a in (g, p))
    one = torch.ones_like(g_low)
    # A constant matte has no gradient in any unit, so it takes the unit of the other.
    g_range = torch.where(g_high > g_low, g_high - g_low, torch.where(p_high > p_low, p_high - p_low, one))
    p_range = torch.where(p_high > p_low, p_high - p_low, g_range)
    p_scale, g_scale = (torch.where(p_range == g_range, one, other) for other in (g_range, p_range))
    base = (g - g_low) * g_scale
    return base, (p - p_low) * p_scale - base, g_range * g_scale


def grad(preds: Tensor, target: Tensor, mask: Tensor | None = None, *, protocol: Protocol = "adobe") -> Tensor:
    """Compute each image's gradient error, Σ(‖∇p‖ − ‖∇g‖)² / 1000, as `matting.metrics.gradient` does.

    Args:
        preds: ``(B, 1, H, W)`` or ``(B, H, W)`` predicted alpha, uint8 or floating point in [0, 1].
        target: True alpha, likewise, of the same shape.
        mask: Mask of the same shape and any dtype, nonzero at the pixels to count; None counts all.
        protocol: ``adobe`` or ``p3m``.

    Returns:
        ``(B,)`` floating point.

    Raises:
        TypeError: If an alpha is neither uint8 nor floating point.
        ValueError: If a shape is not supported, the shapes differ, or there is no such protocol.
    """
    numbers = definition(protocol)
    pair = _pair(preds, target, mask)
    if numbers.min_max:
        base, excess, unit = _stretched(pair)
    else:
        base, excess, unit = pair.target, pair.excess, torch.full_like(pair.target[:, :1, :1], pair.unit)
    g, e = _gradients(torch.cat([base, excess]), numbers).chunk(2, dim=1)
    p = g + e
    norms = torch.linalg.vector_norm(p, dim=0) + torch.linalg.vector_norm(g, dim=0)
    difference = (e * (p + g)).sum(0) / (norms * unit).clamp(min=torch.finfo(norms.dtype).tiny)
    return pair.sum(difference.square()) / numbers.grad_divisor
