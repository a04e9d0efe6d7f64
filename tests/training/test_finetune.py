import csv

import cv2
import numpy as np
import pytest
import torch

from matting.config import load_config
from matting.models import load_checkpoint
from tests.conftest import MINIATURE
from tests.training.runs import checkpoint, logged, run
from train import train

SHORT = ["data.size=64", "data.crop_size=72", "data.epoch_rows=24", "data.batch_size=4", "data.workers=0"]
QUIET = ["trainer.accelerator=cpu", "trainer.log_every_n_steps=1", "callbacks.progress=null"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    run(folder, "trainer.max_epochs=1")
    return folder


def own_images(root):
    """Forty "people" unlike those of the synthetic corpus: a disc on a gradient."""
    y, x = np.mgrid[:96, :80]
    names = [f"me {k}" for k in range(40)]
    for k, name in enumerate(names):
        alpha = np.uint8(np.clip((20 + k % 9 - np.hypot(y - 48, x - 40)) / 3 + 0.5, 0, 1) * 255)
        photo = np.dstack([np.where(alpha > 128, 200, 2 * x + k), y, 120 + 0 * x]).astype(np.uint8)
        for file, image in ((f"image/{name}.jpg", photo), (f"alpha/{name}.png", alpha)):
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(root / file), image)
    with (root.parent / "splits.csv").open("w", newline="") as file:
        rows = [(name, "test" if k < 4 else "val" if k < 8 else "train") for k, name in enumerate(names)]
        csv.writer(file).writerows(rows)
    return root.parent / "splits.csv"


def test_a_trained_network_is_fine_tuned_on_a_users_folder(trained, tmp_path):
    splits = own_images(tmp_path / "images")
    own = [f"corpus.root={tmp_path}/images", f"corpus.portraits.pairs.split_list={splits}"]
    where = [f"model.path={trained}", f"folder={tmp_path}", "trainer.max_epochs=4"]
    metrics = train(load_config(["experiment=finetune", *own, *where, *SHORT, *QUIET]))
    assert {"test/own/whole/mad", "test/own/unknown/mad"} <= metrics.keys()
    before, after = (load_checkpoint(folder).model for folder in (trained, tmp_path))
    assert before.settings == after.settings
    losses = [float(value) for value in logged(tmp_path).values()]
    assert np.mean(losses[-6:]) < np.mean(losses[:6])


def test_fine_tuning_starts_from_the_shipped_model(shipped, tmp_path):
    splits = own_images(tmp_path / "images")
    own = [f"corpus.root={tmp_path}/images", f"corpus.portraits.pairs.split_list={splits}"]
    where = [f"folder={tmp_path}", "trainer.max_steps=1", "optimizer.lr=1e-12", "optimizer.weight_decay=0"]
    train(load_config(["experiment=finetune", *own, *where, *SHORT, *QUIET]))
    start, after = (load_checkpoint(folder).model for folder in (shipped / "portrait", tmp_path))
    assert start.settings == after.settings
    for name, value in start.named_parameters():
        assert torch.allclose(value, after.get_parameter(name), atol=1e-9), name


@pytest.mark.parametrize("count", [1, 3])
def test_a_handful_of_pairs_trains(trained, tmp_path, count, caplog):
    own_images(tmp_path / "images")
    for file in (tmp_path / "images").glob("*/me *"):
        if int(file.stem.removeprefix("me ")) >= count:
            file.unlink()
    where = [f"corpus.root={tmp_path}/images", f"model.path={trained}", f"folder={tmp_path}", "trainer.max_steps=2"]
    metrics = train(load_config(["experiment=finetune", *where, *SHORT, *QUIET]))
    assert (tmp_path / "checkpoints" / "last.ckpt").is_file() and bool(metrics) == (count == 3)
    assert "split by a hash of the names, as there is no split_list" in caplog.text
    assert ("there is nothing in its split 'val'" in caplog.text) == (count == 1)


def test_the_encoder_is_frozen_at_first_with_its_statistics(trained, tmp_path):
    going_on = ("model=trained", f"model.path={trained}", "++optimizer.encoder_freeze=1.0", "trainer.max_epochs=1")
    miniature = [override for override in MINIATURE if not override.startswith("model=")]
    train(load_config([*miniature, *SHORT[2:], *QUIET, *going_on, f"folder={tmp_path}"]))
    before, after = checkpoint(trained)["state_dict"], checkpoint(tmp_path)["current_model_state"]
    names = [name for name in before if name.startswith("model.")]
    changed = [name for name in names if not torch.equal(before[name], after[name])]
    assert changed and not any(name.startswith("model.encoder.") for name in changed)
