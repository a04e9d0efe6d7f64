"""A run ends with its report where Matplotlib, an optional package, is missing."""

import sys
from pathlib import Path

import pytest

from matting.training import report


def test_a_report_without_matplotlib_has_no_curves_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "metrics.csv").write_text("step,train/loss\n1,0.5\n2,0.4\n")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    trainer = type("Trainer", (), {"profiler": None})()
    with caplog.at_level("WARNING"):
        sections = report._training(trainer, tmp_path)
    assert "pip install 'portrait-matting[figures]'" in caplog.text
    assert [section.figure for section in sections] == [None]
