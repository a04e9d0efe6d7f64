"""Averaged and current weights change places for a validation only, also if it is interrupted."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule
from lightning.pytorch.callbacks import ModelCheckpoint, WeightAveraging
from torch import Tensor, nn
from torch.utils.data import DataLoader

from matting.training.callbacks import AveragedWeights
from matting.training.trainer import build_trainer
from tests.training.runs import assert_equal
from tests.training.test_resume import Die, KilledError

STEPS = 6


class Line(LightningModule):
    """One weight that grows from 0 towards 1; its average stays behind."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return (batch - self.weight).square().sum()

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        pass

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), 0.1)


def fit(folder: Path, *callbacks: Callback) -> None:
    """Train for an epoch and save at its end, or at the exception that ends it."""
    saving = ModelCheckpoint(folder, "last", save_on_exception=True, save_on_train_epoch_end=True)
    settings = {"accelerator": "cpu", "max_epochs": 1, "logger": False, "enable_model_summary": False}
    trainer = build_trainer("32-true", callbacks=[AveragedWeights(), *callbacks, saving], **settings)
    trainer.fit(Line(), DataLoader(torch.ones(STEPS)), DataLoader(torch.ones(1)))


@pytest.mark.parametrize(
    "hook",
    [
        pytest.param("on_validation_start", id="before the averaged weights are in place"),
        pytest.param("on_validation_batch_start", id="while they are"),
        pytest.param("on_validation_end", id="after that"),
    ],
)
def test_an_error_in_a_validation_does_not_exchange_weights(tmp_path: Path, hook: str) -> None:
    fit(tmp_path / "whole")
    with pytest.raises(KilledError):
        fit(tmp_path / "ended", Die(STEPS, hook))
    whole, ended = (torch.load(tmp_path / name / "last.ckpt", weights_only=True) for name in ("whole", "ended"))
    assert 0 < whole["state_dict"]["weight"] < whole["current_model_state"]["weight"]
    for key in ("state_dict", "current_model_state"):
        assert_equal(whole[key], ended[key])


def test_nothing_is_saved_if_the_exchange_itself_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: object) -> None:
        monkeypatch.undo()  # once
        raise KilledError

    class Interrupt(Callback):
        """Wait for training: the check before it swaps weights too."""

        def on_train_start(self, *args: object) -> None:
            monkeypatch.setattr(WeightAveraging, "_swap_models", interrupted)

    with pytest.raises(KilledError):
        fit(tmp_path, Interrupt())
    assert not list(tmp_path.iterdir())
