"""The schedule: the plans of a whole run, and their summaries."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from matting.plan.catalog import Catalog
from matting.plan.curriculum import DIFFICULTIES, Curriculum
from matting.plan.length import RunLength
from matting.plan.mixture import Mixture
from matting.plan.pairing import Pairing
from matting.plan.plan import EpochPlan, plan_epoch


@dataclass(frozen=True)
class Schedule:
    """All epochs of a run.

    Attributes:
        seed: Seed of the run.
        length: Number of epochs and rows.
        catalog: What can be drawn.
        mixture: Weights of the streams.
        curriculum: Stages.
        pairing: Pairs.
    """

    seed: int
    length: RunLength
    catalog: Catalog
    mixture: Mixture
    curriculum: Curriculum
    pairing: Pairing

    def plan(self, epoch: int) -> EpochPlan:
        """Return the rows that the run draws in one epoch; for a shuffled curriculum, its part of the shuffled run."""
        if not self.curriculum.shuffled:
            return self._drawn(epoch)
        run, start = self._shuffled_run, epoch % self.length.epochs * self.length.rows
        return run.take(np.arange(start, min(start + self.length.rows, len(run))))

    def stage_name(self, epoch: int) -> str:
        """Return the name of the stage of an epoch."""
        if self.curriculum.shuffled:
            return "shuffled"
        return self.curriculum.stages[self.curriculum.stage_at(epoch, self.length.epochs)[0]].name

    def _drawn(self, epoch: int) -> EpochPlan:
        plan = plan_epoch(
            self.seed,
            epoch,
            epochs=self.length.epochs,
            rows=self.length.rows,
            catalog=self.catalog,
            mixture=self.mixture,
            curriculum=self.curriculum,
            pairing=self.pairing,
        )
        # A run that stops inside its last epoch draws the first rows of the whole epoch, so that it can be extended.
        return plan.take(np.arange(self.length.rows_in(epoch)))

    @cached_property
    def _shuffled_run(self) -> EpochPlan:
        """All rows of the run in one random order; blocks of two rows stay together, so pairs stay whole."""
        plans = [self._drawn(epoch) for epoch in range(self.length.epochs)]
        streams = tuple(dict.fromkeys(name for plan in plans for name in plan.streams))
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(plan, name) for plan in plans]) for name in EpochPlan.columns()
        }
        # Each plan numbers its own streams, and pairs from 0: both are renumbered for the run.
        columns["stream"] = np.concatenate([np.array([streams.index(n) for n in p.streams])[p.stream] for p in plans])
        offsets = np.cumsum([0] + [int(plan.pair.max()) + 1 for plan in plans[:-1]])
        columns["pair"] = np.concatenate(
            [np.where(plan.pair < 0, -1, plan.pair + offset) for plan, offset in zip(plans, offsets, strict=True)]
        )
        block = 2 if self.pairing.fraction else 1  # pairs begin at even rows
        order = np.random.default_rng([self.seed, 1]).permutation(len(columns["stream"]) // block)
        run = EpochPlan(stage="shuffled", streams=streams, sources=plans[0].sources, **columns)
        return run.take((order[:, None] * block + np.arange(block)).reshape(-1))


@dataclass(frozen=True)
class Summary:
    """Counts of a plan, or of a part of it.

    Attributes:
        stage: Name of the stage.
        rows: Number of rows.
        stream: Rows of each stream.
        difficulty: Rows of each ``stream/difficulty``.
        severity: Rows of severity 0 and of each quarter of (0, 1].
        pairs: Number of pairs.
        repeats: For each stream, how many distinct ``items`` were drawn, and how often the least (``fewest``) and the
            most frequent one (``most``).
        sets: For each stream, rows of each data set it drew from, by the set's full name.
    """

    stage: str
    rows: int
    stream: dict[str, int]
    difficulty: dict[str, int]
    severity: dict[str, int]
    pairs: int
    repeats: dict[str, dict[str, int]]
    sets: dict[str, dict[str, int]]

    def rows_by_set(self) -> dict[str, int]:
        """Return the rows of each set, over all streams."""
        total: Counter[str] = Counter()
        for rows in self.sets.values():
            total.update(rows)
        return dict(total)


def summarise(plan: EpochPlan) -> Summary:
    """Count the rows of a plan by stream, difficulty, severity and set."""
    by_stream = np.bincount(plan.stream, minlength=len(plan.streams))
    # The ceiling puts 0 into a class of its own.
    levels = np.bincount(np.ceil(plan.severity * 4).astype(np.int64), minlength=5)
    kinds, counts = np.unique(plan.stream * len(DIFFICULTIES) + plan.difficulty, return_counts=True)
    split = [divmod(int(kind), len(DIFFICULTIES)) for kind in kinds]
    return Summary(
        stage=plan.stage,
        rows=len(plan),
        stream={name: int(count) for name, count in zip(plan.streams, by_stream, strict=True)},
        difficulty={
            f"{plan.streams[stream]}/{DIFFICULTIES[level]}": int(count)
            for (stream, level), count in zip(split, counts, strict=True)
        },
        severity=dict(zip(("0", "0-0.25", "0.25-0.5", "0.5-0.75", "0.75-1"), levels.tolist(), strict=True)),
        pairs=int((plan.view == 1).sum()),
        repeats={name: _repeats(plan, k) for k, name in enumerate(plan.streams) if by_stream[k]},
        sets={name: _sets(plan, k) for k, name in enumerate(plan.streams)},
    )


def _repeats(plan: EpochPlan, stream: int) -> dict[str, int]:
    first_views = (plan.stream == stream) & (plan.view == 0)
    # Source and item in one integer: sets have far fewer than 2^40 items.
    _, times = np.unique(plan.source[first_views] << 40 | plan.item[first_views], return_counts=True)
    return {"items": len(times), "fewest": int(times.min()), "most": int(times.max())}


def _sets(plan: EpochPlan, stream: int) -> dict[str, int]:
    rows = np.bincount(plan.source[plan.stream == stream], minlength=len(plan.sources))
    return {name: count for name, count in zip(plan.sources, rows.tolist(), strict=True) if count}
