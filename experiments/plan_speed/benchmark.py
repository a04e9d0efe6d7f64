"""Time and memory of planning large epochs: ``python experiments/plan_speed/benchmark.py``."""

import time
import tracemalloc

import numpy as np

from matting.plan.catalog import Catalog, SourceIndex
from matting.plan.mixture import Mixture
from matting.plan.pairing import Pairing
from matting.plan.plan import EpochPlan, plan_epoch

SIZES = {"studio": (431, 1.0, False), "portraits": (12_800, 0.5, True), "coarse": (5_200, 0.5, True)}
WEIGHTS = {"studio": 1, "portraits": 8, "coarse": 5, "augmented": 12}


def make_index(size: int, layered: float, photo: bool) -> SourceIndex:
    """Build the metadata of a source of the article's size."""
    levels, has_layers = np.arange(size) % 3, np.arange(size) < layered * size
    return SourceIndex(levels, has_layers, np.full(size, photo), [frozenset()] * size)


def main() -> None:
    """Print seconds and memory of one epoch by its number of rows, and of the last of a hundred epochs."""
    roles = {role: {"a": make_index(*shape)} for role, shape in SIZES.items()}
    catalog = Catalog(roles, np.random.default_rng(0).random((20_000, 6)))
    print("| rows | epoch | pairs | seconds | peak, bytes a row | kept, bytes a row |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for rows, epoch in ((10_000, 0), (100_000, 0), (1_000_000, 0), (1_000_000, 99)):
        for fraction in (0.0, 0.5):

            def plan(rows: int = rows, epoch: int = epoch, fraction: float = fraction) -> EpochPlan:
                return plan_epoch(
                    *(0, epoch),
                    epochs=100,
                    rows=rows,
                    catalog=catalog,
                    mixture=Mixture(WEIGHTS),
                    pairing=Pairing(fraction),
                )

            start = time.perf_counter()
            pairs = int((plan().view == 1).sum())
            seconds = time.perf_counter() - start
            tracemalloc.start()
            held = plan()  # a second time, since measuring memory costs time
            kept, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            del held
            print(
                f"| {rows:,} | {epoch} | {pairs:,} | {seconds:.3f} | {peak / rows:.0f} | {kept / rows:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
