"""Means of the metrics over images as torchmetrics classes: per image, then the unweighted mean, exact under DDP."""

from abc import abstractmethod
from typing import Any, get_args

import torch
from torch import Tensor
from torchmetrics import Metric

from matting.errors import MattingError
from matting.metrics import batched, functional
from matting.metrics.definition import Protocol, Region, definition
from matting.trimap import is_unknown


def _outside(alpha: Tensor) -> Tensor:
    """Return whether each image contains a NaN or a value outside [0, 1]: ``(B,)`` boolean, all False for uint8."""
    if not alpha.is_floating_point():
        return torch.zeros(len(alpha), dtype=torch.bool, device=alpha.device)
    # Negated, because every comparison with a NaN is False.
    return ~((alpha >= 0) & (alpha <= 1)).flatten(1).all(dim=1)


class _Mean(Metric):
    """The mean of a metric over the images that have pixels in the region.

    Args:
        region: ``whole``, or ``unknown`` for the unknown region of the trimap.
        protocol: ``adobe`` or ``p3m``; see `matting.metrics.functional`.
        validate_args: Whether to count images with a NaN or a value outside [0, 1] and make `compute` raise an error.
            If several metrics get the same alphas, one of them is enough.
        kwargs: Arguments of `torchmetrics.Metric`.

    Raises:
        ValueError: If the region or the protocol is invalid.
    """

    is_differentiable = False
    higher_is_better = False
    # The state is a sum, so torchmetrics' forward needs one update, not two.
    full_state_update = False
    total: Tensor
    count: Tensor
    refused: Tensor

    def __init__(
        self, region: Region = "whole", protocol: Protocol = "adobe", *, validate_args: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        # Raises for an unknown protocol now, not in the first step.
        definition(protocol)
        if region not in get_args(Region):
            raise ValueError(f"region: expected one of {get_args(Region)}, found {region!r}")
        self.region, self.protocol, self.validate_args = region, protocol, validate_args
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("refused", torch.tensor(0), dist_reduce_fx="sum")

    @abstractmethod
    def _values(self, preds: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Return the metric of each image, ``(B,)``."""

    def update(self, preds: Tensor, target: Tensor, trimap: Tensor | None = None, ignore: Tensor | None = None) -> None:
        """Add the images of a batch.

        Args:
            preds: ``(B, 1, H, W)`` or ``(B, H, W)`` predicted alpha, uint8 or floating point in [0, 1].
            target: True alpha, likewise, of the same shape.
            trimap: uint8 of the same shape, 127 or 128 where unknown; needed for the region ``unknown``.
            ignore: Mask of the same shape, nonzero at pixels without a valid annotation, which are not counted.

        Raises:
            TypeError: If a dtype is not supported.
            ValueError: If a shape is not supported or the trimap is missing.
        """
        mask = self._counted(trimap, ignore)
        values = self._values(preds, target, mask)
        self.total += values.sum()
        # Images, not batches: a mean of batch means would depend on the batch size. One without a counted pixel has a
        # value of 0, as if it were perfect; it is left out, as in an evaluation.
        self.count += len(values) if mask is None else mask.flatten(1).any(dim=1).sum()
        if self.validate_args:
            self.refused += (_outside(preds) | _outside(target)).sum()

    def compute(self) -> Tensor:
        """Return the mean over the images of all processes that have counted pixels, a scalar; NaN if none has.

        Raises:
            MattingError: If an image had a NaN or a value outside [0, 1]. The error is raised here, because a check in
                `update` would synchronise with the device in every step.
        """
        if self.refused > 0:
            raise MattingError(
                f"{type(self).__name__}: expected finite alphas in [0, 1], found {int(self.refused)} of "
                f"{int(self.count)} images with other values; clip the prediction, and look for a diverged run"
            )
        return self.total / self.count

    def _counted(self, trimap: Tensor | None, ignore: Tensor | None) -> Tensor | None:
        valid = None if ignore is None else batched.images("ignore", ignore) == 0
        if self.region == "whole":
            return valid
        if trimap is None:
            raise ValueError("region 'unknown': expected a trimap, found None; make one with trimap_from_alpha")
        if trimap.dtype != torch.uint8:
            raise TypeError(f"trimap: expected uint8 codes 0, 127 or 128, and 255, found {trimap.dtype}")
        unknown = is_unknown(batched.images("trimap", trimap))
        return unknown if valid is None else unknown & valid


class SAD(_Mean):
    """Mean over images of the sum of absolute differences, in thousands of pixels.

    Example:
        >>> metric = SAD()
        >>> metric.update(torch.zeros(3, 1, 8, 8), torch.ones(3, 1, 8, 8))
        >>> metric.compute()
        tensor(0.0640)
    """

    def _values(self, preds: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        return batched.sad(preds, target, mask)


class MSE(_Mean):
    """Mean over images of the mean squared error."""

    def _values(self, preds: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        return batched.mse(preds, target, mask)


class MAD(_Mean):
    """Mean over images of the mean absolute difference."""

    def _values(self, preds: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        return batched.mad(preds, target, mask)


class Grad(_Mean):
    """Mean over images of the gradient error."""

    def _values(self, preds: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        return batched.grad(preds, target, mask, protocol=self.protocol)


class Conn(_Mean):
    """Mean over images of the connectivity error, in thousands of pixels; copies each image to the host."""

    def _values(self, preds: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        preds, target = batched.images("preds", preds), batched.images("target", target)
        ignored = [None] * len(preds) if mask is None else ~mask
        pairs = zip(preds, target, ignored, strict=True)
        # One image at a time: connected components have no batched form.
        values = [functional.conn(p, g, protocol=self.protocol, ignore=i) for p, g, i in pairs]
        return torch.tensor(values, device=preds.device)
