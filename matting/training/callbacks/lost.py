"""End a distributed run that has lost a process with one line, instead of a traceback of the network library."""

import os
import re
import shlex
import signal
import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta

import torch.distributed as dist
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.distributed import distributed_c10d

from matting.errors import MattingError

ANSWERED = "matting/answered"
SECONDS = 10
"""Time that the other processes have to answer when one has lost another."""


class LostProcesses(Callback):
    """Name the processes that do not answer any more, and how to resume.

    Without it Lightning would save a checkpoint in the middle of a step, and wait for the lost process meanwhile. A run
    of one process needs nothing.

    Args:
        folder: Run folder, for the message.
        minutes: Time that a process may keep the others waiting once all have started, which may take them Lightning's
            30 minutes: one may have to render what another finds in its cache.
    """

    def __init__(self, folder: str, minutes: float = 10) -> None:
        self.folder, self.patience = folder, timedelta(minutes=minutes)
        self.hosts: list[str] = []

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Learn on which machine each process runs, while all answer."""
        if trainer.world_size > 1:
            self.hosts = [""] * trainer.world_size
            dist.all_gather_object(self.hosts, socket.gethostname())
            # Newer versions of torch have the first name, older ones the second.
            getattr(dist, "set_timeout", distributed_c10d._set_pg_timeout)(self.patience)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Replace an error of the network.

        Raises:
            MattingError: If the exception is one.
        """
        if trainer.world_size == 1 or not _is_of_the_network(exception):
            return
        # Lightning would ask the other processes first, which is why this one was interrupted.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        reason = str(exception).splitlines()[0].split("] ", 1)[-1].partition(". ")[0]
        if not self.hosts:
            found = f"expected {trainer.world_size} processes, not all of them came"
        elif (lost := _silent(trainer.global_rank, len(self.hosts))) is None:
            found = f"lost {os.environ.get('MASTER_ADDR')}, which connects all processes"
        elif lost:
            found = "lost " + ", ".join(f"rank {rank} on {self.hosts[rank]}" for rank in lost)
        else:
            found = "lost the connection between processes that all still run"
        raise MattingError(
            f"distributed run: {found}, after step {trainer.global_step} ({reason}); see the logs there, then continue "
            f"from the last checkpoint, with resume={shlex.quote(self.folder)} on all machines"
        ) from exception


def _is_of_the_network(exception: BaseException) -> bool:
    # Gloo raises plain errors; the text of most, but not of this one, begins with the path of its source file.
    by_gloo = isinstance(exception, RuntimeError) and re.search(r"\bgloo\b|pair closure", str(exception))
    return isinstance(exception, dist.DistError) or bool(by_gloo)


def _silent(rank: int, world_size: int) -> list[int] | None:
    """Return the ranks that do not report to the store that all share: each that lost another one comes here too.

    Returns:
        The ranks; None if the store does not answer.
    """
    others = [other for other in range(world_size) if other != rank]
    answered: set[int] = set()

    def ask() -> None:
        store, deadline = distributed_c10d._get_default_store(), time.monotonic() + SECONDS
        with suppress(dist.DistError):
            store.set(f"{ANSWERED}/{rank}", "")
        for other in (rank, *others):  # its own first, which shows whether the store answers
            left = max(0.1, deadline - time.monotonic())
            with suppress(dist.DistError):
                store.wait([f"{ANSWERED}/{other}"], timedelta(seconds=left))
                answered.add(other)

    # The store may be on the machine that is lost, and then a call can take for ever.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(SECONDS + 1)
    return [other for other in others if other not in answered] if rank in answered else None
