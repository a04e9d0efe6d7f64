"""``matting train`` is ``train.py``: its options, its one-line errors, and its script for data-parallel processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from matting.cli import main
from matting.config import RECIPE, load_config

ROOT = Path(__file__).parent.parent.parent


def run(command: list[str], folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=120)


SCRIPT = [sys.executable, str(ROOT / "train.py")]
COMMAND = [sys.executable, "-m", "matting.cli", "train"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--cfg", "job", "data=mix_uniform", "+curriculum=3stage"),
        ("--cfg", "job", "-p", "optimizer"),
        ("--config-name", "nothing"),
        ("data=mix_1_8_5",),
        ("model=tiny", "corpus=disk", "corpus.root=/no/such/folder"),
    ],
)
def test_it_prints_what_the_script_prints(arguments, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    script, command = (run(one, tmp_path, *arguments) for one in (SCRIPT, COMMAND))
    assert command.returncode == script.returncode
    assert (command.stdout, command.stderr) == (script.stdout, script.stderr)
    assert "Traceback" not in command.stderr


def test_debug_shows_the_traceback(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = run(COMMAND, tmp_path, "data=mix_1_8_5", "--debug")
    assert done.returncode == 1 and "Traceback" in done.stderr


def test_processes_of_a_data_parallel_run_are_started_by_the_script(monkeypatch):
    """Lightning starts them by the first word of the command line, with the other words as arguments."""
    seen = []
    monkeypatch.setattr(sys, "argv", ["matting", "train", "-m", "trainer=ddp", "--debug", "seed=1,2"])
    monkeypatch.setattr("runpy.run_path", lambda path, run_name: seen.append((path, run_name, list(sys.argv))))
    with pytest.raises(SystemExit):
        main()
    script = str(RECIPE / "train.py")
    assert seen == [(script, "__main__", [script, "-m", "trainer=ddp", "seed=1,2", "--debug"])]


def test_the_configuration_names_files_of_the_recipe_by_absolute_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sets = load_config(["corpus=base"]).corpus.sets
    for file in (sets.portraits.ppm.split_list, sets.coarse.masks.split_list):
        assert Path(file).is_file() and Path(file).is_relative_to(RECIPE)
