"""Units of the plan, pairs and singles: which items of each stream, in cycles, and how streams are interleaved."""

from fractions import Fraction
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from matting.plan.catalog import Catalog, Integers
from matting.plan.curriculum import Stage
from matting.plan.mixture import AUGMENTED, Mixture, apportion, ideal_places, spread
from matting.plan.pairing import Pairing, pair_count


class Units(NamedTuple):
    """Pairs and singles of one stream, in order: parallel columns."""

    source: Integers
    item: Integers
    size: Integers


class Key(NamedTuple):
    """Names a stream of random numbers that can be entered anywhere."""

    seed: int
    stage: int
    name: str

    def of(self, name: str) -> "Key":
        """The key of a part of this stream."""
        return self._replace(name=f"{self.name}/{name}")

    def matrix(self, kind: int, first: int, last: int, width: int) -> NDArray[np.float64]:
        """Rows ``first … last`` of an endless random matrix of ``width`` columns."""
        blocks = -(-width // 4)  # Philox advances in blocks of four numbers
        bits = np.random.Philox(np.random.SeedSequence([self.seed, self.stage, crc32(self.name.encode()), kind]))
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
    """Units of one stream: those of its source, or of the sources that ``augmented`` draws from."""
    origins = {stream: 1.0}
    if stream == AUGMENTED:
        origins = {name: weight for name, weight in mixture.origins().items() if stage.allows(name)}
        if not origins:
            raise ValueError(f"stage '{stage.name}' opens 'augmented' but no source for it to draw from")
    parts, places = [], []
    for (name, weight), count in zip(origins.items(), apportion(list(origins.values()), rows), strict=True):
        index = catalog.sources[name]
        pool = index.pool(stage.rule(name))
        if not len(pool) and count:
            raise ValueError(f"stage '{stage.name}' leaves no item of '{name}' open; check its difficulties and tags")
        item, size = _channel_units(int(count), pool, index.layered[pool], pairing, key.of(name), age)
        parts.append(Units(np.full(len(item), list(catalog.sources).index(name)), item, size))
        places.append(ideal_places(np.cumsum(size) - size, size, Fraction(str(weight))))
    order = np.argsort(np.concatenate(places), kind="stable")
    return Units(*(np.concatenate(column)[order] for column in zip(*parts, strict=True)))


def _channel_units(
    rows: int, pool: Integers, layered: NDArray[np.bool_], pairing: Pairing, key: Key, age: int
) -> tuple[Integers, Integers]:
    """Items and sizes (1 or 2) of the units that fill ``rows`` rows from one pool."""
    if not rows:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    pairs = pair_count(rows, int(layered.sum()), len(pool), pairing.fraction)
    units = rows - pairs
    position = _cycles(layered, age * units, units, key)
    size = np.ones(units, dtype=np.int64)
    candidates = np.flatnonzero(layered[position])
    if pairs:
        size[candidates[((np.arange(pairs) + 0.5) * len(candidates) / pairs).astype(np.int64)]] = 2
    return pool[position], size


def _cycles(layered: NDArray[np.bool_], start: int, count: int, key: Key) -> Integers:
    """Positions ``start … start + count`` of an endless row of shuffled cycles through a pool.

    Each cycle holds every position once, so nothing repeats before everything was used; layered items recur evenly
    through the cycle, so that every stretch has its share of pairs. Any stretch is found without the ones before it.
    """
    total = len(layered)
    first, last = start // total, (start + count - 1) // total + 1
    cycles = np.empty((last - first, total), dtype=np.int64)
    pattern = spread([int(layered.sum()), int((~layered).sum())], total)
    for kind, members in enumerate((np.flatnonzero(layered), np.flatnonzero(~layered))):
        keys = key.matrix(kind, first, last, len(members))
        cycles[:, pattern == kind] = members[np.argsort(keys, axis=1)]
    return cycles.reshape(-1)[start - first * total :][:count]


def interleave(streams: list[Units], weights: list[float]) -> tuple[Integers, Integers]:
    """Interleave the units of all streams evenly, pairs at even rows; returns their order and their streams."""
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
    # Singles go two by two, each couple at the mean of its places: then every block has two rows.
    couples, pairs = order[size[order] == 1].reshape(-1, 2), order[size[order] == 2]
    blocks = np.concatenate([couples, np.stack([pairs, pairs], axis=1)])
    blocks = blocks[np.argsort(np.concatenate([place[couples].mean(axis=1), place[pairs]]), kind="stable")]
    blocks = _level(blocks, stream, [float(share / sum(exact)) for share in exact])
    return blocks[np.append(True, blocks.ravel()[1:] != blocks.ravel()[:-1]).reshape(-1, 2)], stream


def _level(blocks: Integers, stream: Integers, shares: list[float], passes: int = 8) -> Integers:
    """Swap neighbouring blocks where a stream has run more than 1.3 rows ahead of its share, or behind.

    That keeps windows within two rows of the ratio. A swap changes the running totals between the two blocks alone, so
    all places are mended at once; a few passes settle the rare chains.
    """
    excess = (stream[blocks][:, :, None] == np.arange(len(shares))).sum(axis=1) - 2 * np.array(shares)
    for _ in range(passes):
        ahead = np.cumsum(excess, axis=0)[:-1]
        swapped = ahead - excess[:-1] + excess[1:]
        now, then = np.abs(ahead).max(axis=1), np.abs(swapped).max(axis=1)
        places = np.flatnonzero((now >= 1.3) & (then < now - 1e-9))
        if not len(places):
            break
        places = places[np.append(True, np.diff(places) > 1)]
        for table in (blocks, excess):
            table[places], table[places + 1] = table[places + 1], table[places].copy()
    return blocks
