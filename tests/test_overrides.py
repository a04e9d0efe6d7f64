"""Overrides with whatever a path may contain reach the configuration as they were typed."""

import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from matting.config import load_config
from matting.errors import MattingError
from matting.overrides import as_typed

PATHS = [
    "/data/日本",
    "/data/Foto's",
    "/data/50%off/#1",
    '/a "b"',
    '/it\'s "b"',
    "/x/a=b/last.ckpt",
    "/my data",
    "/a(1)",
]
PATHS += ["/a[1]", "/a{b}&c!", "C:\\Bilder\\neu", "/ends with\\", "/a\\'b", "/ä;ö", "/a|b<c>?*"]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_arrives_as_it_was_typed(path: str) -> None:
    assert load_config(["corpus=disk", f"corpus.root={path}"]).corpus.root == path
    assert load_config([f"resume.checkpoint={path}"]).resume.checkpoint == path


def test_the_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/Zoë")
    assert load_config(["corpus=disk", "corpus.root=~/data #1"]).corpus.root == "/home/Zoë/data #1"


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Z")), min_size=1))
def test_any_text_behind_a_slash_arrives(name: str) -> None:
    value = OverridesParser.create().parse_override(as_typed(f"corpus.root=/{name}")).value()
    assert value == f"/{name}" or "," in name or "$" in name or ":" in name  # sweeps, interpolations, dictionaries


@pytest.mark.parametrize(
    "override",
    [
        "seed=1,2",
        "seed=range(1,3)",
        "curriculum.sizes=[64,96]",
        "~curriculum",
        "++a.b={c: 1}",
        "a='b c'",
        "a=null",
        "-m",
    ],
)
def test_what_hydra_reads_stays_as_it_is(override: str) -> None:
    assert as_typed(override) == override


@pytest.mark.parametrize("override", ["seed=range(1,3", "curriculum.sizes=[64,96", "a={b: 1", "a='b"])
def test_a_damaged_list_is_not_taken_for_a_text(override: str) -> None:
    assert as_typed(override) == override


def test_dashes_are_refused_with_the_override_that_was_meant() -> None:
    with pytest.raises(
        MattingError, match=r"--data\.batch_size=8: expected .* without dashes; give data\.batch_size=8$"
    ):
        as_typed("--data.batch_size=8")
    assert as_typed("--config-dir=conf") == "--config-dir=conf"
    with pytest.raises(MattingError, match="=8: expected KEY=VALUE, found no key"):
        as_typed("=8")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["corpus=disk", "corpus.root=/data/50%off/#1"], "corpus.portraits.rwp: /data/50%off/#1"),
        (["corpus=disk", "corpus.root=/data/日本 Foto's"], "/data/日本 Foto's"),
        (["resume=/x/a=b/it's"], "found none at /x/a=b/it's"),
        (["--data.batch_size=8"], "give data.batch_size=8"),
        (["data.batch_size"], "override 'data.batch_size': expected KEY=VALUE"),
        (["curriculum.sizes=[64,96"], "override 'curriculum.sizes=[64,96': expected KEY=VALUE"),
        (["curriculum=3stage"], "+curriculum=3stage"),
    ],
)
def test_the_command_works_or_ends_in_one_line(typed: list[str], expected: str, tmp_path: Path) -> None:
    command = [sys.executable, "train.py", "model=tiny", f"hydra.run.dir={tmp_path}/it's 50% = ñ", *typed]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("error: ") and expected in line
    assert "Traceback" not in done.stderr
