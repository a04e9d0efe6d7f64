"""The data loader: delivers batches in the plan's order and can start at any batch of any epoch."""

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

    Batch k of rank r is batch ``k * world_size + r`` of the plan, so all ranks have the same number of batches.

    Attributes:
        plan: Returns the plan of an epoch.
        batches: Number of batches per epoch of one rank.
        batch_size: Rows per batch of one rank.
        rank, world_size: Number of this process, and of all processes.
        consumed: Number of batches of this rank that training has received since the start of the run.
    """

    plan: Callable[[int], EpochPlan]
    batches: int
    batch_size: int
    rank: int = 0
    world_size: int = 1
    consumed: int = 0

    def __len__(self) -> int:
        return self.batches

    def drawn(self) -> tuple[int, int]:
        """Return the epoch of the last batch consumed, and how many of its rows all ranks consumed so far."""
        # One less, since the last batch of an epoch belongs to it and not to the next.
        epoch = max(0, self.consumed - 1) // self.batches
        return epoch, (self.consumed - epoch * self.batches) * self.batch_size * self.world_size

    def __iter__(self) -> Iterator[list[Draw]]:
        epoch, start = divmod(self.consumed, len(self))
        plan = self.plan(epoch)
        for batch in range(start, len(self)):
            first = (batch * self.world_size + self.rank) * self.batch_size
            if first >= len(plan):  # the run ends inside this epoch; workers would read ahead
                return
            yield plan.draws(slice(first, first + self.batch_size))


class PlanLoader(DataLoader[Crop]):
    """A data loader that knows its position in the run.

    Its state counts the batches that training *consumed*: workers prefetch, and batches in flight when the process dies
    must be loaded again.

    Args:
        dataset: Decodes draws.
        batches: The draws of each batch, in order.
        workers: Number of worker processes; 0 decodes in this one. The batches do not depend on it.
        pin_memory: Whether to page-lock batches, for asynchronous copies to a GPU.
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
            persistent_workers=workers > 0,  # restarting them every epoch costs seconds
            multiprocessing_context=start_method(workers),
            worker_init_fn=_use_one_thread,
            # The loader takes a seed for its workers at each epoch; taken from the global generator, it would make
            # the run depend on how often it was resumed.
            generator=torch.Generator(),
        )

    def __iter__(self) -> Iterator[LayerBatch]:  # type: ignore[override]
        """Iterate over the remaining batches of the current epoch."""
        for batch in super().__iter__():
            # Before the yield, so that a checkpoint written in a training step counts its batch.
            self.batches.consumed += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Return the position in the run: completed epochs, and rows of the current one that all ranks consumed."""
        epoch, batch = divmod(self.batches.consumed, len(self.batches))
        return {"epoch": epoch, "rows": batch * self.batches.batch_size * self.batches.world_size}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Resume at a saved position, even with another batch size or number of ranks than it was saved with."""
        # Rounded down: with other batch sizes, a few rows are drawn again rather than left out.
        batch = state["rows"] // (self.batches.batch_size * self.batches.world_size)
        self.batches.consumed = state["epoch"] * len(self.batches) + batch


def start_method(workers: int) -> str | None:
    """Return how to start workers: by the platform's default method; None without workers, as PyTorch requires.

    It is given explicitly because joblib replaces Python's default inside its jobs by a method of its own, which does
    not work with PyTorch's loaders.
    """
    return multiprocessing.get_all_start_methods()[0] if workers else None


def _use_one_thread(worker: int) -> None:
    """Disable OpenCV's threads in a worker: one pool of all cores in each worker would oversubscribe the machine."""
    cv2.setNumThreads(1)
