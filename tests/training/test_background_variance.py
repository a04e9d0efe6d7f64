from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from matting.config import build
from matting.training.callbacks import BackgroundVariance, background_variance
from matting.training.datamodule import MattingDataModule
from matting.training.schedule import build_schedule, planned_length
from tests.training.runs import configure, logged, run


@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_against_numpy(seed, backgrounds):
    random = np.random.default_rng(seed)
    alphas, weight = random.random((backgrounds, 1, 4, 5)), random.integers(0, 2, (backgrounds, 1, 4, 5)) * 1.0
    expected = np.average(alphas.var(axis=0), weights=weight.mean(axis=0)) if weight.any() else 0
    assert background_variance(torch.from_numpy(alphas), torch.from_numpy(weight)).item() == pytest.approx(expected)
    assert 0 <= expected <= 0.25


class Module(SimpleNamespace):
    device = torch.device("cpu")

    def log(self, name, value, **_):
        self.logged[name] = value.item()


def measured(tmp_path, alpha_of, *overrides):
    """What the callback logs for a network that is a function of the image."""
    config = configure(tmp_path, *overrides)
    corpus = build(config.corpus)
    schedule = build_schedule(config, corpus, planned_length(config))
    data = MattingDataModule(corpus, schedule, build(config.augment), 4, crop_size=72, min_crop=0.5, workers=0)
    module = Module(model=lambda image: SimpleNamespace(alpha=alpha_of(image)), logged={})
    callback, trainer = BackgroundVariance(people=2, backgrounds=3), SimpleNamespace(datamodule=data)
    for batch_idx in range(3):
        callback.on_validation_batch_start(trainer, module, None, batch_idx)
    return module.logged


def test_zero_for_an_alpha_that_ignores_the_background_and_positive_for_one_that_is_the_image(tmp_path):
    constant = measured(tmp_path, lambda image: torch.ones_like(image[:, :1]))
    assert constant == {"pairing/whole/variance": 0, "pairing/unknown/variance": 0}
    copied = measured(tmp_path, lambda image: image.mean(dim=1, keepdim=True))
    assert min(copied.values()) > 1e-4
    withheld = measured(tmp_path, lambda image: image.mean(dim=1, keepdim=True), "corpus.labelled=0")
    assert withheld == copied, "no label is needed to measure it"


def test_measuring_does_not_change_a_run(tmp_path):
    callback = "+callbacks.variance={_target_: matting.training.callbacks.BackgroundVariance, people: 2}"
    run(tmp_path / "with", "trainer.max_epochs=1", callback)
    run(tmp_path / "without", "trainer.max_epochs=1")
    assert logged(tmp_path / "with") == logged(tmp_path / "without")
    values = [float(value) for value in logged(tmp_path / "with", "pairing/unknown/variance").values()]
    assert len(values) == 1 and 0 < values[0] < 0.25


@pytest.mark.parametrize("arguments", [{"people": 0}, {"backgrounds": 1}])
def test_too_few_are_refused(arguments):
    with pytest.raises(ValueError, match="expected people >= 1 and backgrounds >= 2"):
        BackgroundVariance(**arguments)
