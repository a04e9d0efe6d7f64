"""Counter-based random numbers: each is a pure function of a row's key, computed on the key's device.

A generator with state would tie a view to its neighbours, its rank and every step before it. Here a number is a hash
of (key, counter), as in Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), with the finaliser of
SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) as the hash. Nothing is drawn on the host, so nothing synchronises.
"""

import math
from enum import IntEnum, unique
from typing import NamedTuple

import torch
from torch import Tensor

from matting.errors import MattingError

_GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15, the increment of SplitMix64, as a signed integer
_MULTIPLIERS = (-4658895280553007687, -7723592293110705685)
_GAMMA_CANDIDATES = 8  # Marsaglia and Tsang accept one in more than 95 %: all eight fail once in 10^10


@unique
class Stream(IntEnum):
    """One constant for each use of random numbers, so that no two uses share any."""

    GEOMETRY = 1
    APPEARANCE = 2
    WARP = 3
    UNKNOWN = 4
    TRIMAP = 5
    AUGMIX = 6
    BLUR = 7
    SENSOR = 8
    GAPS = 9
    PHONE = 10
    CONSISTENCY = 11


class Keys(NamedTuple):
    """What everything random about a batch is a function of.

    Attributes:
        geometry: ``(B,)`` int64, shared by the views of a pair.
        appearance: ``(B,)`` int64, one per view.
    """

    geometry: Tensor
    appearance: Tensor

    @classmethod
    def of(cls, seed: Tensor, view: Tensor) -> "Keys":
        """Derive the keys from seeds and views, both ``(B,)`` int64."""
        return cls(fold(seed, Stream.GEOMETRY), fold(fold(seed, Stream.APPEARANCE), view))


def _mix(bits: Tensor) -> Tensor:
    """Finaliser of SplitMix64, in place; torch shifts int64 arithmetically, so the sign bits are masked away."""
    bits.bitwise_xor_((bits >> 30).bitwise_and_((1 << 34) - 1)).mul_(_MULTIPLIERS[0])
    bits.bitwise_xor_((bits >> 27).bitwise_and_((1 << 37) - 1)).mul_(_MULTIPLIERS[1])
    return bits.bitwise_xor_((bits >> 31).bitwise_and_((1 << 33) - 1))


def fold(key: Tensor, part: int | Tensor) -> Tensor:
    """Derive an independent key from a key and a part of its name.

    Args:
        key: ``(B,)`` int64 keys or seeds.
        part: a constant (a :class:`Stream`, a depth) or a ``(B,)`` int64 tensor (the view).

    Returns:
        ``(B,)`` int64. Folding differs from counting, so numbers drawn from a key say nothing of the keys under it.
    """
    offset = (part + 1) * _GOLDEN
    if isinstance(offset, int):  # wrapped on the host: a tensor made here would be copied to the device, and waited for
        offset = (offset + (1 << 63)) % (1 << 64) - (1 << 63)
    return _mix(_mix(key.clone()) + offset)


def uniform(key: Tensor, *shape: int) -> Tensor:
    """Numbers uniform on [0, 1), 24 bits each.

    Args:
        key: ``(B,)`` int64.
        shape: what each row receives.

    Returns:
        ``(B, *shape)`` float32 on the key's device; row ``i`` depends on ``key[i]`` alone.
    """
    count = math.prod(shape)
    counter = torch.arange(1, (count + 1) // 2 + 1, device=key.device).mul_(_GOLDEN)
    bits = _mix(counter + key[:, None]).view(torch.int32)[:, :count]
    # 24 bits are what float32 holds exactly; 32 would round up to 1 now and then
    return (bits >> 8).bitwise_and_((1 << 24) - 1).float().mul_(2.0**-24).view(-1, *shape)


def between(key: Tensor, low: float, high: float) -> Tensor:
    """One number per row, uniform on [low, high): ``(B,)`` float32."""
    return low + (high - low) * uniform(key)


def chance(key: Tensor, probability: float) -> Tensor:
    """One event per row: ``(B,)`` bool, True with the probability given."""
    return uniform(key) < probability


def normal(key: Tensor, *shape: int) -> Tensor:
    """Standard normal numbers (Box and Muller, 1958): ``(B, *shape)`` float32, as :func:`uniform`."""
    count = math.prod(shape)
    first, second = uniform(key, 2, (count + 1) // 2).unbind(1)
    # log(1 - u), since u may be 0 but never 1
    radius = first.neg_().log1p_().mul_(-2).sqrt_()
    angle = second.mul_(2 * math.pi)
    pairs = torch.cat([radius * angle.cos(), radius * angle.sin()], dim=1)
    return pairs[:, :count].reshape(-1, *shape)


def gamma(key: Tensor, concentration: float, count: int) -> Tensor:
    """Gamma numbers of unit scale (Marsaglia and Tsang, ACM TOMS 2000), a fixed number of candidates, no loop.

    Args:
        key: ``(B,)`` int64.
        concentration: the shape parameter, > 0.
        count: numbers per row.

    Returns:
        ``(B, count)`` float32, > 0.

    Raises:
        MattingError: for a concentration that is not positive.
    """
    if concentration <= 0:
        raise MattingError(f"expected a concentration > 0, found {concentration}")
    d = concentration + 1 - 1 / 3
    z = normal(fold(key, 0), count, _GAMMA_CANDIDATES)
    v = (1 + z / math.sqrt(9 * d)) ** 3
    proposal = uniform(fold(key, 1), count, _GAMMA_CANDIDATES)
    accepted = (v > 0) & (torch.log(proposal) < 0.5 * z**2 + d - d * v + d * torch.log(v.clamp(min=1e-12)))
    # the first accepted candidate of each row, instead of a loop until all rows have one
    first = accepted.to(torch.uint8).argmax(dim=-1, keepdim=True)
    boost = (1 - uniform(fold(key, 2), count)) ** (1 / concentration)  # Gamma(a) = Gamma(a + 1) * U^(1/a)
    return (d * v.gather(-1, first).squeeze(-1) * boost).clamp(min=torch.finfo(torch.float32).tiny)


def dirichlet(key: Tensor, concentration: float, count: int) -> Tensor:
    """Symmetric Dirichlet weights: ``(B, count)`` float32, >= 0, each row summing to 1."""
    weights = gamma(key, concentration, count)
    return weights / weights.sum(dim=1, keepdim=True)
