"""The standard matting metrics on one image: SAD, MSE, MAD, Grad and Conn as pure functions.

The default protocol is the MATLAB evaluation code of Xu et al., "Deep Image Matting", CVPR 2017 (``adobe``); ``p3m`` is
what the P3M-10k and AM-2k tables use. They differ in Grad and Conn only; `matting.metrics.definition` contains both.

- A region only selects the pixels that are counted. Mattes are compared as they are: replacing the prediction by the
  sure regions of the trimap beforehand would add edges to it and change Grad by a large factor.
- Where no pixel is counted (a trimap without an unknown region) every metric is 0.
- Everything is computed on the host; call `cv2.setNumThreads(1)` for one thread per call.
"""

from collections.abc import Sequence

from matting.metrics.definition import Protocol, Region
from matting.metrics.errors import ErrorMaps
from matting.metrics.inputs import ArrayLike


def sad(
    preds: ArrayLike,
    target: ArrayLike,
    trimap: ArrayLike | None = None,
    *,
    region: Region = "whole",
    protocol: Protocol = "adobe",
    ignore: ArrayLike | None = None,
) -> float:
    """Compute the sum of absolute differences, Σ|p − g| / 1000.

    Args:
        preds: ``(H, W)`` predicted alpha, array or tensor, uint8 or floating point in [0, 1].
        target: ``(H, W)`` true alpha, likewise.
        trimap: ``(H, W)`` uint8: 0 background, 127 or 128 unknown, 255 foreground; needed for the region ``unknown``.
        region: ``whole`` counts all pixels, ``unknown`` those of the unknown region of the trimap.
        protocol: ``adobe`` or ``p3m``; both give the same value here.
        ignore: ``(H, W)`` boolean or integer, nonzero at pixels without a valid annotation, which are not counted.

    Returns:
        The error in thousands of pixels; 0 where no pixel is counted.

    Raises:
        TypeError: If a dtype is not supported.
        ValueError: If a shape, a size, a value, the region or the protocol is invalid, or the trimap is missing.

    Example:
        >>> import numpy as np
        >>> target = np.array([[0, 128, 255, 255]], np.uint8)
        >>> round(sad(np.array([[0, 128, 255, 204]], np.uint8), target), 6)
        0.0002
    """
    maps = ErrorMaps(preds, target, protocol)
    return maps.sad(maps.counted(trimap, region, ignore))


def mse(
    preds: ArrayLike,
    target: ArrayLike,
    trimap: ArrayLike | None = None,
    *,
    region: Region = "whole",
    protocol: Protocol = "adobe",
    ignore: ArrayLike | None = None,
) -> float:
    """Compute the mean squared error over the counted pixels.

    Args:
        preds: ``(H, W)`` predicted alpha, as in `sad`.
        target: ``(H, W)`` true alpha, as in `sad`.
        trimap: ``(H, W)`` trimap, as in `sad`.
        region: ``whole`` or ``unknown``, as in `sad`.
        protocol: ``adobe`` or ``p3m``; both give the same value here.
        ignore: ``(H, W)`` pixels not to be counted, as in `sad`.

    Returns:
        The error in [0, 1], not multiplied by 1000 as in some tables; 0 where no pixel is counted.

    Raises:
        TypeError: If a dtype is not supported.
        ValueError: If a shape, a size, a value, the region or the protocol is invalid, or the trimap is missing.
    """
    maps = ErrorMaps(preds, target, protocol)
    return maps.mse(maps.counted(trimap, region, ignore))


def mad(
    preds: ArrayLike,
    target: ArrayLike,
    trimap: ArrayLike | None = None,
    *,
    region: Region = "whole",
    protocol: Protocol = "adobe",
    ignore: ArrayLike | None = None,
) -> float:
    """Compute the mean absolute difference over the counted pixels.

    Args:
        preds: ``(H, W)`` predicted alpha, as in `sad`.
        target: ``(H, W)`` true alpha, as in `sad`.
        trimap: ``(H, W)`` trimap, as in `sad`.
        region: ``whole`` or ``unknown``, as in `sad`.
        protocol: ``adobe`` or ``p3m``; both give the same value here.
        ignore: ``(H, W)`` pixels not to be counted, as in `sad`.

    Returns:
        The error in [0, 1]; 0 where no pixel is counted.

    Raises:
        TypeError: If a dtype is not supported.
        ValueError: If a shape, a size, a value, the region or the protocol is invalid, or the trimap is missing.
    """
    maps = ErrorMaps(preds, target, protocol)
    return maps.mad(maps.counted(trimap, region, ignore))


def grad(
    preds: ArrayLike,
    target: ArrayLike,
    trimap: ArrayLike | None = None,
    *,
    region: Region = "whole",
    protocol: Protocol = "adobe",
    ignore: ArrayLike | None = None,
) -> float:
    """Compute the gradient error, Σ(‖∇p‖ − ‖∇g‖)² / 1000, with Gaussian derivatives of σ = 1.4 px.

    Args:
        preds: ``(H, W)`` predicted alpha, as in `sad`.
        target: ``(H, W)`` true alpha, as in `sad`.
        trimap: ``(H, W)`` trimap, as in `sad`.
        region: ``whole`` or ``unknown``, as in `sad`.
        protocol: ``adobe`` stretches each matte to [0, 1], uses 9 × 9 kernels of unit L2 norm and repeats the border;
            ``p3m`` does not stretch, uses SciPy's 13 taps, mirrors the border and divides by 10 instead.
        ignore: ``(H, W)`` pixels not to be counted, as in `sad`; their alphas still affect the gradients of neighbours.

    Returns:
        The error; 0 where no pixel is counted.

    Raises:
        TypeError: If a dtype is not supported.
        ValueError: If a shape, a size, a value, the region or the protocol is invalid, or the trimap is missing.
    """
    maps = ErrorMaps(preds, target, protocol)
    return maps.grad(maps.counted(trimap, region, ignore))


def conn(
    preds: ArrayLike,
    target: ArrayLike,
    trimap: ArrayLike | None = None,
    *,
    region: Region = "whole",
    protocol: Protocol = "adobe",
    ignore: ArrayLike | None = None,
) -> float:
    """Compute the connectivity error, Σ|φp − φg| / 1000, with steps of 0.1, θ = 0.15 and 4-neighbours.

    Args:
        preds: ``(H, W)`` predicted alpha, as in `sad`.
        target: ``(H, W)`` true alpha, as in `sad`.
        trimap: ``(H, W)`` trimap, as in `sad`.
        region: ``whole`` or ``unknown``, as in `sad`.
        protocol: ``adobe`` compares with the thresholds in float32, so 153 / 255 reaches 0.6; ``p3m`` in float64, where
            it does not. The script of P3M skips a level without a component, so that an empty prediction has no error;
            here such a level counts in both protocols.
        ignore: ``(H, W)`` pixels not to be counted, as in `sad`; components may still extend through them.

    Returns:
        The error in thousands of pixels; 0 where no pixel is counted.

    Raises:
        TypeError: If a dtype is not supported.
        ValueError: If a shape, a size, a value, the region or the protocol is invalid, or the trimap is missing.
    """
    maps = ErrorMaps(preds, target, protocol)
    return maps.conn(maps.counted(trimap, region, ignore))


def all_metrics(
    preds: ArrayLike,
    target: ArrayLike,
    trimap: ArrayLike | None = None,
    *,
    regions: Sequence[Region] = ("whole",),
    protocol: Protocol = "adobe",
    ignore: ArrayLike | None = None,
) -> dict[str, float]:
    """Compute all five metrics over several regions, sharing the error maps.

    Args:
        preds: ``(H, W)`` predicted alpha, as in `sad`.
        target: ``(H, W)`` true alpha, as in `sad`.
        trimap: ``(H, W)`` trimap, as in `sad`.
        regions: Any of ``whole`` and ``unknown``.
        protocol: ``adobe`` or ``p3m``.
        ignore: ``(H, W)`` pixels not to be counted, as in `sad`.

    Returns:
        ``{"sad/whole": ..., "mse/whole": ..., "mad/whole": ..., "grad/whole": ..., "conn/whole": ...}`` and so on for
        each region, equal to the values of the single functions.

    Raises:
        TypeError: If a dtype is not supported.
        ValueError: If a shape, a size, a value, a region or the protocol is invalid, or the trimap is missing.

    Example:
        >>> import numpy as np
        >>> target, trimap = np.array([[0, 128, 255, 255]], np.uint8), np.array([[0, 128, 128, 255]], np.uint8)
        >>> scores = all_metrics(target // 2, target, trimap, regions=("whole", "unknown"))
        >>> round(scores["mad/whole"], 3), round(scores["mad/unknown"], 3)
        (0.314, 0.376)
    """
    maps = ErrorMaps(preds, target, protocol)
    masks = {region: maps.counted(trimap, region, ignore) for region in regions}
    metrics = {"sad": maps.sad, "mse": maps.mse, "mad": maps.mad, "grad": maps.grad, "conn": maps.conn}
    return {f"{name}/{region}": metric(mask) for region, mask in masks.items() for name, metric in metrics.items()}
