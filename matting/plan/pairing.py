"""Scene-antagonistic pairing: the same person and the same crop on another background.

The second background is chosen to differ: of a few random candidates, it is the one farthest from the first in
standardised statistics of brightness, hue and texture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matting.errors import MattingError


@dataclass(frozen=True)
class Pairing:
    """How many draws are paired.

    Attributes:
        fraction: Share, in [0, 1], of the draws of layered items that are views of a pair. Items without a foreground
            layer cannot be paired.
        candidates: Number of random backgrounds of which the farthest is taken; 1 takes a random one.
    """

    fraction: float = 0.5
    candidates: int = 8

    def __post_init__(self) -> None:
        if not 0 <= self.fraction <= 1:
            raise MattingError(f"pairing.fraction: expected a share in [0, 1], found {self.fraction}")
        if self.candidates < 1:
            raise MattingError(f"pairing.candidates: expected at least 1, found {self.candidates}")


def pair_count(rows: int, layered: int, items: int, fraction: float) -> int:
    """Return the number of pairs for which about ``fraction`` of the rows of layered items are views of a pair.

    With u = n - p units (pairs and singles), of which a share l is layered, there are u l + p layered rows, and 2 p of
    them are paired: ``2 p = f (u l + p)``. The count depends on sizes only, so that every epoch of a stage
    consumes the same number of items and any epoch can be planned without the earlier ones.

    Args:
        rows: Rows n of the channel.
        layered: Number of layered items in the pool.
        items: Number of items in the pool.
        fraction: Target share f.

    Returns:
        Pairs p, few enough that any ``rows - p`` consecutive items of the spread cycles include as many layered ones.
    """
    share = layered / items
    # The equation above with u = n - p, solved for p.
    wanted = fraction * rows * share / (2 + fraction * (share - 1))
    # Layered items are spread evenly through each cycle, but a range that crosses cycles can fall short of its quota.
    available = rows / 2 if layered == items else (rows * share - 3) / (1 + share)
    return max(0, int(min(wanted, available)))


def antagonists(
    first: NDArray[np.int64], candidates: NDArray[np.int64], statistics: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Choose, for each background, the candidate that differs most from it.

    Args:
        first: ``(P,)`` index of each pair's first background.
        candidates: ``(P, K)`` indices of candidate backgrounds.
        statistics: ``(N, D)`` statistics of all backgrounds, in any unit: they are standardised here.

    Returns:
        ``(P,)`` indices, each from the pair's candidates; equal to ``first`` only if all candidates are.
    """
    spread = statistics.std(axis=0)
    # A statistic that is the same everywhere, as in a set of one image, is 0 and not NaN.
    standard = (statistics - statistics.mean(axis=0)) / np.where(spread > 0, spread, 1)
    distance = np.linalg.norm(standard[candidates] - standard[first][:, None], axis=2)
    distance[candidates == first[:, None]] = -1.0  # behind every other candidate, even one of equal statistics
    return np.take_along_axis(candidates, distance.argmax(axis=1)[:, None], axis=1)[:, 0]
