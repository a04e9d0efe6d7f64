"""The end of a run: its report without Matplotlib, an optional package, and the line that announces it."""

import json
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


def test_the_scores_of_the_first_set_that_has_any_are_announced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A corpus may have no test images but those of its sets for testing alone."""
    found = {f"test/own/whole/{metric}": {"mean": 0.25} for metric in ("mad", "sad")}
    methods = {"model": found, "all foreground": found}
    (tmp_path / "results.json").write_text(json.dumps({"by_method": methods}))
    with caplog.at_level("INFO"):
        report.announce(tmp_path, ["disk", "own"])
        report.announce(tmp_path, ["disk"])  # nothing there was scored: the report is named all the same
    assert "test on own: model MAD 0.2500 SAD 0.25; best trivial baseline: all foreground MAD 0.2500" in caplog.text
    assert caplog.text.count("test on ") == 1 and caplog.text.count("report: ") == 2
