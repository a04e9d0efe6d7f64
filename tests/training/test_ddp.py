"""Two processes train as one with the double batch: the same plan split in two, the same weights on both."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from tests.training.runs import SHORT, checkpoint, logged, run

# GroupNorm: BatchNorm's statistics are those of one process's half of the batch.
RUN = ("model.norm=group", "trainer.max_epochs=2", "optimizer.lr=1e-4", "trainer.gradient_clip_val=null")


class DumpWeights(Callback):
    """Writes the weights of each rank and the draws it trained on."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.seeds: list[list[int]] = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: object, batch_idx: int) -> None:
        self.seeds.append(batch.person.tolist())  # type: ignore[attr-defined]

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        content = {"weights": pl_module.model.state_dict(), "people": self.seeds}
        torch.save(content, self.folder / f"rank{trainer.global_rank}.pt")


def dump(folder: Path) -> str:
    return f"+callbacks.dump={{_target_: {__name__}.DumpWeights, folder: '{folder}'}}"


@pytest.mark.slow
def test_two_processes_equal_one_with_the_double_batch(tmp_path: Path) -> None:
    single, double = tmp_path / "single", tmp_path / "double"
    single.mkdir()
    run(single, *RUN, "data.batch_size=4", dump(single))
    command = [sys.executable, "train.py", *SHORT, *RUN, "data.batch_size=2", "trainer=ddp", "trainer.accelerator=cpu"]
    command += ["trainer.log_every_n_steps=1", f"hydra.run.dir={double}", dump(double)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    ranks = [torch.load(double / f"rank{rank}.pt", weights_only=True) for rank in range(2)]
    alone = torch.load(single / "rank0.pt", weights_only=True)
    assert [a + b for a, b in zip(ranks[0]["people"], ranks[1]["people"], strict=True)] == alone["people"]
    for name, tensor in ranks[0]["weights"].items():
        assert torch.equal(tensor, ranks[1]["weights"][name]), f"{name} differs between the ranks"
        if tensor.is_floating_point():
            # Adam turns the rounding of a gradient near 0 into a step of up to the learning rate, hence a mean: other
            # data would move every weight by most of 12 steps of 1e-4.
            assert (tensor - alone["weights"][name]).abs().mean() < 1e-4, f"{name} differs from the single process"
    assert checkpoint(double)["global_step"] == checkpoint(single)["global_step"] == 12
    key = "val/demo/whole/mad"
    for step, value in logged(single, key).items():
        assert float(logged(double, key)[step]) == pytest.approx(float(value), abs=2e-3)
