"""The schedule: the plans of a whole run, and what they add up to."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from matting.plan.catalog import Catalog
from matting.plan.curriculum import DIFFICULTIES, Curriculum
from matting.plan.mixture import Mixture
from matting.plan.pairing import Pairing
from matting.plan.plan import EpochPlan, plan_epoch


@dataclass(frozen=True)
class Schedule:
    """All epochs of a run.

    Attributes:
        seed: Seed of the run.
        epochs: Number of epochs.
        rows: Rows of each epoch.
        catalog: What can be drawn.
        mixture: Weights of the streams.
        curriculum: Stages.
        pairing: Pairs.
    """

    seed: int
    epochs: int
    rows: int
    catalog: Catalog
    mixture: Mixture
    curriculum: Curriculum
    pairing: Pairing

    def plan(self, epoch: int) -> EpochPlan:
        """The plan of one epoch; of a shuffled curriculum, its share of the shuffled run."""
        if not self.curriculum.shuffled:
            return self._planned(epoch)
        rows, run = self.rows, self._shuffled_run
        start = epoch % self.epochs * rows
        return run.take(np.arange(start, start + rows))

    def stage_name(self, epoch: int) -> str:
        """Name of the stage of an epoch."""
        if self.curriculum.shuffled:
            return "shuffled"
        return self.curriculum.stages[self.curriculum.stage_at(epoch, self.epochs)[0]].name

    def _planned(self, epoch: int) -> EpochPlan:
        return plan_epoch(
            self.seed,
            epoch,
            epochs=self.epochs,
            rows=self.rows,
            catalog=self.catalog,
            mixture=self.mixture,
            curriculum=self.curriculum,
            pairing=self.pairing,
        )

    @cached_property
    def _shuffled_run(self) -> EpochPlan:
        """All rows of the run in one random order; blocks of two rows stay together, so pairs stay whole."""
        plans = [self._planned(epoch) for epoch in range(self.epochs)]
        streams = tuple(dict.fromkeys(name for plan in plans for name in plan.streams))
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(plan, name) for plan in plans]) for name in EpochPlan.columns()
        }
        columns["stream"] = np.concatenate([np.array([streams.index(n) for n in p.streams])[p.stream] for p in plans])
        offsets = np.cumsum([0] + [int(plan.pair.max()) + 1 for plan in plans[:-1]])
        columns["pair"] = np.concatenate(
            [np.where(plan.pair < 0, -1, plan.pair + offset) for plan, offset in zip(plans, offsets, strict=True)]
        )
        block = 2 if self.pairing.fraction else 1
        order = np.random.default_rng([self.seed, 1]).permutation(self.rows * self.epochs // block)
        run = EpochPlan(stage="shuffled", streams=streams, sources=plans[0].sources, **columns)
        return run.take((order[:, None] * block + np.arange(block)).reshape(-1))


@dataclass(frozen=True)
class Summary:
    """What a plan, or a part of one, holds.

    Attributes:
        stage: Name of the stage.
        rows: Number of rows.
        stream: Rows of each stream.
        difficulty: Rows of each ``stream/difficulty``.
        severity: Rows of severity 0 and of each quarter of (0, 1].
        pairs: Number of pairs.
        repeats: Of each stream: how many ``items`` were drawn, and how often the ``fewest`` and the ``most`` drawn one.
    """

    stage: str
    rows: int
    stream: dict[str, int]
    difficulty: dict[str, int]
    severity: dict[str, int]
    pairs: int
    repeats: dict[str, dict[str, int]]


def summarise(plan: EpochPlan) -> Summary:
    """Count what a plan holds."""
    by_stream = np.bincount(plan.stream, minlength=len(plan.streams))
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
    )


def _repeats(plan: EpochPlan, stream: int) -> dict[str, int]:
    first_views = (plan.stream == stream) & (plan.view == 0)
    _, times = np.unique(plan.source[first_views] << 40 | plan.item[first_views], return_counts=True)
    return {"items": len(times), "fewest": int(times.min()), "most": int(times.max())}
