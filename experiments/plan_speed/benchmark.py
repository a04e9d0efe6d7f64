"""Time the planning of large epochs: ``python experiments/plan_speed/benchmark.py``."""

import time

import numpy as np

from matting.plan.catalog import Catalog, SourceIndex
from matting.plan.mixture import Mixture
from matting.plan.pairing import Pairing
from matting.plan.plan import plan_epoch

SIZES = {"studio": (431, 1.0, False), "portraits": (12_800, 0.5, True), "coarse": (5_200, 0.5, True)}
WEIGHTS = {"studio": 1, "portraits": 8, "coarse": 5, "augmented": 12}


def make_index(size: int, layered: float, photo: bool) -> SourceIndex:
    """Build the metadata of a source of the article's size."""
    levels, has_layers = np.arange(size) % 3, np.arange(size) < layered * size
    return SourceIndex(levels, has_layers, np.full(size, photo), [frozenset()] * size)


def main() -> None:
    """Print the seconds for each epoch size, with and without pairs, the fastest of three."""
    roles = {role: {"a": make_index(*shape)} for role, shape in SIZES.items()}
    catalog = Catalog(roles, np.random.default_rng(0).random((20_000, 6)))
    print("| rows | pairs | seconds |\n| ---: | ---: | ---: |")
    for rows in (10_000, 100_000, 1_000_000):
        for fraction in (0.0, 0.5):
            seconds = []
            for epoch in range(3):
                start = time.perf_counter()
                plan = plan_epoch(
                    0, epoch, epochs=10, rows=rows, catalog=catalog, mixture=Mixture(WEIGHTS), pairing=Pairing(fraction)
                )
                seconds.append(time.perf_counter() - start)
            print(f"| {rows:,} | {int((plan.view == 1).sum()):,} | {min(seconds):.3f} |")


if __name__ == "__main__":
    main()
