"""Facts about the project that several files state: version, parts of CI, what the image is built from."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

import matting

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_the_newest_entry_of_the_changelog_is_this_version_with_its_date():
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert re.fullmatch(rf"## {re.escape(matting.__version__)} \(\d{{4}}-\d\d-\d\d\)", headings[0])


def test_the_version_is_written_in_one_place():
    stated = re.escape(matting.__version__)
    others = ("pyproject.toml", "CITATION.cff", "README.md", "Dockerfile", "compose.yaml")
    assert [name for name in others if re.search(rf"(?<![\d.]){stated}(?![\d.])", (ROOT / name).read_text())] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflows_run_parts_of_the_ci_script(file):
    content = yaml.safe_load(file.read_text())
    script = (ROOT / ".ci/run").read_text()
    known = set(re.findall(r"^ {4}([a-z| ]+)\)", script, re.MULTILINE))
    parts = {part.strip() for group in known for part in group.split("|")}
    assert parts >= {"lint", "types", "docs", "tests", "slow", "nightly"}
    for job in content["jobs"].values():
        assert job["timeout-minutes"] <= 90
        named = set(job.get("strategy", {}).get("matrix", {}).get("part", ()))
        for step in job["steps"]:
            named |= set(str(step.get("run", "")).partition(".ci/run ")[2].split()) - {"${{", "matrix.part", "}}"}
        assert named <= parts


def test_the_ci_script_refuses_unknown_parts_of_its_own():
    text = (ROOT / ".ci/run").read_text()
    part = "for part in" + text.partition("for part in")[2]
    done = subprocess.run(["bash", "-euc", f"set -- slwo; {part}"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2 and "found 'slwo'" in done.stderr


@pytest.mark.parametrize("broken", [1, 2])
def test_a_failing_check_fails_the_part(broken, tmp_path):
    """With `set -e` a command on the left of && fails unnoticed."""
    (tmp_path / "ruff").write_text(f"#!/bin/sh\n[ $# -ne {broken + 1} ]\n")  # ruff check . and ruff format --check .
    (tmp_path / "ruff").chmod(0o755)
    text = (ROOT / ".ci/run").read_text()
    part = "for part in" + text.partition("for part in")[2]
    script = f"PATH={tmp_path}:$PATH; set -- lint; {part}"
    assert subprocess.run(["bash", "-euc", script], cwd=ROOT).returncode != 0


def test_the_image_is_built_from_files_that_exist_and_are_not_ignored():
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = {name for line in copied for name in line.split()}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sources == allowed
    assert all((ROOT / name).exists() for name in sources)
