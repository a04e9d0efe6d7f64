"""Units of the plan, pairs and singles: how items are chosen in cycles and how streams are interleaved."""

import os
from fractions import Fraction
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from matting.errors import MattingError
from matting.plan.catalog import Catalog, Integers
from matting.plan.curriculum import Stage
from matting.plan.mixture import AUGMENTED, Mixture, apportion, ideal_places, level_counts, spread
from matting.plan.pairing import Pairing, pair_count


class Units(NamedTuple):
    """Pairs and singles of one stream, in order, as parallel columns; ``size`` is 2 for a pair and 1 for a single."""

    source: Integers
    item: Integers
    size: Integers


class Key(NamedTuple):
    """Key of a sequence of random numbers that can be entered at any position."""

    seed: int
    stage: int
    name: str

    def of(self, name: str) -> "Key":
        """Return the key of a part of this sequence."""
        return self._replace(name=f"{self.name}/{name}")

    def matrix(self, kind: int, first: int, last: int, width: int) -> NDArray[np.float64]:
        """Return rows ``first`` to ``last - 1`` of an endless random matrix of ``width`` columns, uniform in [0, 1)."""
        blocks = -(-width // 4)  # Philox advances in blocks of four numbers
        # crc32 and not `hash`, which Python salts in every process.
        bits = np.random.Philox(np.random.SeedSequence([self.seed, self.stage, crc32(os.fsencode(self.name)), kind]))
        bits.advance(first * blocks)
        return np.random.Generator(bits).random((last - first, 4 * blocks))[:, :width]


def stream_units(
    rows: int,
    stream: str,
    mixture: Mixture,
    stage: Stage,
    catalog: Catalog,
    pairing: Pairing,
    key: Key,
    age: int,
) -> Units:
    """Return the units of one stream: those of its role, or of the roles that ``augmented`` draws from.

    Args:
        rows: Rows of the stream per epoch.
        stream: A role, or ``augmented``.
        mixture: Weights of the streams.
        stage: Stage of the curriculum.
        catalog: What can be drawn.
        pairing: Pairs.
        key: Key of the stream's random numbers.
        age: Number of the epoch within its stage.

    Raises:
        MattingError: If the stage leaves nothing to draw for the stream.
    """
    origins = {stream: 1.0}
    if stream == AUGMENTED:
        origins = {name: weight for name, weight in mixture.origins().items() if stage.allows(name)}
        if not origins:
            raise MattingError(f"stage '{stage.name}' opens 'augmented' but no role for it to draw from")
    parts, places = [], []
    for (role, weight), count in zip(origins.items(), apportion(list(origins.values()), rows), strict=True):
        units = _role_units(int(count), role, stage, catalog, pairing, key, age)
        parts.append(units)
        places.append(ideal_places(np.cumsum(units.size) - units.size, units.size, Fraction(str(weight))))
    return _merge(parts, places)


def _role_units(rows: int, role: str, stage: Stage, catalog: Catalog, pairing: Pairing, key: Key, age: int) -> Units:
    """Return the units that fill ``rows`` rows of the epoch ``age`` of a stage from the sets of a role."""
    pools = {name: index.pool(stage.rule(role)) for name, index in catalog.roles[role].items()}
    pools = {name: pool for name, pool in pools.items() if len(pool)}
    if not rows or not pools:
        if rows:
            raise MattingError(f"stage '{stage.name}' leaves no item of '{role}' open; check its difficulties and tags")
        return Units(*(np.empty(0, np.int64) for _ in Units._fields))
    weights = tuple(catalog.weights.get(role, {}).get(name, len(pool)) for name, pool in pools.items())
    totals = np.array([level_counts(weights, epoch * rows) for epoch in range(age + 2)])  # at the start of each epoch
    parts, places = [], []
    for column, (name, pool) in enumerate(pools.items()):
        layered, source = catalog.roles[role][name].layered[pool], f"{role}.{name}"
        item, size = _channel_units(np.diff(totals[:, column]), pool, layered, pairing, key.of(source))
        parts.append(Units(np.full(len(item), list(catalog.sources).index(source)), item, size))
        first = totals[age, column] + np.cumsum(size) - size
        places.append(ideal_places(first, size, Fraction(str(weights[column]))))
    return _merge(parts, places)


def _channel_units(
    rows: Integers, pool: Integers, layered: NDArray[np.bool_], pairing: Pairing, key: Key
) -> tuple[Integers, Integers]:
    """Return items and sizes (1 or 2) of the units that fill the last epoch's rows from one pool.

    Args:
        rows: Rows of each epoch of the stage up to and including this one.
        pool: Indices of the open items.
        layered: Which of them have a foreground layer.
        pairing: Pairs.
        key: Key of the pool's random numbers.
    """
    pairs = [pair_count(count, int(layered.sum()), len(pool), pairing.fraction) for count in rows.tolist()]
    units = rows - pairs
    # The units of earlier epochs of the stage are only counted, not planned.
    position = _cycles(layered, int(units[:-1].sum()), int(units[-1]), key)
    size = np.ones(len(position), dtype=np.int64)
    candidates = np.flatnonzero(layered[position])
    # Spread over the layered units, so that pairs recur as evenly as everything else.
    if pairs[-1]:
        size[candidates[((np.arange(pairs[-1]) + 0.5) * len(candidates) / pairs[-1]).astype(np.int64)]] = 2
    return pool[position], size


def _merge(parts: list[Units], places: list[NDArray[np.float64]]) -> Units:
    """Merge units by their places; within each part they are already ordered."""
    if len(parts) == 1:
        return parts[0]
    order = np.argsort(np.concatenate(places), kind="stable")
    return Units(*(np.concatenate(column)[order] for column in zip(*parts, strict=True)))


def _cycles(layered: NDArray[np.bool_], start: int, count: int, key: Key) -> Integers:
    """Return ``count`` entries, from ``start`` on, of an endless sequence of shuffled cycles through a pool.

    Each cycle contains every position once, so no item repeats before all were used; layered items recur evenly within
    the cycle, so that every range has its share of pairs. Any range is computed without the ones before it.
    """
    if not count:
        return np.empty(0, np.int64)
    total = len(layered)
    first, last = start // total, (start + count - 1) // total + 1
    cycles = np.empty((last - first, total), dtype=np.int64)
    pattern = spread([int(layered.sum()), int((~layered).sum())], total)
    for kind, members in enumerate((np.flatnonzero(layered), np.flatnonzero(~layered))):
        # Sorting random keys shuffles each cycle; unlike `permutation`, it can start at any cycle.
        keys = key.matrix(kind, first, last, len(members))
        cycles[:, pattern == kind] = members[np.argsort(keys, axis=1)]
    return cycles.reshape(-1)[start - first * total :][:count]


def interleave(streams: list[Units], weights: list[float]) -> tuple[Integers, Integers]:
    """Interleave the units of all streams evenly, with pairs at even rows.

    Args:
        streams: Units of each stream.
        weights: Weight of each stream.

    Returns:
        Order of the concatenated units, and the stream of each unit before it is ordered.
    """
    exact = [Fraction(str(weight)) for weight in weights]
    places = [
        ideal_places(np.cumsum(units.size) - units.size, units.size, share / sum(exact))
        for units, share in zip(streams, exact, strict=True)
    ]
    place, size = np.concatenate(places), np.concatenate([units.size for units in streams])
    stream = np.repeat(np.arange(len(streams)), [len(units.size) for units in streams])
    order = np.argsort(place, kind="stable")
    if (size == 1).all():
        return order, stream
    # Singles are joined in twos, placed at the mean of their places, so that every block has two rows.
    couples, pairs = order[size[order] == 1].reshape(-1, 2), order[size[order] == 2]
    blocks = np.concatenate([couples, np.stack([pairs, pairs], axis=1)])
    blocks = blocks[np.argsort(np.concatenate([place[couples].mean(axis=1), place[pairs]]), kind="stable")]
    blocks = _level(blocks, stream, [float(share / sum(exact)) for share in exact])
    # A pair fills both entries of its block: drop the repetition.
    return blocks[np.append(True, blocks.ravel()[1:] != blocks.ravel()[:-1]).reshape(-1, 2)], stream


def _level(blocks: Integers, stream: Integers, shares: list[float], passes: int = 8) -> Integers:
    """Swap neighbouring blocks where a stream is 1.3 rows or more ahead of its share, or behind it.

    This keeps windows within two rows of the ratio. A swap changes the running totals only between its two blocks, so
    all places are corrected at once; a few passes resolve the rare chains.
    """
    excess = (stream[blocks][:, :, None] == np.arange(len(shares))).sum(axis=1) - 2 * np.array(shares)
    for _ in range(passes):
        ahead = np.cumsum(excess, axis=0)[:-1]
        swapped = ahead - excess[:-1] + excess[1:]
        now, then = np.abs(ahead).max(axis=1), np.abs(swapped).max(axis=1)
        places = np.flatnonzero((now >= 1.3) & (then < now - 1e-9))
        if not len(places):
            break
        # Adjacent swaps would share a block.
        places = places[np.append(True, np.diff(places) > 1)]
        for table in (blocks, excess):
            table[places], table[places + 1] = table[places + 1], table[places].copy()
    return blocks
