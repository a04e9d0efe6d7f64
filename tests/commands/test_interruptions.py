"""Ctrl-C, a full disk and a read-only folder: one line, no half-written file, and the same command does the rest."""

import csv
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.data.formats.trees import matte, pair_tree, photo, save
from tests.test_cli import matting, run_folder  # noqa: F401

NAMES = [f"{number:02}" for number in range(12)]
COMMANDS = ("cutout", "evaluate", "curate")


@pytest.fixture
def calls(tmp_path, run_folder):  # noqa: F811
    """The arguments of each command, all with their output in `tmp_path / "out"`."""
    root = pair_tree(tmp_path / "set", NAMES, "image", "alpha", (".png", ".png"))
    for number, name in enumerate(NAMES):
        save(root / "image" / f"{name}.png", photo(number, (90, 60)))
        save(root / "alpha" / f"{name}.png", matte(number, (90, 60)))
    network = ["--checkpoint", run_folder, "--device", "cpu"]
    folders = ["--images", root / "image", "--alphas", root / "alpha"]
    commands = {
        "cutout": ["cutout", root / "image", *network, "--backend", "torch"],
        "evaluate": ["evaluate", *folders, *network],
        "curate": ["curate", "run", "pairs", root, "--workers", 2],
    }
    return {name: [*map(str, command), "-o", str(tmp_path / "out")] for name, command in commands.items()}


def kept(command: str, folder: Path) -> int:
    """How many images a command has finished so far."""
    lines = {"evaluate": "unfinished.jsonl", "curate": "scores.jsonl"}
    if command == "cutout":
        return len(list(folder.glob("*.png")))
    file = folder / lines[command]
    return max(0, file.read_bytes().count(b"\n") - (command == "evaluate")) if file.is_file() else 0


def check_complete(command: str, folder: Path) -> None:
    """All results are there, all files are whole, and no temporary file is left."""
    assert not [path for path in folder.rglob("*") if path.suffix == ".tmp" or path.name.startswith("unfinished")]
    for path in folder.rglob("*.png"):
        Image.open(path).load()
    if command == "cutout":
        assert sorted(path.stem for path in folder.glob("*.png")) == NAMES
        return
    table = {"evaluate": "per_image.csv", "curate": "verdicts.csv"}[command]
    with (folder / table).open() as file:
        assert {row["name"] for row in csv.DictReader(file)} == set(NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_at_any_moment_gives_one_line_and_is_made_up_for(calls, tmp_path, command):
    """While it loads, at the first result and at the last."""
    folder, call = tmp_path / "out", [sys.executable, "-m", "matting.cli", *calls[command]]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    for enough in (None, 1, len(NAMES)):
        # A session of its own: a terminal interrupts the worker processes too.
        process = subprocess.Popen(
            call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, env=environment
        )
        begun = time.monotonic()
        while process.poll() is None and time.monotonic() - begun < 120:
            # At two seconds it imports torch, or on a slow machine still its own modules.
            if time.monotonic() - begun > 2 if enough is None else kept(command, folder) >= enough:
                os.killpg(process.pid, signal.SIGINT)
                break
            time.sleep(0.01)
        _, err = process.communicate(timeout=120)
        # It may have ended before the signal. Where that met code which is run from text, as dataclasses are made,
        # `python -m` ends by the signal in the end, although the exception was handled; a shell calls that 130, too.
        assert process.returncode in (130, -signal.SIGINT, 0), err
        if process.returncode:
            last = "stopped; no file is incomplete, and the same command does the rest"
            assert err.splitlines()[-1] == last and "Traceback" not in err
        assert not list(folder.rglob("*.tmp"))
        for path in folder.rglob("*.png"):
            Image.open(path).load()
    assert subprocess.run(call, capture_output=True).returncode == 0
    check_complete(command, folder)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_ends_the_work_in_one_line(matting, calls, tmp_path, monkeypatch, command):  # noqa: F811
    folder, call = tmp_path / "out", [*calls[command]]
    if command == "curate":
        call[call.index("--workers") + 1] = "1"
    room = {"left": 4}

    def write(path: Path, data: bytes) -> int:
        """Write as long as there is room, and half of the file that finds none."""
        room["left"] -= 1
        with path.open("wb") as file:
            file.write(data if room["left"] >= 0 else data[: len(data) // 2])
        if room["left"] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return len(data)

    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", write)
        code, _, err = matting(*call)
    lines = [line for line in err.splitlines() if line.startswith("error")]
    assert code == 1 and len(lines) == 1 and err.splitlines()[-1] == lines[0] and "Traceback" not in err
    assert str(folder) in lines[0] and "found a full disk; make room" in lines[0]
    assert not list(folder.rglob("*.tmp"))
    before = kept(command, folder)
    assert before > 0
    code, out, err = matting(*call)
    assert code == 0, err
    said = {"cutout": f"{before} already done" in out, "evaluate": f"already scored: {before}" in err, "curate": True}
    assert said[command]
    check_complete(command, folder)


@pytest.mark.parametrize("command", ["evaluate", "curate"])
def test_a_disk_that_is_full_for_the_next_line_ends_the_work(matting, calls, tmp_path, monkeypatch, command):  # noqa: F811
    call = ["1" if argument == "2" else argument for argument in calls[command]]
    opened = Path.open

    def open_full(path: Path, mode: str = "r", *arguments, **options):
        return opened(Path("/dev/full") if mode == "a" else path, mode, *arguments, **options)

    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with monkeypatch.context() as full:
        full.setattr(Path, "open", open_full)
        code, _, err = matting(*call)
    assert code == 1 and "found a full disk; make room" in err.splitlines()[-1] and "Traceback" not in err
    assert matting(*call)[0] == 0
    check_complete(command, tmp_path / "out")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_cannot_be_made_gives_one_line(matting, calls, tmp_path, command):  # noqa: F811
    (tmp_path / "file").write_text("x")
    code, _, err = matting(*calls[command][:-1], tmp_path / "file" / "out")
    assert code == 1 and err.splitlines()[-1].startswith("error: ") and "Traceback" not in err
    assert str(tmp_path / "file") in err.splitlines()[-1] and (tmp_path / "file").read_text() == "x"
