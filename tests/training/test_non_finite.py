import csv
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import Callback

from matting.config import build
from matting.data.dataset import DrawDataset, collate
from matting.plan.plan import Draw
from matting.training.callbacks import NonFiniteGuard, read_draws
from matting.training.schedule import build_schedule, planned_length
from tests.training.runs import checkpoint, configure, logged, run

BAD_STEP = 8  # batch 2 of epoch 1, six batches per epoch


class Poison(Callback):
    """Keep the batch of one step and set its image to NaN."""

    kept = SimpleNamespace()

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if trainer.global_step == BAD_STEP:
            type(self).kept = batch._replace(image=batch.image.clone())
            batch.image[0, 0, 5, 5] = float("nan")


def guard(path: Path, every: int) -> str:
    return (
        f"++callbacks.non_finite={{_target_: {NonFiniteGuard.__module__}.NonFiniteGuard, path: {path}, every: {every}}}"
    )


def test_checkpoints_between_epochs_stay_good_too(tmp_path):
    poison = f"+callbacks.poison={{_target_: {__name__}.Poison}}"
    saving = ("callbacks.checkpoint.every_n_epochs=null", "callbacks.checkpoint.every_n_train_steps=1")
    with pytest.raises(ValueError, match="epoch 1, batch 2: the loss is not finite"):
        run(tmp_path, "trainer.max_epochs=3", guard(tmp_path / "non_finite.csv", 50), poison, *saving)
    saved = checkpoint(tmp_path)
    assert saved["global_step"] == BAD_STEP
    assert all(value.isfinite().all() for value in saved["state_dict"].values())


@pytest.mark.parametrize("every", [1, 4, 50])
def test_run_stops_names_the_batch_and_keeps_the_good_checkpoint(tmp_path, every):
    poison = f"+callbacks.poison={{_target_: {__name__}.Poison}}"
    with pytest.raises(ValueError, match=r"epoch 1, batch 2: the loss is not finite; .*non_finite\.csv"):
        run(tmp_path, "trainer.max_epochs=3", guard(tmp_path / "non_finite.csv", every), poison)
    saved = checkpoint(tmp_path)
    assert saved["global_step"] == 6  # the end of the epoch before
    assert all(value.isfinite().all() for value in saved["state_dict"].values())
    _assert_replays(tmp_path)


def _assert_replays(folder: Path) -> None:
    """The file reproduces the batch to the bit with the run's own data set and pipeline."""
    config = configure(folder, "trainer.max_epochs=3")
    corpus = build(config.corpus)
    size, crop, smallest = (config.data[name] for name in ("size", "crop_size", "min_crop"))
    dataset = DrawDataset(corpus.sets, corpus.scenes, size, crop / size, smallest)
    draws = read_draws(folder / "non_finite.csv")
    assert draws == build_schedule(config, corpus, planned_length(config)).plan(1).draws(slice(8, 12))
    batch = build(config.augment)(collate([dataset[draw] for draw in draws]))
    for name, part in batch._asdict().items():
        assert torch.equal(part, getattr(Poison.kept, name)), name


def test_a_healthy_run_is_not_changed(tmp_path):
    run(tmp_path / "plain", "trainer.max_epochs=1", "++callbacks.non_finite=null")
    run(tmp_path / "guarded", "trainer.max_epochs=1", guard(tmp_path / "unused.csv", 4))
    assert logged(tmp_path / "plain") == logged(tmp_path / "guarded")


def test_other_loaders_are_refused():
    trainer = SimpleNamespace(train_dataloader=[1, 2])
    with pytest.raises(TypeError, match="expected a PlanLoader, found list"):
        NonFiniteGuard("x.csv").on_train_batch_end(trainer, None, {"loss": torch.ones(())}, None, 0)


def test_other_files_are_refused(tmp_path):
    with (tmp_path / "x.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["a", "b"], [1, 2]])
    with pytest.raises(ValueError, match=f"expected the columns {', '.join(Draw._fields)}, found a, b"):
        read_draws(tmp_path / "x.csv")
