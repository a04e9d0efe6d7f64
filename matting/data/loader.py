"""The loader: batches of draws to workers, in the plan's order, from any batch of any epoch on."""

import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import torch
from torch.utils.data import DataLoader, Sampler

from matting.batch import LayerBatch
from matting.data.dataset import Crop, DrawDataset, collate
from matting.plan.plan import Draw, EpochPlan


@dataclass
class PlanBatches(Sampler[list[Draw]]):
    """The batches of one rank.

    Batch k of rank r is batch ``k * world_size + r`` of the plan. Rows beyond the last complete round of all ranks are
    not drawn, so all ranks have equally many batches; `epoch_rows` of the schedule is best a multiple of the global
    batch size.

    Attributes:
        plan: Gives the plan of an epoch.
        rows: Rows of an epoch.
        batch_size: Rows of a batch of one rank.
        rank, world_size: This process among all.
        limit: Largest number of batches of an epoch, or None.
        consumed: Batches of this rank that were handed to training since the start of the run.
    """

    plan: Callable[[int], EpochPlan]
    rows: int
    batch_size: int
    rank: int = 0
    world_size: int = 1
    limit: int | None = None
    consumed: int = 0

    def __len__(self) -> int:
        batches = self.rows // (self.batch_size * self.world_size)
        return batches if self.limit is None else min(batches, self.limit)

    def __iter__(self) -> Iterator[list[Draw]]:
        epoch, start = divmod(self.consumed, len(self))
        plan = self.plan(epoch)
        for batch in range(start, len(self)):
            first = (batch * self.world_size + self.rank) * self.batch_size
            yield plan.draws(slice(first, first + self.batch_size))


class PlanLoader(DataLoader[Crop]):
    """A data loader that knows where it is in the run.

    Its state counts the batches that training *consumed*: workers read ahead, and what they hold when the process dies
    must be drawn again.

    Args:
        dataset: Decodes draws.
        batches: Which draws, in which order.
        workers: Number of worker processes; 0 decodes in this one. It changes nothing in what is delivered.
        pin_memory: Page-locked batches, for copies to a GPU that do not wait.
    """

    def __init__(self, dataset: DrawDataset, batches: PlanBatches, workers: int, pin_memory: bool) -> None:
        self.batches = batches
        if workers:
            cv2.setNumThreads(1)  # a forked worker can neither use nor stop a thread pool that an earlier run started
        super().__init__(
            dataset,
            batch_sampler=batches,
            num_workers=workers,
            collate_fn=collate,
            pin_memory=pin_memory,
            persistent_workers=workers > 0,
            multiprocessing_context=start_method(workers),
            worker_init_fn=_use_one_thread,
            # The loader draws a seed for its workers at each epoch; from the global generator that would make the
            # run depend on how often it was resumed.
            generator=torch.Generator(),
        )

    def __iter__(self) -> Iterator[LayerBatch]:  # type: ignore[override]
        """Iterate over what is left of the current epoch."""
        for batch in super().__iter__():
            self.batches.consumed += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Position in the run: epochs that are over, and rows of the current one that all ranks consumed together."""
        epoch, batch = divmod(self.batches.consumed, len(self.batches))
        return {"epoch": epoch, "rows": batch * self.batches.batch_size * self.batches.world_size}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue at a saved position, also with another batch size or number of ranks than it was saved with."""
        batch = state["rows"] // (self.batches.batch_size * self.batches.world_size)
        self.batches.consumed = state["epoch"] * len(self.batches) + batch


def start_method(workers: int) -> str | None:
    """How workers start: as is usual on the platform, since in a job of joblib's Python's default is joblib's own.

    That one does not fit PyTorch's loaders. Without workers it is None, as loaders demand.
    """
    return multiprocessing.get_all_start_methods()[0] if workers else None


def _use_one_thread(worker: int) -> None:
    """Workers share the cores as processes; OpenCV's threads, as many in each as there are cores, would fight."""
    cv2.setNumThreads(1)
