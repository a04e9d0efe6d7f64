"""Validation batches in the module."""

import pytest
import torch

from matting.batch import TrainingBatch
from matting.losses import AlphaL1, Criterion
from matting.models import AttentionUNet
from matting.training.module import MattingModule
from matting.training.optimizer import OptimizerSettings


def module() -> MattingModule:
    model = AttentionUNet("test_resnet", pretrained=False, decoder_channels=(24, 16, 16, 8, 8))
    criterion = Criterion({"alpha_l1": AlphaL1()}, {"alpha_l1": 1.0})
    return MattingModule(
        model, criterion, OptimizerSettings(), total_steps=1, validation_set="set", hyper_parameters={}
    )


def validation_batch(valid: torch.Tensor) -> TrainingBatch:
    nothing, image = torch.zeros(2, dtype=torch.int64), torch.rand(2, 3, 64, 64)
    alpha, trimap = torch.rand(2, 1, 64, 64), torch.ones(2, 64, 64, dtype=torch.int64)
    return TrainingBatch(image, image[:, :0], alpha, trimap, image, image, valid, nothing, nothing, nothing)


def test_validation_does_not_count_what_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the annotation says where it is not valid changes no metric; elsewhere it does."""
    trained = module().eval()
    monkeypatch.setattr(trained, "log", lambda *_, **__: None)
    valid = torch.ones(2, 1, 64, 64)
    valid[:, :, :20] = 0
    batch, scores = validation_batch(valid), []
    for row in (None, 3, 40):
        alpha = batch.alpha.clone()
        if row is not None:
            alpha[:, :, row] = 1 - alpha[:, :, row].round()
        for metric in trained.validation_metrics.values():
            metric.reset()
        trained.validation_step(batch._replace(alpha=alpha), 0)
        scores.append([float(metric.compute()) for metric in trained.validation_metrics.values()])
    assert scores[0] == scores[1]
    assert all(one != other for one, other in zip(scores[0], scores[2], strict=True))


def test_a_diverged_network_is_reported_by_one_of_the_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    trained, logged = module(), []
    monkeypatch.setattr(trained, "log", lambda name, metric, **_: logged.append((name, metric)))
    batch = validation_batch(torch.ones(2, 1, 64, 64))
    trained.validation_step(batch, 0)
    assert len(logged) == 6 and all(0 <= metric.compute() < 10 for _, metric in logged)
    trained.model.alpha_head.bias.data.fill_(torch.nan)
    trained.validation_step(batch, 1)
    with pytest.raises(ValueError, match="found 2 of 4 images with other values"):
        for _, metric in logged[:6]:
            metric.compute()
