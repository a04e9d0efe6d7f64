"""Validation of the inputs of the metrics."""

from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from matting.errors import MattingError
from matting.metrics.definition import Region
from matting.trimap import is_unknown

ArrayLike = NDArray[Any] | Tensor


def as_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Convert a single-channel image to a NumPy array on the host.

    Args:
        name: Name of the argument in error messages.
        value: ``(H, W)`` array or tensor, any dtype, on any device.

    Returns:
        ``(H, W)`` array; float16 and bfloat16 as float32.

    Raises:
        TypeError: If it is neither an array nor a tensor.
        MattingError: If it is not two-dimensional or has no pixels.
    """
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        # NumPy has no bfloat16.
        value = (value.float() if value.is_floating_point() and value.itemsize < 4 else value).numpy()
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name}: expected a NumPy array or a torch tensor, found {type(value).__name__}")
    if value.ndim != 2 or value.size == 0:
        raise MattingError(
            f"{name}: expected one image of shape (H, W) with at least one pixel, found {value.shape}; "
            "pass the images of a batch one by one and drop the channel axis"
        )
    return value


def alpha_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Validate an alpha matte.

    Args:
        name: Name of the argument in error messages.
        value: ``(H, W)`` uint8, or floating point in [0, 1].

    Returns:
        ``(H, W)`` C-contiguous array of uint8, float32 or float64.

    Raises:
        TypeError: If the dtype is not supported.
        MattingError: If the shape is not ``(H, W)``, or a value is not finite or is outside [0, 1].
    """
    alpha = as_array(name, value)
    if alpha.dtype == np.uint8:
        return np.ascontiguousarray(alpha)
    if not np.issubdtype(alpha.dtype, np.floating):
        raise TypeError(
            f"{name}: expected uint8 (0..255) or floating point in [0, 1], found {alpha.dtype}; "
            "divide integers by their largest code first"
        )
    # A NaN anywhere makes both NaN, so no third pass is needed to find it.
    low, high = alpha.min(), alpha.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise MattingError(f"{name}: expected finite values in [0, 1], found NaN or infinity; look for a diverged run")
    if low < 0 or high > 1:
        raise MattingError(
            f"{name}: expected floating-point values in [0, 1], found {low:g} to {high:g}; "
            "divide 8-bit codes by 255, clip a network's overshoot"
        )
    return np.ascontiguousarray(alpha, dtype=np.float32 if alpha.dtype.itemsize <= 4 else np.float64)


def alpha_pair(preds: ArrayLike, target: ArrayLike, precision: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Validate a predicted and a true alpha and convert them to one dtype.

    Args:
        preds: ``(H, W)`` predicted alpha, uint8 or floating point in [0, 1].
        target: ``(H, W)`` true alpha, likewise; the dtypes may differ.
        precision: float32 or float64, the lowest precision to which differing dtypes are converted. Codes divided by
            255 are exact in neither, and at a threshold of Conn the rounding matters.

    Returns:
        Both unchanged if their dtypes agree, else both in the widest floating-point dtype involved, in [0, 1].

    Raises:
        TypeError: If a dtype is not supported.
        MattingError: If a shape or a value is invalid, or the sizes differ.
    """
    pair = alpha_array("preds", preds), alpha_array("target", target)
    if pair[0].shape != pair[1].shape:
        raise MattingError(
            f"preds: expected the size of target, {pair[1].shape}, found {pair[0].shape}; "
            "resize the prediction to the original size of the photo"
        )
    if pair[0].dtype == pair[1].dtype:
        return pair
    dtype = np.result_type(precision, *(alpha.dtype for alpha in pair if alpha.dtype != np.uint8))
    first, second = (alpha.astype(dtype) / (255 if alpha.dtype == np.uint8 else 1) for alpha in pair)
    return first, second


def _unknown(trimap: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if trimap is None:
        raise MattingError("region 'unknown': expected a trimap, found None; make one with trimap_from_alpha")
    array = as_array("trimap", trimap)
    if array.dtype != np.uint8:
        raise TypeError(f"trimap: expected uint8 codes 0, 127 or 128, and 255, found {array.dtype}")
    if array.shape != shape:
        raise MattingError(f"trimap: expected the size of the mattes, {shape}, found {array.shape}")
    unknown = is_unknown(array)
    if not (unknown | (array == 0) | (array == 255)).all():
        raise MattingError(
            f"trimap: expected only the codes 0, 127 or 128, and 255, found {np.unique(array)[:8].tolist()}; "
            "a trimap saved as JPEG or resized with interpolation has to be made again"
        )
    return np.where(unknown, 255, 0).astype(np.uint8)


def region_mask(
    shape: tuple[int, ...], trimap: ArrayLike | None, region: Region, ignore: ArrayLike | None
) -> NDArray[np.uint8] | None:
    """Return the mask of the pixels that count.

    Args:
        shape: ``(H, W)`` of the mattes.
        trimap: ``(H, W)`` uint8 of 0, 127 or 128 (unknown), and 255; used for the region ``unknown`` only.
        region: ``whole`` or ``unknown``.
        ignore: ``(H, W)`` boolean or integer, nonzero at pixels without a valid annotation; None if all are valid.

    Returns:
        ``(H, W)`` uint8, 255 where a pixel counts and 0 elsewhere; None where all count.

    Raises:
        TypeError: If the trimap is not uint8 or `ignore` is floating point.
        MattingError: If the region is invalid, a size differs, or the trimap is missing or contains other codes.
    """
    if region not in get_args(Region):
        raise MattingError(f"region: expected one of {get_args(Region)}, found {region!r}")
    mask = _unknown(trimap, shape) if region == "unknown" else None
    if ignore is None:
        return mask
    ignored = as_array("ignore", ignore)
    if np.issubdtype(ignored.dtype, np.floating):
        raise TypeError(f"ignore: expected a boolean or integer mask, found {ignored.dtype}; compare it with 0 first")
    if ignored.shape != shape:
        raise MattingError(f"ignore: expected the size of the mattes, {shape}, found {ignored.shape}")
    # 0 and 255, the masks of OpenCV.
    valid = np.where(ignored != 0, 0, 255).astype(np.uint8)
    return valid if mask is None else mask & valid
