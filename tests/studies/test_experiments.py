"""Every experiment file runs; every study varies what it is about and nothing else; sweeps end in a table."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from matting.config import CONFIG_FOLDER, load_config
from matting.studies import find_runs, gather, read_study
from tests.training.runs import SHORT, run

EXPERIMENTS = sorted(path.stem for path in (CONFIG_FOLDER / "experiment").glob("*.yaml"))
STUDIES = {
    "data_mix": ("data.mixture",),
    "pairing": ("loss.",),
    "curriculum": ("curriculum",),
    "augment": ("augment.",),
    "architecture": ("model.gates", "loss."),
    "curation": ("corpus.defects", "corpus.verdicts"),
}
"""What each study varies, as prefixes of setting names."""

SIZES = {"data_mix": 7, "pairing": 4, "curriculum": 4, "augment": 4, "architecture": 4, "curation": 3}


def hydra_config(*overrides: str) -> Any:
    with initialize_config_dir(str(CONFIG_FOLDER), version_base="1.3"):
        return compose("train", overrides=list(overrides), return_hydra_config=True).hydra


def jobs(experiment: str, *overrides: str) -> list[list[str]]:
    """Return the overrides of each job that ``train.py -m`` would start, as computed by Hydra's own sweeper."""
    params = hydra_config(f"experiment={experiment}").sweeper.params or {}
    texts = [*(f"{key}={value}" for key, value in params.items()), f"experiment={experiment}", *overrides]
    (batch,) = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides(texts), None)
    return [list(job) for job in batch]


def flat(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {prefix.rstrip("."): node}
    return {name: leaf for key, child in node.items() for name, leaf in flat(child, f"{prefix}{key}.").items()}


def settings(overrides: Sequence[str]) -> dict[str, Any]:
    return flat(OmegaConf.to_container(load_config([*overrides, "folder=/run"]), resolve=True))


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_varies_what_it_is_about_and_the_seed(study: str) -> None:
    found = jobs(study, "+budget=cpu")
    assert len(found) == 3 * SIZES[study], "three seeds of each row"
    rows = [settings(job) for job in found]
    keys = {key for row in rows for key in row}
    varied = {key for key in keys if len({repr(row.get(key)) for row in rows}) > 1}
    assert varied and {key for key in varied if not key.startswith((*STUDIES[study], "seed"))} == set()
    assert len({repr(sorted(row.items(), key=str)) for row in rows}) == len(rows), "no row occurs twice"


def test_every_experiment_with_a_sweep_is_known_here() -> None:
    assert {name for name in EXPERIMENTS if "sweeper" in (CONFIG_FOLDER / f"experiment/{name}.yaml").read_text()} == {
        *STUDIES
    }


def test_the_command_line_narrows_a_study() -> None:
    found = jobs("data_mix", "seed=7", "data=portraits,mix_uniform")
    assert sorted(next(part for part in job if part.startswith("data=")) for job in found) == [
        "data=mix_uniform",
        "data=portraits",
    ]
    assert all("seed=7" in job for job in found)


def test_the_documented_new_study_is_one_file(tmp_path: Path) -> None:
    page = (CONFIG_FOLDER.parent / "docs" / "studies.md").read_text()
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "crop.yaml").write_text(page.split("```yaml\n")[1].split("```")[0])
    config = hydra_config("experiment=crop", f"hydra.searchpath=[file://{tmp_path}]")
    assert dict(config.sweeper.params) == {"data.min_crop": "0.5,0.25,1.0", "seed": "1,2,3"}


def test_job_folders_are_siblings() -> None:
    folder = OmegaConf.to_container(hydra_config().sweep, resolve=False)["subdir"]
    job = {"num": 3, "override_dirname": "loss/pairing-both__seed-1" + "x" * 300}
    name = OmegaConf.create({"hydra": {"job": job}, "folder": folder}).folder
    assert name.startswith("3_loss.pairing-both__seed-1x") and len(name) < 255


@pytest.mark.parametrize("name", ["joblib", "slurm"])
def test_launchers_compose_and_keep_the_folders(name: str) -> None:
    config = hydra_config(f"hydra={name}")
    assert name.replace("slurm", "submitit").removesuffix("it") in config.launcher._target_
    folders = [OmegaConf.to_container(node.sweep, resolve=False) for node in (config, hydra_config())]
    assert folders[0] == folders[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name not in ("base", "finetune")])  # tested elsewhere
def test_every_experiment_trains_one_batch_and_reports(name: str, tmp_path: Path) -> None:
    """Run the last row of a study, which is the farthest from the defaults."""
    one_batch = ["data.epoch_rows=4", "trainer.max_epochs=1"]
    if name == "base_synthetic":
        one_batch += ["curriculum.sizes=[32,32,64]"]  # to end at the size of these runs
    job = jobs(name)[-1]
    assert "test/synthetic/unknown/sad" in run(tmp_path, *job, *one_batch)


def sweep(folder: Path, *overrides: str) -> None:
    command = [sys.executable, "train.py", "-m", *SHORT, "trainer.max_epochs=1", f"hydra.sweep.dir={folder}"]
    done = subprocess.run(
        [*command, "callbacks.progress=null", *overrides], capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_a_study_ends_in_a_table(tmp_path: Path) -> None:
    study = ["experiment=curriculum", "curriculum=3stage,none", "seed=1,2"]
    sweep(tmp_path / "sweep", *study, "+budget=cpu", "loss/pairing=none")  # a slash, in the name of a folder
    command = [sys.executable, "-m", "matting.cli", "report", str(tmp_path / "sweep"), "-o", str(tmp_path / "out")]
    subprocess.run(command, check=True, capture_output=True, timeout=200)
    study = read_study(tmp_path / "out")
    assert study.rows == ["3stage", "none"] and study.seeds == [1, 2] and study.missing() == []
    assert "Convergence" in (tmp_path / "out" / "table.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "launcher", [["hydra=joblib"], ["hydra/launcher=submitit_local", "hydra.launcher.timeout_min=8"]], ids=str
)
def test_jobs_of_other_launchers_leave_the_same_folders(launcher: list[str], tmp_path: Path) -> None:
    sweep(tmp_path, *launcher, "seed=1,2", "data.workers=1")
    study = gather(find_runs([tmp_path]))
    assert study.rows == ["this configuration"] and study.seeds == [1, 2] and study.missing() == []
