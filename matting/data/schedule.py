"""The schedule: the plans of a whole run, and what they add up to."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matting.data.curriculum import Curriculum
from matting.data.mixture import Mixture
from matting.data.pairing import Pairing
from matting.data.plan import Catalog, EpochPlan, plan_epoch
from matting.data.sources.base import DIFFICULTIES


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
        columns = {name: np.concatenate([getattr(plan, name) for plan in plans]) for name in EpochPlan.columns()}
        columns["stream"] = np.concatenate([np.array([streams.index(n) for n in p.streams])[p.stream] for p in plans])
        offsets = np.cumsum([0] + [int(plan.pair.max()) + 1 for plan in plans[:-1]])
        columns["pair"] = np.concatenate(
            [np.where(plan.pair < 0, -1, plan.pair + offset) for plan, offset in zip(plans, offsets, strict=True)]
        )
        block = 2 if self.pairing.fraction else 1
        order = np.random.default_rng([self.seed, 1]).permutation(self.rows * self.epochs // block)
        run = EpochPlan(stage="shuffled", streams=streams, sources=plans[0].sources, **columns)
        return run.take((order[:, None] * block + np.arange(block)).reshape(-1))


def summarise(plan: EpochPlan) -> dict[str, object]:
    """Count what a plan holds.

    Args:
        plan: Any part of a plan.

    Returns:
        ``rows``, ``stage``, rows by ``stream``, by ``difficulty`` (stream/difficulty), by ``severity`` (0 and
        quarters of (0, 1]), ``pairs``, ``pairable`` draws that stand alone, and ``repeats``: for each stream the most
        and the fewest times that one of its drawn items recurs.
    """
    streams = [plan.streams[k] for k in plan.stream]
    levels = np.ceil(plan.severity * 4).astype(int)
    return {
        "stage": plan.stage,
        "rows": len(plan),
        "stream": dict(sorted(Counter(streams).items())),
        "difficulty": dict(
            sorted(Counter(f"{s}/{DIFFICULTIES[d]}" for s, d in zip(streams, plan.difficulty, strict=True)).items())
        ),
        "severity": {("0" if k == 0 else f"({(k - 1) / 4:g}, {k / 4:g}]"): int((levels == k).sum()) for k in range(5)},
        "pairs": int((plan.view == 1).sum()),
        "repeats": {name: _repeats(plan, k) for k, name in enumerate(plan.streams) if (plan.stream == k).any()},
    }


def _repeats(plan: EpochPlan, stream: int) -> dict[str, int]:
    first_views = (plan.stream == stream) & (plan.view == 0)
    key = plan.source[first_views].astype(np.int64) << 40 | plan.item[first_views]
    _, times = np.unique(key, return_counts=True)
    return {"items": len(times), "fewest": int(times.min()), "most": int(times.max())}
