"""The plan: one table that says what is drawn in an epoch, made before any picture is read.

`plan_epoch` is a pure function: the same seed, epoch and configuration give the same table on any number of workers,
ranks and restarts. Everything random about a view is in its row, so that the loader and the device pipeline are
functions of rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from matting.data.curriculum import Curriculum, Rule, Stage
from matting.data.mixture import AUGMENTED, Mixture, apportion, ideal_places, spread
from matting.data.pairing import Pairing, antagonists, pair_count
from matting.data.scenes import PLAIN
from matting.data.sources.base import DIFFICULTIES, Source

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class SourceIndex:
    """What the plan knows of one source.

    Attributes:
        difficulty: ``(N,)`` int64 position in ``DIFFICULTIES``.
        layered: ``(N,)`` bool, True where a foreground layer exists.
        photo: ``(N,)`` bool, True where a photograph with its own background exists.
        tags: Golden labels of each item.
        plain_variants: Whether layered items are also drawn before the plain scenes, as often each as before their own
            background: the original, white, blue and gradient variants of COCO-Matting.
    """

    difficulty: Integers
    layered: NDArray[np.bool_]
    photo: NDArray[np.bool_]
    tags: Sequence[frozenset[str]]
    plain_variants: bool = False

    @classmethod
    def of(cls, source: Source) -> "SourceIndex":
        """Index a source's metadata."""
        items = source.items
        return cls(
            difficulty=np.array([DIFFICULTIES.index(item.difficulty) for item in items], dtype=np.int64),
            layered=np.array([item.layered for item in items], dtype=bool),
            photo=np.array([item.photo is not None for item in items], dtype=bool),
            tags=[item.tags for item in items],
            plain_variants=source.plain_variants,
        )

    def pool(self, rule: Rule) -> Integers:
        """Indices of the items that a curriculum's rule leaves open, ascending."""
        is_open = np.isin(self.difficulty, [DIFFICULTIES.index(name) for name in rule.difficulties])
        if rule.any_tag or rule.no_tag:
            wanted, unwanted = frozenset(rule.any_tag), frozenset(rule.no_tag)
            is_open &= np.array([(not wanted or bool(t & wanted)) and not t & unwanted for t in self.tags], dtype=bool)
        return np.flatnonzero(is_open)


@dataclass(frozen=True)
class Catalog:
    """All that can be drawn.

    Attributes:
        sources: Index of each source, by name.
        scenes: ``(N, D)`` statistics of the backgrounds; N is their number.
    """

    sources: Mapping[str, SourceIndex]
    scenes: NDArray[np.float64]


class Draw(NamedTuple):
    """One row of the plan, as a worker gets it.

    Attributes:
        source: Position of the source in the plan's ``sources``.
        item: Index of the item in its source.
        scene: Index of the background that goes behind the foreground, or -1 for the photograph's own.
        seed: Source of everything random about the view's geometry; shared by the views of a pair.
        view: 0, or 1 for the second view of a pair.
        severity: Strength of the degradation in [0, 1]; 0 for none; shared by the views of a pair, whose mattes are to
            stay equal.
        pair: Number of the pair in the epoch, or -1.
    """

    source: int
    item: int
    scene: int
    seed: int
    view: int
    severity: float
    pair: int


@dataclass(frozen=True)
class EpochPlan:
    """The table of one epoch; all columns have one entry a row.

    Attributes:
        stage: Name of the curriculum's stage.
        streams: Names that ``stream`` indexes.
        sources: Names that ``source`` indexes.
        stream: Stream that the row counts for in the mixture.
        source, item, scene, seed, view, severity, pair: See `Draw`.
        difficulty: Position in ``DIFFICULTIES`` of the row's item.
    """

    stage: str
    streams: tuple[str, ...]
    sources: tuple[str, ...]
    stream: Integers
    source: Integers
    item: Integers
    scene: Integers
    seed: Integers
    view: Integers
    severity: NDArray[np.float64]
    pair: Integers
    difficulty: Integers

    def __len__(self) -> int:
        return len(self.stream)

    def draws(self, rows: slice) -> list[Draw]:
        """The rows of a slice as draws."""
        columns = [getattr(self, name)[rows].tolist() for name in Draw._fields]
        return [Draw(*values) for values in zip(*columns, strict=True)]

    def take(self, rows: Integers) -> "EpochPlan":
        """The table with the given rows, in the given order."""
        return replace(self, **{name: getattr(self, name)[rows] for name in self.columns()})

    @classmethod
    def columns(cls) -> list[str]:
        """Names of the columns."""
        return [column.name for column in fields(cls) if column.name not in ("stage", "streams", "sources")]


class _Units(NamedTuple):
    """Pairs and singles of one stream, in order: parallel columns."""

    source: Integers
    item: Integers
    size: Integers


def plan_epoch(
    seed: int,
    epoch: int,
    *,
    epochs: int,
    rows: int,
    catalog: Catalog,
    mixture: Mixture,
    curriculum: Curriculum | None = None,
    pairing: Pairing | None = None,
) -> EpochPlan:
    """Plan one epoch.

    Args:
        seed: Seed of the run.
        epoch: Zero-based epoch.
        epochs: Number of epochs of the run, by which the curriculum finds its stage.
        rows: Rows of the epoch; even if there is pairing.
        catalog: What can be drawn.
        mixture: Weights of the streams; met exactly, up to rounding, by the largest-remainder method.
        curriculum: Stages; by default everything is open all the time. A ``shuffled`` one is planned in its order
            here: `Schedule` shuffles the whole run.
        pairing: Pairs; by default none.

    Returns:
        The table. Pairs begin at even rows, so that an even batch size never splits one.

    Raises:
        ValueError: If a stage leaves nothing to draw, the mixture names an unknown source, or ``rows`` is odd under
            pairing.
    """
    curriculum, pairing = curriculum or Curriculum(), pairing or Pairing(fraction=0)
    if pairing.fraction and rows % 2:
        raise ValueError(f"plan: expected an even number of rows under pairing, found {rows}; change data.epoch_rows")
    number, first, length = curriculum.stage_at(epoch, epochs)
    stage, age = curriculum.stages[number], epoch - first
    weights = _open_weights(mixture, stage, catalog)
    counts = apportion(list(weights.values()), rows)
    streams = {
        stream: _stream_units(int(count), stream, mixture, stage, catalog, pairing, _Key(seed, number, stream), age)
        for (stream, count) in zip(weights, counts, strict=True)
    }
    order, stream = _arrange(list(streams.values()), list(weights.values()))
    units = _Units(*(np.concatenate(column)[order] for column in zip(*streams.values(), strict=True)))
    table = _rows(units, stream[order])
    rng = np.random.default_rng([seed, crc32(b"views"), epoch])
    seeds = rng.integers(0, 2**62, size=len(order))
    severity = (1.0 - rng.random(len(order))) * stage.ceiling(age, length)
    unit = table.pop("unit")
    is_augmented = np.array([name == AUGMENTED for name in weights])[table["stream"]]
    indices = list(catalog.sources.values())
    return EpochPlan(
        stage=stage.name,
        streams=tuple(weights),
        sources=tuple(catalog.sources),
        seed=seeds[unit],
        severity=np.where(is_augmented, severity[unit], 0.0),
        scene=_scenes(table, catalog, pairing, rng),
        difficulty=_look_up([index.difficulty for index in indices], table["source"], table["item"]),
        **table,
    )


def _open_weights(mixture: Mixture, stage: Stage, catalog: Catalog) -> dict[str, float]:
    if unknown := mixture.sources() - catalog.sources.keys():
        known = ", ".join(catalog.sources) or "none"
        raise ValueError(f"mixture: unknown source {', '.join(sorted(unknown))}; the corpus has: {known}")
    weights = mixture.streams() if stage.weights is None else {n: w for n, w in stage.weights.items() if w > 0}
    weights = {name: weight for name, weight in weights.items() if stage.allows(name)}
    if not weights:
        raise ValueError(f"stage '{stage.name}' opens no stream of the mixture ({', '.join(mixture.streams())})")
    return weights


def _stream_units(
    rows: int,
    stream: str,
    mixture: Mixture,
    stage: Stage,
    catalog: Catalog,
    pairing: Pairing,
    key: "_Key",
    age: int,
) -> _Units:
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
        parts.append(_Units(np.full(len(item), list(catalog.sources).index(name)), item, size))
        places.append(ideal_places(np.cumsum(size) - size, size, Fraction(str(weight))))
    order = np.argsort(np.concatenate(places), kind="stable")
    return _Units(*(np.concatenate(column)[order] for column in zip(*parts, strict=True)))


def _channel_units(
    rows: int, pool: Integers, layered: NDArray[np.bool_], pairing: Pairing, key: "_Key", age: int
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


def _cycles(layered: NDArray[np.bool_], start: int, count: int, key: "_Key") -> Integers:
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


def _arrange(streams: list[_Units], weights: list[float]) -> tuple[Integers, Integers]:
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


def _rows(units: _Units, stream: Integers) -> dict[str, Integers]:
    """Expand units to rows."""
    unit = np.repeat(np.arange(len(units.size)), units.size)
    view = np.arange(len(unit)) - (np.cumsum(units.size) - units.size)[unit]
    number = np.where(units.size == 2, np.cumsum(units.size == 2) - 1, -1)
    return {
        "unit": unit,
        "stream": stream[unit],
        "source": units.source[unit],
        "item": units.item[unit],
        "view": view,
        "pair": number[unit],
    }


def _scenes(table: Mapping[str, Integers], catalog: Catalog, pairing: Pairing, rng: np.random.Generator) -> Integers:
    """Background of each row: its own where there is a photograph, a random one else; second views an antagonist."""
    total, rows = len(catalog.scenes), len(table["item"])
    own = _look_up([index.photo for index in catalog.sources.values()], table["source"], table["item"])
    if not total and not own.all():
        raise ValueError("plan: foreground layers need backgrounds, but the corpus has none; set corpus.backgrounds")
    scene = rng.integers(0, max(total, 1), size=rows)
    second = np.flatnonzero(table["view"] == 1)
    if len(second) and total:
        candidates = rng.integers(0, total, size=(len(second), pairing.candidates))
        scene[second] = antagonists(scene[second - 1], candidates, catalog.scenes)
    return np.where(own & (table["view"] == 0), _home(table, catalog, rng), scene)


def _home(table: Mapping[str, Integers], catalog: Catalog, rng: np.random.Generator) -> Integers:
    """Scene of a photograph drawn for itself: its own (-1), or a plain variant where the source has them."""
    home = np.full(len(table["item"]), -1)
    for number, index in enumerate(catalog.sources.values()):
        if index.plain_variants:
            rows = np.flatnonzero(table["source"] == number)
            rows = rows[index.layered[table["item"][rows]]]
            home[rows] = rng.integers(-1, len(PLAIN), len(rows))
    return home


def _look_up(tables: Sequence[NDArray[Any]], table: Integers, index: Integers) -> NDArray[Any]:
    starts = np.cumsum([0] + [len(entries) for entries in tables[:-1]])
    return np.concatenate(tables)[starts[table] + index]


class _Key(NamedTuple):
    """Names a stream of random numbers that can be entered anywhere."""

    seed: int
    stage: int
    name: str

    def of(self, name: str) -> "_Key":
        return self._replace(name=f"{self.name}/{name}")

    def matrix(self, kind: int, first: int, last: int, width: int) -> NDArray[np.float64]:
        """Rows ``first … last`` of an endless random matrix of ``width`` columns."""
        blocks = -(-width // 4)  # Philox advances in blocks of four numbers
        bits = np.random.Philox(np.random.SeedSequence([self.seed, self.stage, crc32(self.name.encode()), kind]))
        bits.advance(first * blocks)
        return np.random.Generator(bits).random((last - first, 4 * blocks))[:, :width]
