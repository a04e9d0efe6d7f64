"""Mistakes end a run before its corpus is rendered or read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from matting.config import CONFIG_FOLDER, build, explain, load_config
from matting.models import AttentionUNet
from matting.training.checks import check_run
from tests.conftest import MINIATURE
from train import train

SMALL = ("trainer.accelerator=cpu", "data.epoch_rows=24", "data.batch_size=4", "data.workers=0")
ALONE = ("data.size=32", "data.crop_size=36", "data.batch_size=1", "data.pairing.fraction=0")


def rendered(**settings: Any) -> None:
    """Stands for a corpus that takes minutes to render."""
    raise AssertionError("the corpus was rendered before the mistake was found")


def mistake(folder: Path, *overrides: str) -> str:
    target = f"corpus._target_={__name__}.rendered"
    with pytest.raises(Exception) as caught:  # of several libraries
        train(load_config([*MINIATURE, *SMALL, target, f"folder={folder}", *overrides]))
    line = explain(caught.value)
    assert line is not None and "\n" not in line, repr(caught.value)
    return line


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["data.batch_size=8.0"], "data.batch_size: expected a whole number, found 8.0; give data.batch_size=8"),
        (["data.batch_size=eight"], "data.batch_size: expected a whole number, found 'eight'"),
        (["data.batch_size="], "data.batch_size: expected a whole number, found nothing"),
        (["data.batch_size=0"], "data.batch_size: expected at least 1, found 0"),
        (["data.batch_size=auto"], "data.batch_size: expected a whole number, found 'auto'; the plan"),
        (["data.batch_size=3"], "data.batch_size: expected an even number under pairing, found 3"),
        (ALONE, "data.batch_size: expected at least 2 images of 32 px for BatchNorm, found 1"),
        (["+curriculum=3stage", "curriculum.sizes=[32,64,64]", *ALONE[2:]], "at least 2 images of 32 px for BatchNorm"),
        (["data.epoch_rows=3"], "data.epoch_rows: expected at least one batch"),
        (["data.epoch_rows=1e3"], "data.epoch_rows: expected a whole number, found 1000.0; give data.epoch_rows=1000"),
        (["data.size=70"], "data.size: expected a multiple of 32, found 70; give data.size=64"),
        (["data.size=0"], "data.size: expected at least 1"),
        (["data.crop_size=48"], "data.crop_size: expected at least data.size=64, found 48"),
        (
            ["+curriculum=3stage", "curriculum.sizes=[32,50,64]"],
            "curriculum.sizes: expected 3 multiples of 32, one per stage",
        ),
        (
            ["+curriculum=3stage", "curriculum.sizes=[32,64,96]"],
            "curriculum.sizes: expected to end at data.size=64, at which the network is used, found 96; "
            "give data.size=96 data.crop_size=108",
        ),
        (["+curriculum=3stage", "data=augmented"], "stage 'foundation' opens no stream of the mixture (augmented)"),
        (["loss=augmix"], "augment.views: expected at least 1 for loss=augmix, found 0; give augment.views=2"),
        (["augment.views=2"], "augment.views: expected 0 without loss=augmix, found 2"),
        (["loss=augmix", "augment.views=2", "loss.weights.augmix=0"], "expected 0 without loss=augmix, found 2"),
        (["callbacks.checkpoint.every_n_train_steps=1000"], "every_n_train_steps=1000, every_n_epochs=1"),
        (["trainer.accumulate_grad_batches=0"], "trainer.accumulate_grad_batches: expected at least 1, found 0"),
        (["data.min_crop=2"], "data.min_crop: expected a share in (0, 1], found 2"),
        (["data.workers=-1"], "data.workers: expected at least 0, found -1"),
        (["data.pairing.fraction=abc"], "data.pairing.fraction: expected a number, found 'abc'"),
        (["data.mixture.weights.studio=x"], "data.mixture.weights.studio: expected a number"),
        (["seed=abc"], "seed: expected a whole number, found 'abc'"),
        (["optimizer.lr=fast"], "optimizer.lr: expected a number, found 'fast'"),
        (["model.encoder_weights=/no/such.pth"], "model.encoder_weights: /no/such.pth"),
        (["model.encoder=resnet35"], "timm has no model 'resnet35'"),
        (["model=trained", "model.path=/no/such"], "/no/such: expected a run folder"),
        (["resume.checkpoint=/no/such.ckpt"], "/no/such.ckpt"),
        (["trainer.max_epochs=many"], "trainer.max_epochs: expected a whole number or null, found 'many'"),
        (["trainer.max_epochs=-1"], "trainer: expected max_epochs or max_steps, found neither"),
        (["trainer.accelerator=toaster"], "trainer: "),
        (["trainer.devices=4000"], "trainer.devices: expected at most one process per core of the CPU, found 4000"),
        (["trainer.profile=perhaps"], "trainer.profile: expected true or false, found 'perhaps'"),
    ],
)
def test_a_mistake_is_found_before_the_corpus(overrides: list[str], expected: str, tmp_path: Path) -> None:
    assert expected in mistake(tmp_path, *overrides)


def test_a_gpu_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    line = mistake(tmp_path, "trainer.accelerator=gpu")
    assert line.startswith("trainer.accelerator: expected a device that this machine has, found 'gpu'")
    assert "trainer.accelerator=auto" in line


def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.ckpt").write_text("notes")
    assert f"{tmp_path}/notes.ckpt: expected a checkpoint" in mistake(
        tmp_path, f"resume.checkpoint={tmp_path}/notes.ckpt"
    )


def test_weights_that_cannot_be_fetched_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matting.models.weights.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("matting.models.weights._is_cached", lambda name: False)
    line = mistake(tmp_path, "model.encoder=resnet18", "model.pretrained=true")
    assert line.startswith("model.pretrained: http://127.0.0.1:9 with the weights of 'resnet18' is not reachable")


def test_a_missing_folder_of_a_further_set_is_found_before_people_are_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matting.synthetic.ensure_corpus", rendered)
    overrides = ["corpus=base", "corpus.sets.portraits.ppm.root=/no/pairs", "corpus.sets.coarse.masks.root=/no/masks"]
    with pytest.raises(Exception, match="/no/pairs") as caught:  # wrapped by Hydra
        build(load_config(overrides).corpus)
    assert str(explain(caught.value)).startswith("corpus.portraits.ppm: /no/pairs: expected a folder of pairs")


@pytest.mark.parametrize(
    ("overrides", "norm"),
    [(ALONE, "group"), (("data.size=64", *ALONE[2:]), "batch"), (("data.batch_size=2", *ALONE[:2]), "batch")],
)
def test_batches_that_a_network_can_normalise_pass(overrides: tuple[str, ...], norm: Any) -> None:
    check([*MINIATURE, *overrides], norm)


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONFIG_FOLDER / "experiment").glob("*.yaml")))
def test_every_experiment_passes_and_names_no_idle_degradation(name: str, caplog: pytest.LogCaptureFixture) -> None:
    check([f"experiment={name}"])
    assert not caplog.messages


@pytest.mark.parametrize(
    ("overrides", "idle"),
    [
        (["data=portraits"], "blur, augmix, phone"),
        (["data=portraits", "augment=augmix"], "augmix"),
        (["data=portraits", "augment=augmix_blur", "augment.views=2", "loss=augmix"], "blur"),
        (["data=portraits", "augment=none"], ""),
        (["data=mix_natural", "+curriculum=3stage"], ""),
        (["data=mix_natural", "data.mixture.augmented_share=0"], "blur, augmix, phone"),
    ],
)
def test_degradations_that_no_row_gets_are_named(
    overrides: list[str], idle: str, caplog: pytest.LogCaptureFixture
) -> None:
    check(overrides)
    assert [line.split(" will ")[0] for line in caplog.messages] == ([f"augment: {idle}"] if idle else [])


def check(overrides: Sequence[str], norm: Any = "batch") -> None:
    config = load_config(overrides)
    model = AttentionUNet("test_resnet", pretrained=False, decoder_channels=(16, 16, 8, 8, 8), norm=norm)
    check_run(config, model, build(config.loss))
