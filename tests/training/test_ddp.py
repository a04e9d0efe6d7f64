"""Two processes train as one with twice the batch: the same plan split in two, the same weights on both."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import nn

from matting.training.optimizer import OptimizerSettings
from tests.training.runs import SHORT, checkpoint, logged, run


class PlainDescent(OptimizerSettings):
    """SGD, since Adam's first steps are the signs of the gradients, and the sign of a rounded 0 is arbitrary."""

    def build(self, model: nn.Module, total_steps: int) -> Any:
        return torch.optim.SGD(model.parameters(), lr=self.lr)


# GroupNorm, since BatchNorm computes its statistics over one process's half of the batch.
RUN = (
    "model.norm=group",
    "trainer.precision=32-true",  # bfloat16 rounds a batch of two and one of four apart
    "data.epoch_rows=4",  # one step per epoch
    "trainer.max_epochs=12",
    f"optimizer._target_={__name__}.PlainDescent",
    "optimizer.lr=1e-2",
)
COMPARED = 1
"""Steps after which weights and metrics are compared with the single process. The first step shows whether gradients
are those of the whole batch: the difference is 4e-6 of the update (seeds 0 to 2). Later steps are chaotic: a relative
change of the weights by 6e-8 changes the second step by up to 2e-2 of the update, depending on the images."""


class DumpWeights(Callback):
    """Write the people that each rank saw, and its weights at the start, after `COMPARED` steps and at the end."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.people: list[list[int]] = []
        self.weights: dict[str, dict[str, torch.Tensor]] = {}

    def keep(self, moment: str, module: LightningModule) -> None:
        self.weights[moment] = {name: tensor.detach().clone() for name, tensor in module.model.named_parameters()}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.keep("start", pl_module)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: object, batch_idx: int) -> None:
        self.people.append(batch.person.tolist())  # type: ignore[attr-defined]
        if trainer.global_step == COMPARED:
            self.keep("compared", pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.keep("end", pl_module)
        torch.save({"people": self.people} | self.weights, self.folder / f"rank{trainer.global_rank}.pt")


def dump(folder: Path) -> str:
    return f"+callbacks.dump={{_target_: {__name__}.DumpWeights, folder: '{folder}'}}"


def distance(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    return sum(float((one[name] - other[name]).double().square().sum()) for name in one) ** 0.5


def run_on_two(folder: Path, *overrides: str) -> None:
    command = [sys.executable, "train.py", *SHORT, *RUN, "data.batch_size=2", "trainer=ddp", "trainer.accelerator=cpu"]
    command += ["trainer.log_every_n_steps=1", f"hydra.run.dir={folder}", *overrides]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
def test_a_head_without_a_loss_does_not_stop_a_process(tmp_path: Path) -> None:
    run_on_two(tmp_path, "trainer.max_epochs=3", "loss.weights.trimap_ce=0")
    assert checkpoint(tmp_path)["global_step"] == 3


@pytest.mark.slow
def test_two_processes_equal_one_with_twice_the_batch(tmp_path: Path) -> None:
    single, double = tmp_path / "single", tmp_path / "double"
    single.mkdir()
    run(single, *RUN, "data.batch_size=4", dump(single))
    run_on_two(double, dump(double))
    first, second = (torch.load(double / f"rank{rank}.pt", weights_only=True) for rank in range(2))
    alone = torch.load(single / "rank0.pt", weights_only=True)
    assert [a + b for a, b in zip(first["people"], second["people"], strict=True)] == alone["people"]
    assert distance(first["start"], alone["start"]) == 0
    assert distance(first["end"], second["end"]) == 0
    way = distance(alone["compared"], alone["start"])
    assert distance(first["compared"], alone["compared"]) < 3e-5 * way
    assert checkpoint(double)["global_step"] == checkpoint(single)["global_step"] == 12
    for metric in ("mad", "mse", "sad"):
        ours, theirs = (logged(folder, f"val/synthetic/whole/{metric}") for folder in (double, single))
        assert ours.keys() == theirs.keys() and len(ours) == 12
        first_epoch = min(ours)
        assert float(ours[first_epoch]) == pytest.approx(float(theirs[first_epoch]), rel=1e-4)
