"""A sweep runs its jobs in one process: each closes what it opened, and a failing job does not stop the others."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.runs import SHORT, assert_same_training, run


def sweep(folder: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "train.py", "-m", *SHORT, "trainer.max_epochs=1", f"hydra.sweep.dir={folder}"]
    return subprocess.run([*command, *overrides], capture_output=True, text=True, timeout=400)


@pytest.mark.slow
def test_a_sweep_over_seeds_gives_one_report_per_job(tmp_path: Path) -> None:
    """With workers: those of the second job are forked from a process whose libraries have run threads."""
    done = sweep(tmp_path, "seed=1,2", "logger=wandb", "data.workers=1")
    assert done.returncode == 0, done.stderr[-2000:]
    jobs = sorted(path for path in tmp_path.iterdir() if path.is_dir())
    assert len(jobs) == 2
    for job in jobs:
        assert "test/synthetic/unknown/sad" in json.loads((job / "results.json").read_text())["metrics"]
        assert len(list((job / "wandb").glob("offline-run-*"))) == 1
        assert "=" not in job.name and "," not in job.name, "the folder must serve in a later resume="


@pytest.mark.slow
def test_a_failing_job_does_not_stop_the_others(tmp_path: Path) -> None:
    done = sweep(tmp_path, "model.norm=layer,group")
    assert done.returncode == 1
    assert "expected one of batch, group" in done.stderr and "Traceback" not in done.stderr
    finished = {path.parent.name for path in tmp_path.glob("*/results.json")}
    assert len(finished) == 1 and "norm-group" in finished.pop()


@pytest.mark.slow
def test_a_job_that_is_taken_away_continues_to_the_bit(tmp_path: Path) -> None:
    """With submitit's jobs on this machine; on SLURM they get the same warning."""
    warn = "+callbacks.inside={_target_: tests.training.test_resume.Inside, batch: 3, name: SIGUSR2}"
    done = sweep(tmp_path / "sweep", "hydra/launcher=submitit_local", warn)
    assert done.returncode == 0, done.stderr[-2000:]
    (job,) = (tmp_path / "sweep").glob("0_*")
    assert "resumed after step 4" in (job / "train.log").read_text()
    assert (job / "results.json").is_file()
    run(tmp_path / "straight", "trainer.max_epochs=1")
    assert_same_training(tmp_path / "straight", job)
