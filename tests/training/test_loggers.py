from pathlib import Path

import cv2
import numpy as np
import pytest
from lightning.pytorch.loggers import CSVLogger, Logger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from matting.training.loggers import (
    closing,
    csv_logger,
    has_wandb_key,
    log_images,
    publish,
    tensorboard_logger,
    wandb_logger,
)
from tests.training.runs import run


class Recorder(CSVLogger):
    def finalize(self, status: str) -> None:
        self.status = status


def test_loggers_are_closed_with_the_runs_outcome(tmp_path: Path) -> None:
    loggers: list[Logger] = [Recorder(tmp_path), Recorder(tmp_path)]
    with closing(loggers):
        pass
    assert [logger.status for logger in loggers] == ["success"] * 2  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt), closing(loggers):
        raise KeyboardInterrupt
    assert [logger.status for logger in loggers] == ["failed"] * 2  # type: ignore[attr-defined]


def test_a_run_without_loggers_trains(tmp_path: Path) -> None:
    assert run(tmp_path, "trainer.max_epochs=1", "logger.csv=null")
    assert not (tmp_path / "metrics.csv").exists()


def test_a_key_is_found_where_wandb_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert not has_wandb_key()
    (tmp_path / "netrc").write_text("machine api.wandb.ai login user password secret\n")
    assert has_wandb_key()
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org")
    assert not has_wandb_key()
    monkeypatch.setenv("WANDB_API_KEY", "secret")
    assert has_wandb_key()


def test_without_a_key_two_runs_of_one_process_are_two_offline_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setenv("WANDB_SILENT", "true")
    for _ in range(2):
        with closing([wandb_logger(tmp_path, "test")]) as loggers:
            loggers[0].log_metrics({"test/synthetic/whole/mad": 0.5}, step=1)
    files = list((tmp_path / "wandb").glob("offline-run-*/*.wandb"))
    assert len(files) == 2


def events(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder / "tensorboard"))
    found.Reload()
    return found


def test_tensorboard_gets_the_images_that_wandb_gets(tmp_path: Path) -> None:
    rows = [np.full((30, 50, 3), (250, 10 * k, 20), np.uint8) for k in range(3)]
    with closing([csv_logger(tmp_path), tensorboard_logger(tmp_path)]) as loggers:
        log_images(loggers, "panels/validation", rows, "a | b", 12)
    shown = events(tmp_path)
    assert shown.Tags()["images"] == [f"panels/validation/{k}" for k in range(3)]
    (image,) = shown.Images("panels/validation/2")
    assert (image.step, image.height, image.width) == (12, 30, 50)
    pixels = cv2.imdecode(np.frombuffer(image.encoded_image_string, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(pixels, rows[2])


def test_tensorboard_gets_scores_and_report(tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("# Report of the run")
    with closing([tensorboard_logger(tmp_path)]) as loggers:
        publish(loggers, tmp_path, {"test/synthetic/whole/mad": 0.25}, 7)
    shown = events(tmp_path)
    assert [(entry.step, entry.value) for entry in shown.Scalars("test/synthetic/whole/mad")] == [(7, 0.25)]
    (text,) = shown.Tensors("evaluation/report/text_summary")
    assert text.tensor_proto.string_val[0] == b"# Report of the run"


@pytest.mark.slow
def test_a_run_shows_the_same_validation_images_epoch_after_epoch(tmp_path: Path) -> None:
    run(tmp_path, "logger=tensorboard", "trainer.max_epochs=2")
    steps = [6, 12]
    assert sorted(file.name for file in (tmp_path / "validation").iterdir()) == ["epoch_0001.jpg", "epoch_0002.jpg"]
    shown = events(tmp_path)
    for name in shown.Tags()["images"]:
        assert [image.step for image in shown.Images(name)] == steps
