"""Error maps of a pair of mattes, and the metrics as sums over them."""

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.metrics.connectivity import connectivity_difference
from matting.metrics.definition import Protocol, Region, definition
from matting.metrics.gradient import gradient_difference
from matting.metrics.inputs import ArrayLike, alpha_pair, region_mask
from matting.metrics.windows import ErrorMap

Mask = NDArray[np.uint8] | None


class ErrorMaps:
    """The error maps of a pair, each computed on first access, so that metrics and regions share them.

    The methods `sad`, `mse`, `mad`, `grad` and `conn` reduce the maps over a mask returned by `counted`; the functions
    with the same names in `matting.metrics.functional` document the values.

    Args:
        preds: ``(H, W)`` predicted alpha, array or tensor, uint8 or floating point in [0, 1].
        target: ``(H, W)`` true alpha, likewise.
        protocol: ``adobe`` or ``p3m``.

    Raises:
        TypeError: If a dtype is not supported.
        ValueError: If a shape, a size, a value or the protocol is invalid.
    """

    def __init__(self, preds: ArrayLike, target: ArrayLike, protocol: Protocol = "adobe") -> None:
        self._definition = definition(protocol)
        self._preds, self._target = alpha_pair(preds, target, self._definition.conn_dtype)
        self._unit = 255.0 if self._target.dtype == np.uint8 else 1.0

    def counted(self, trimap: ArrayLike | None, region: Region, ignore: ArrayLike | None) -> Mask:
        """Return the mask of the pixels that count, see `matting.metrics.inputs.region_mask`."""
        return region_mask(self._target.shape, trimap, region, ignore)

    @cached_property
    def difference(self) -> ErrorMap:
        """|p − g|, in codes of 255 for uint8 mattes."""
        whole = slice(None), slice(None)
        # absdiff, since a difference of bytes wraps around.
        return [(whole, np.asarray(cv2.absdiff(self._preds, self._target)))]

    @cached_property
    def gradient(self) -> ErrorMap:
        """‖∇p‖ − ‖∇g‖."""
        return gradient_difference(self._preds, self._target, self._definition)

    @cached_property
    def connectivity(self) -> ErrorMap:
        """φp − φg."""
        return connectivity_difference(self._preds, self._target, self._definition)

    def sad(self, mask: Mask) -> float:
        """Σ|p − g| / 1000."""
        return _absolute(self.difference, mask) / self._unit / 1000

    def mad(self, mask: Mask) -> float:
        """Σ|p − g| / n."""
        return _absolute(self.difference, mask) / self._unit / self._count(mask)

    def mse(self, mask: Mask) -> float:
        """Σ(p − g)² / n."""
        return _squared(self.difference, mask) / self._unit**2 / self._count(mask)

    def grad(self, mask: Mask) -> float:
        """Σ(‖∇p‖ − ‖∇g‖)² over the protocol's divisor."""
        return _squared(self.gradient, mask) / self._definition.grad_divisor

    def conn(self, mask: Mask) -> float:
        """Σ|φp − φg| / 1000."""
        return _absolute(self.connectivity, mask) / 1000

    def _count(self, mask: Mask) -> int:
        return self._target.size if mask is None else max(cv2.countNonZero(mask), 1)


def _absolute(error: ErrorMap, mask: Mask) -> float:
    return _norm(error, mask, cv2.NORM_L1)


def _squared(error: ErrorMap, mask: Mask) -> float:
    return _norm(error, mask, cv2.NORM_L2SQR)


def _norm(error: ErrorMap, mask: Mask, kind: int) -> float:
    return sum(float(cv2.norm(tile, kind, None if mask is None else mask[window])) for window, tile in error)
