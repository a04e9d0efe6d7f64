"""The plan: a table of all draws of an epoch, made before any image is read.

`plan_epoch` is a pure function: the same seed, epoch and configuration give the same table on any number of workers,
ranks and restarts. All randomness of a view is determined by its row, so that the loader and the device pipeline
are functions of rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import repeat
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from matting.errors import MattingError
from matting.plan.catalog import PLAIN, Catalog, Integers
from matting.plan.curriculum import Curriculum, Stage
from matting.plan.mixture import AUGMENTED, Mixture, apportion
from matting.plan.pairing import Pairing, antagonists
from matting.plan.units import Key, Units, interleave, stream_units


class Draw(NamedTuple):
    """One row of the plan, as a worker receives it.

    Attributes:
        source: Position of the source in the plan's ``sources``.
        item: Index of the item in its source.
        scene: Index of the background behind the foreground, or -1 for the photo's own.
        seed: Seed of the view's geometry; shared by the views of a pair.
        view: 0, or 1 for the second view of a pair.
        severity: Strength of the degradation in [0, 1]; 0 for none; shared by the views of a pair, whose mattes must
            stay equal.
        pair: Number of the pair in the epoch, or -1.
        size: Side in pixels at which the network sees the view; 0 for the run's own.
    """

    source: int
    item: int
    scene: int
    seed: int
    view: int
    severity: float
    pair: int
    size: int = 0


@dataclass(frozen=True)
class EpochPlan:
    """The table of one epoch; all columns have one entry per row.

    Attributes:
        stage: Name of the curriculum's stage.
        size: Side in pixels of the network's images in this stage; 0 for the run's own.
        streams: Names that ``stream`` indexes.
        sources: Names that ``source`` indexes: ``<role>.<set>``.
        stream: Stream to which the row belongs in the mixture.
        source, item, scene, seed, view, severity, pair: See `Draw`.
        difficulty: Difficulty of the row's item, as a position in ``DIFFICULTIES``.
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
    size: int = 0

    def __len__(self) -> int:
        return len(self.stream)

    def draws(self, rows: slice) -> list[Draw]:
        """Return the rows of a slice as draws."""
        columns = [getattr(self, name)[rows].tolist() for name in Draw._fields if name != "size"]
        return [Draw(*values) for values in zip(*columns, repeat(self.size))]

    def take(self, rows: Integers) -> "EpochPlan":
        """Return a table of the given rows, in the given order."""
        return replace(self, **{name: getattr(self, name)[rows] for name in self.columns()})

    @classmethod
    def columns(cls) -> list[str]:
        """Return the names of the columns."""
        return [column.name for column in fields(cls) if column.name not in ("stage", "streams", "sources", "size")]


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
        epochs: Number of epochs of the run, from which the curriculum determines the stage.
        rows: Rows per epoch; must be even with pairing.
        catalog: What can be drawn.
        mixture: Weights of the streams; met exactly up to rounding, with the largest-remainder method.
        curriculum: Stages; by default everything is open all the time. A ``shuffled`` one is planned in
            order here; `Schedule` shuffles the whole run.
        pairing: Pairs; by default none.

    Returns:
        The table. Pairs begin at even rows, so that an even batch size never splits one.

    Raises:
        MattingError: If a stage leaves nothing to draw, mixture or stage name an unknown role, or ``rows`` is odd with
            pairing.

    Example:
        >>> from matting.plan.catalog import SourceIndex
        >>> ten = SourceIndex(np.zeros(10, int), np.zeros(10, bool), np.ones(10, bool), [frozenset()] * 10)
        >>> catalog = Catalog({"studio": {"a": ten}, "portraits": {"b": ten}}, scenes=np.zeros((0, 6)))
        >>> mixture = Mixture({"studio": 1, "portraits": 3})
        >>> plan = plan_epoch(seed=0, epoch=0, epochs=1, rows=8, catalog=catalog, mixture=mixture)
        >>> [plan.streams[k] for k in plan.stream].count("portraits")
        6
    """
    curriculum, pairing = curriculum or Curriculum(), pairing or Pairing(fraction=0)
    if pairing.fraction and rows % 2:
        raise MattingError(f"plan: expected an even number of rows with pairing, found {rows}; change data.epoch_rows")
    number, first, length = curriculum.stage_at(epoch, epochs)
    stage, age = curriculum.stages[number], epoch - first
    weights = _open_weights(mixture, stage, catalog)
    # Per epoch, unlike the sets of a role: a stream that is rounded down here is not made up for later.
    counts = apportion(list(weights.values()), rows)
    streams = {
        stream: stream_units(int(count), stream, mixture, stage, catalog, pairing, Key(seed, number, stream), age)
        for (stream, count) in zip(weights, counts, strict=True)
    }
    order, stream = interleave(list(streams.values()), list(weights.values()))
    units = Units(*(np.concatenate(column)[order] for column in zip(*streams.values(), strict=True)))
    table = _rows(units, stream[order])
    # A generator of its own per epoch: any epoch is planned without the earlier ones.
    rng = np.random.default_rng([seed, crc32(b"views"), epoch])
    # The order of the draws from `rng` is part of the plan: another order would change every run.
    seeds = rng.integers(0, 2**62, size=len(order))
    # 1 - random lies in (0, 1]: an augmented draw is never quite clean.
    severity = (1.0 - rng.random(len(order))) * stage.ceiling(age, length)
    unit = table.pop("unit")
    is_augmented = np.array([name == AUGMENTED for name in weights])[table["stream"]]
    indices = list(catalog.sources.values())
    return EpochPlan(
        stage=stage.name,
        size=curriculum.sizes[number] if curriculum.sizes else 0,
        streams=tuple(weights),
        sources=tuple(catalog.sources),
        seed=seeds[unit],
        severity=np.where(is_augmented, severity[unit], 0.0),
        scene=_scenes(table, catalog, pairing, rng),
        difficulty=_look_up([index.difficulty for index in indices], table["source"], table["item"]),
        **table,
    )


def _open_weights(mixture: Mixture, stage: Stage, catalog: Catalog) -> dict[str, float]:
    _check_roles("mixture", mixture.roles(), catalog)
    weights = stage.open_weights(mixture.streams())
    # A stage may weigh streams that the mixture does not have, also the augmented one.
    origins = {name for name in mixture.origins() if stage.allows(name)} if AUGMENTED in weights else set()
    _check_roles(f"stage '{stage.name}'", origins | (weights.keys() - {AUGMENTED}), catalog)
    return weights


def _check_roles(option: str, roles: set[str], catalog: Catalog) -> None:
    if unknown := roles - catalog.roles.keys():
        known = ", ".join(catalog.roles) or "none"
        raise MattingError(f"{option}: unknown role {', '.join(sorted(unknown))}; the corpus has: {known}")


def _rows(units: Units, stream: Integers) -> dict[str, Integers]:
    """Expand units into rows."""
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
    """Choose backgrounds: a photo's own, a random one for foregrounds, an antagonist for second views.

    The antagonist is that of the first view's scene; of a random one where the first view is a photo, of whose own
    background nothing is known before it is decoded.
    """
    total, rows = len(catalog.scenes), len(table["item"])
    own = _look_up([index.photo for index in catalog.sources.values()], table["source"], table["item"])
    if not total and not own.all():
        raise MattingError("plan: foreground layers need backgrounds, but the corpus has none; set corpus.backgrounds")
    # Without backgrounds every row is a photo with its own, and this number is not used.
    scene = rng.integers(0, max(total, 1), size=rows)
    second = np.flatnonzero(table["view"] == 1)
    candidates = rng.integers(0, max(total, 1), size=(len(second), pairing.candidates))
    shown = np.where(own & (table["view"] == 0), _home(table, catalog, rng), scene)
    if len(second) and total:
        # The row before a second view is the first view of its pair.
        first = np.where(shown[second - 1] >= 0, shown[second - 1], scene[second - 1])
        shown[second] = antagonists(first, candidates, catalog.scenes)
    return shown


def _home(table: Mapping[str, Integers], catalog: Catalog, rng: np.random.Generator) -> Integers:
    """Choose scenes of first or only views of photos: their own (-1), or a plain variant if the source has them."""
    home = np.full(len(table["item"]), -1)
    for number, index in enumerate(catalog.sources.values()):
        if index.plain_variants:
            rows = np.flatnonzero(table["source"] == number)
            rows = rows[index.layered[table["item"][rows]]]
            # The plain scenes come first in the catalog, so their indices are 0, 1, ….
            home[rows] = rng.integers(-1, len(PLAIN), len(rows))
    return home


def _look_up(tables: Sequence[NDArray[Any]], table: Integers, index: Integers) -> NDArray[Any]:
    # One long table, so that a column of rows from several sets is looked up at once.
    starts = np.cumsum([0] + [len(entries) for entries in tables[:-1]])
    return np.concatenate(tables)[starts[table] + index]
