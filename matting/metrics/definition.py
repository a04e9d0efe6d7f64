"""The definitions of the two common evaluation protocols, side by side: the only place where they differ."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from matting.errors import MattingError

Region = Literal["whole", "unknown"]
Protocol = Literal["adobe", "p3m"]

SIGMA = 1.4
STEP = 0.1
THETA = 0.15
LEVELS = 10
"""Constants of Grad (standard deviation in pixels) and Conn (threshold step, θ, number of thresholds)."""


@dataclass(frozen=True)
class Definition:
    """The parameters of Grad and Conn in one protocol; SAD, MSE and MAD are the same in all protocols.

    Attributes:
        smoothing: ``(2r + 1,)`` float64, the Gaussian.
        derivative: ``(2r + 1,)`` float64, its first derivative.
        border: How the image continues beyond its edge: ``edge`` repeats the last pixel, ``symmetric`` mirrors the
            image with the last pixel repeated (the names are those of `numpy.pad`).
        min_max: Whether each alpha is stretched to [0, 1] before its gradient is taken.
        grad_divisor: Divisor of the sum of squared differences of gradient magnitudes.
        conn_dtype: The precision in which Conn compares alphas with its thresholds.
        column_major: Whether, of several equally large components, the first by columns counts (the memory order of
            MATLAB) or the first by rows.
    """

    smoothing: NDArray[np.float64]
    derivative: NDArray[np.float64]
    border: Literal["edge", "symmetric"]
    min_max: bool
    grad_divisor: float
    conn_dtype: np.dtype[Any]
    column_major: bool

    @property
    def radius(self) -> int:
        """Half-size of the kernels in pixels: 4 makes nine taps."""
        return len(self.smoothing) // 2


def _gaussian(radius: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x = np.arange(-radius, radius + 1, dtype=np.float64)
    smoothing = np.exp(-(x**2) / (2 * SIGMA**2))
    smoothing /= smoothing.sum()
    return smoothing, -x / SIGMA**2 * smoothing


def _adobe() -> Definition:
    # The radius is where the Gaussian falls below epsilon = 0.01, as in the MATLAB code. A separable kernel of unit L2
    # norm has factors of unit L2 norm.
    radius = int(np.ceil(SIGMA * np.sqrt(-2 * np.log(np.sqrt(2 * np.pi) * SIGMA * 0.01))))
    smoothing, derivative = (kernel / np.linalg.norm(kernel) for kernel in _gaussian(radius))
    return Definition(smoothing, derivative, "edge", True, 1000.0, np.dtype(np.float32), column_major=True)


def _p3m() -> Definition:
    # SciPy truncates a Gaussian at four standard deviations and normalises its sum to one.
    smoothing, derivative = _gaussian(int(4.0 * SIGMA + 0.5))
    return Definition(smoothing, derivative, "symmetric", False, 10.0, np.dtype(np.float64), column_major=False)


_DEFINITIONS: dict[str, Definition] = {"adobe": _adobe(), "p3m": _p3m()}


def definition(protocol: Protocol) -> Definition:
    """Return the definition of a protocol.

    Args:
        protocol: ``adobe`` for the MATLAB code of Xu et al., "Deep Image Matting", CVPR 2017, which most tables use;
            ``p3m`` for the Python code of Li et al., "Privacy-Preserving Portrait Matting", ACM MM 2021 (and GFM),
            which the P3M-10k and AM-2k tables use.

    Returns:
        The definition.

    Raises:
        MattingError: If there is no such protocol.
    """
    if protocol not in _DEFINITIONS:
        raise MattingError(f"protocol: expected one of {get_args(Protocol)}, found {protocol!r}")
    return _DEFINITIONS[protocol]
