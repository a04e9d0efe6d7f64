from pathlib import Path

import pytest
from lightning.pytorch.loggers import CSVLogger, Logger

from matting.training.loggers import closing, has_wandb_key, wandb_logger


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
