"""The mixture: how many rows of an epoch each stream gets, and at which positions.

A *stream* is an entry of the mixture: a role, filled by one or more data sets, or ``augmented``, which draws from the
roles and degrades what it draws. Counts are exact per epoch, not on average, and spread so evenly that any window as
long as the sum of the weights contains each stream as often as its weight, within one row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from matting.errors import MattingError

AUGMENTED = "augmented"


@dataclass(frozen=True)
class Mixture:
    """Relative weights of the streams.

    Attributes:
        weights: Weight of each stream, non-negative, on any scale: 1:8:5:12 is
            ``{"studio": 1, "portraits": 8, "coarse": 5, "augmented": 12}``.
        augmented_from: Weights of the roles in the ``augmented`` stream; by default those of the mixture itself.
            Required if ``augmented`` is the only stream.

    Raises:
        MattingError: If a weight is negative, no weight is positive, or ``augmented`` has no role to draw from.

    Example:
        >>> mixture = Mixture({"studio": 1, "portraits": 8, "coarse": 0, "augmented": 12})
        >>> mixture.streams()
        {'studio': 1, 'portraits': 8, 'augmented': 12}
        >>> mixture.origins()
        {'studio': 1, 'portraits': 8}
    """

    weights: Mapping[str, float]
    augmented_from: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        for name, weight in {**self.weights, **(self.augmented_from or {})}.items():
            if weight < 0:
                raise MattingError(
                    f"mixture: expected weights >= 0, found {name}: {weight}; use 0 to leave a stream out"
                )
        if not any(self.weights.values()):
            raise MattingError(f"mixture: expected a positive weight, found {dict(self.weights)}")
        if self.weights.get(AUGMENTED, 0) > 0 and not any(self.origins().values()):
            raise MattingError("mixture: 'augmented' has no role to draw from; set data.mixture.augmented_from")

    def streams(self) -> dict[str, float]:
        """Return the streams with a positive weight."""
        return {name: weight for name, weight in self.weights.items() if weight > 0}

    def origins(self) -> dict[str, float]:
        """Return the roles that the ``augmented`` stream draws from, with their positive weights."""
        weights = self.weights if self.augmented_from is None else self.augmented_from
        return {name: weight for name, weight in weights.items() if weight > 0 and name != AUGMENTED}

    def roles(self) -> set[str]:
        """Return every role that some stream draws from."""
        direct = self.streams().keys() - {AUGMENTED}
        return direct | (self.origins().keys() if AUGMENTED in self.streams() else set())


def natural(sizes: Mapping[str, int], augmented_share: float) -> Mixture:
    """Build the mixture of simply pooled data sets: every item is drawn equally often.

    Args:
        sizes: Number of items of each role.
        augmented_share: Share of the ``augmented`` stream in all rows, in [0, 1).

    Returns:
        The mixture.

    Raises:
        MattingError: If the share is outside its range.
    """
    if not 0 <= augmented_share < 1:
        raise MattingError(f"mixture.augmented_share: expected a share in [0, 1), found {augmented_share}")
    augmented = sum(sizes.values()) * augmented_share / (1 - augmented_share)
    # Few decimals keep the exact fractions of `apportion` small.
    return Mixture({**sizes, AUGMENTED: round(augmented, 3)})


def apportion(weights: Sequence[float], rows: int) -> NDArray[np.int64]:
    """Divide ``rows`` by weight with the largest-remainder (Hamilton) method.

    Args:
        weights: Non-negative weights with a positive sum. Decimals are exact: 0.1 is one tenth.
        rows: Number of rows to divide.

    Returns:
        ``(len(weights),)`` int64 counts that sum to ``rows``, each the exact quota rounded down or up; of equal
        remainders the earlier stream wins.

    Example:
        >>> apportion([1, 8, 5, 12], rows=100).tolist()
        [4, 31, 19, 46]
    """
    quotas = [share * rows for share in _shares(weights)]
    counts = np.array([int(quota) for quota in quotas], dtype=np.int64)
    remainders = sorted(range(len(quotas)), key=lambda k: (int(quotas[k]) - quotas[k], k))
    counts[remainders[: rows - int(counts.sum())]] += 1
    return counts


def spread(weights: Sequence[float], rows: int) -> NDArray[np.int64]:
    """Arrange ``rows`` rows so that every stream recurs as evenly as possible.

    The k-th row of a stream with share p has its ideal place at ``(k + 1/2) / p``; sorting all rows by it gives the
    classical level schedule for a mixed-model assembly line (Inman & Bulfin, 1991).

    Args:
        weights: As in `apportion`.
        rows: Number of rows.

    Returns:
        ``(rows,)`` int64 index of the stream of each row, with the counts of `apportion`.

    Example:
        >>> spread([1, 2, 1], rows=8).tolist()
        [1, 0, 2, 1, 1, 0, 2, 1]
    """
    counts = apportion(weights, rows)
    places = [ideal_places(np.arange(n), 1, share) for n, share in zip(counts, _shares(weights), strict=True)]
    stream = np.repeat(np.arange(len(counts)), counts)
    return stream[np.argsort(np.concatenate(places), kind="stable")]


# Cached, since each epoch needs the totals of all epochs of its stage before it.
@lru_cache(2**14)
def level_counts(weights: tuple[float, ...], rows: int) -> tuple[int, ...]:
    """Count each stream in the first ``rows`` rows of an endless level schedule as in `spread`.

    These are the counts of Webster's (Sainte-Laguë's) apportionment, which is house-monotone: a further row never takes
    one from a stream. The difference between two epochs is therefore the second one's rows, any epoch can be computed
    without the earlier ones, and a row that rounding withholds from a small stream comes in a later epoch.

    Args:
        weights: Positive weights.
        rows: Number of rows.

    Returns:
        Counts that sum to ``rows``, none of which falls as ``rows`` grows.
    """
    shares = _shares(weights)
    counts = [int(rows * share + Fraction(1, 2)) for share in shares]  # rows whose ideal place is at most `rows`
    while (total := sum(counts)) != rows:
        # Add the next row, or drop the last one; equal places are in the order of the streams.
        step = 1 if total < rows else -1
        places = [
            (step * Fraction(2 * n + step, 2) / share, step * k)
            for k, (n, share) in enumerate(zip(counts, shares, strict=True))
        ]
        counts[places.index(min(places))] += step
    return tuple(counts)


def ideal_places(first: NDArray[np.int64], size: int | NDArray[np.int64], share: Fraction) -> NDArray[np.float64]:
    """Return the ideal places of units of ``size`` rows that start at row ``first`` of their stream; see `spread`."""
    # A share of 0 has no rows, hence nothing to place, but would still divide by zero.
    return np.asarray((first + size / 2) / float(share or 1))


def _shares(weights: Sequence[float]) -> list[Fraction]:
    # Through `str`, since Fraction(0.1) is not one tenth; exact sums keep counts equal on every machine.
    exact = [Fraction(str(weight)) for weight in weights]
    return [weight / sum(exact) for weight in exact]
