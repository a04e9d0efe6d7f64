"""Commands on a Dask cluster: the same bytes as on this machine alone."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from matting import cluster
from matting.cli import app
from matting.data.formats import pairs
from matting.data.formats.foregrounds import with_estimated_foregrounds
from matting.errors import MattingError
from matting.processes import on_dask
from matting.synthetic.build import CorpusParameters, build_corpus
from tests.data.formats.trees import pair_tree

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a cluster of two workers."""
    with cluster.connected("local:2") as client:
        yield client.scheduler.address


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of pairs, one of which cannot be read."""
    root = pair_tree(tmp_path / "own", [f"{k}" for k in range(8)], "images", "alphas", (".jpg", ".png"))
    (root / "images/3.jpg").write_bytes((root / "images/3.jpg").read_bytes()[:300])
    return root


def run(*arguments: object, code: int = 0) -> str:
    shown = RUNNER.invoke(app, list(map(str, arguments)))
    assert shown.exit_code == code, shown.output
    return shown.output


def content(folder: Path, pattern: str = "*") -> dict[str, bytes]:
    return {f"{p.relative_to(folder)}": p.read_bytes() for p in sorted(folder.rglob(pattern)) if p.is_file()}


def verify(own: Path, shipped: Path, output: Path, *dask: str) -> dict[str, bytes]:
    return {"shown": run("data", "verify", "pairs", own, *dask, code=1).encode()}


def curate(own: Path, shipped: Path, output: Path, *dask: str) -> dict[str, bytes]:
    run("curate", "run", "pairs", own, "-o", output, *dask)
    return content(output, "*.csv") | content(output, "*.jsonl")


def cross_check(own: Path, shipped: Path, output: Path, *dask: str) -> dict[str, bytes]:
    run("curate", "run", "pairs", own, "-o", output, "--workers", 1)
    run("curate", "crosscheck", output, "--checkpoint", shipped / "portrait", *dask)
    return content(output, "*.csv") | content(output, "*.jsonl") | content(output / "disagreement")


def cut_out(own: Path, shipped: Path, output: Path, *dask: str) -> dict[str, bytes]:
    model = ("--checkpoint", shipped / "portrait", "--backend", "torch")
    run("cutout", own / "images", "-o", output, *model, *dask, code=1)
    return content(output)


def evaluate(own: Path, shipped: Path, output: Path, *dask: str) -> dict[str, bytes]:
    tests = ("--images", own / "images", "--alphas", own / "alphas", "--checkpoint", shipped / "portrait")
    run("evaluate", "-o", output, *tests, *dask, code=1)
    return content(output, "per_image.csv")


def render(own: Path, shipped: Path, output: Path, *dask: str) -> dict[str, bytes]:
    with on_dask(dask[1] if dask else None):
        build_corpus(output, CorpusParameters(people=16, image_size=64), workers=1, show_progress=False)
    return content(output)


def estimate(own: Path, shipped: Path, output: Path, *dask: str) -> dict[str, bytes]:
    shutil.copy(own / "images/2.jpg", own / "images/3.jpg")
    shutil.copytree(own, output)  # other files, so that the cache has no estimates of them
    with on_dask(dask[1] if dask else None):
        items = with_estimated_foregrounds(pairs(output), workers=1).items
    return {item.name: item.foreground.read_bytes() for item in items if item.foreground}


COMMANDS = (verify, curate, cross_check, cut_out, evaluate, render, estimate)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_results_on_a_cluster_are_those_of_this_process(
    command: Callable[..., dict[str, bytes]], address: str, own: Path, shipped: Path, tmp_path: Path
) -> None:
    here = command(own, shipped, tmp_path / "here")
    there = command(own, shipped, tmp_path / "there", "--dask", address)
    assert here.keys() == there.keys() and here
    assert [name for name in here if here[name] != there[name]] == []


def test_processes_and_a_cluster_exclude_each_other(own: Path) -> None:
    shown = RUNNER.invoke(app, ["data", "verify", "pairs", str(own), "--dask", "local", "--workers", "2"])
    assert isinstance(shown.exception, MattingError) and "expected one of --workers and --dask" in str(shown.exception)
