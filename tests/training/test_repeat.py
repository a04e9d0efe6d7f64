from types import SimpleNamespace

import pytest

from matting.config import build
from matting.plan.curriculum import Curriculum
from matting.training.callbacks import RepeatFirstEpoch
from matting.training.datamodule import MattingDataModule
from matting.training.schedule import build_schedule, planned_length
from tests.training.runs import configure, logged, run


@pytest.fixture
def module(tmp_path):
    config = configure(tmp_path)
    corpus = build(config.corpus)
    schedule = build_schedule(config, corpus, planned_length(config))
    return MattingDataModule(corpus, schedule, build(config.augment), 4, crop_size=72, min_crop=0.5, workers=0)


def test_every_epoch_repeats_the_first_one(module):
    first, second = module.schedule.plan(0), module.schedule.plan(1)
    everything = slice(None)
    assert first.draws(everything) != second.draws(everything)
    RepeatFirstEpoch().setup(SimpleNamespace(datamodule=module), None, "fit")
    assert module.schedule.curriculum == Curriculum()
    for epoch in range(5):
        assert module.schedule.plan(epoch).draws(everything) == first.draws(everything)


def test_other_data_is_refused():
    with pytest.raises(TypeError, match="expected a MattingDataModule, found NoneType"):
        RepeatFirstEpoch().setup(SimpleNamespace(datamodule=None), None, "fit")


def test_overfit_experiment_learns_its_one_batch(tmp_path):
    small = (
        "model.encoder=test_resnet",
        "model.decoder_channels=[32,16,16,16,16]",
        "trainer.max_epochs=30",
        "trainer.log_every_n_steps=1",
    )
    run(tmp_path, "experiment=overfit", *small, "data.epoch_rows=4", "data.size=64", "data.crop_size=64")
    losses = [float(value) for value in logged(tmp_path, "train/alpha_l1").values()]
    assert len(losses) == 30 and losses[-1] < 0.5 * losses[0]
