"""What README.md and docs/ print can be typed: blocks are run, or say in their title why not and are checked still."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hydra.core.override_parser.overrides_parser import OverridesParser
from PIL import Image
from typer.main import get_command

from matting.augment.portrait import render_portrait
from matting.cli import app, main
from matting.config import load_config
from matting.models import AttentionUNet

ROOT = Path(__file__).resolve().parents[1]
NOT_RUN = "Not run by the tests: "
CORPUS = ["corpus.people=16", "corpus.image_size=96"]
SMALL = ["data.size=64", "data.crop_size=72", "data.epoch_rows=8", "data.batch_size=4", "data.workers=0"]
QUIET = ["trainer.max_epochs=1", "trainer.accelerator=cpu", "callbacks.progress=null"]
BLOCK = re.compile(r"^```(bash|python)(?: title=\"(.*?)\")?\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    page: str
    language: str
    title: str
    code: str

    @property
    def runs(self) -> bool:
        return not self.title.startswith(NOT_RUN)


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_of(page: Path) -> list[Block]:
    name = page.relative_to(ROOT).as_posix()
    return [Block(name, *(part or "" for part in found.groups())) for found in BLOCK.finditer(page.read_text())]


BLOCKS = [block for page in pages() for block in blocks_of(page)]
PAGES = sorted({block.page for block in BLOCKS if block.runs})


def commands(code: str) -> Iterator[list[str]]:
    """Yield the arguments of each ``matting`` and ``python train.py`` of a shell block."""
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        for separator in ("&&", "&", "wait;"):
            words = [";" if word == separator else word for word in words]
        for part in " ".join(map(shlex.quote, words)).split("';'"):
            arguments = [word for word in shlex.split(part) if not re.match(r"[A-Z_]+=\w", word)]
            starts = [k for k, word in enumerate(arguments) if word in ("matting", "train.py")]
            if starts and arguments[0] in ("matting", "python", "torchrun", ".venv/bin/python"):
                yield arguments[starts[0] :]


def check(arguments: list[str]) -> None:
    """Parse a command line without running it: its command, options and overrides must exist."""
    overrides = [word for word in arguments if re.match(r"[+~]*[\w./@]+=", word)]
    if arguments[0] == "train.py":
        parsed = OverridesParser.create().parse_overrides([word.replace("…", "x") for word in overrides])
        first = [
            f"{entry.get_key_element()}={next(entry.sweep_string_iterator())}" if entry.is_sweep_override() else text
            for entry, text in zip(parsed, overrides, strict=True)
        ]
        load_config([text for text in first if not text.startswith("hydra")])
        return
    command = get_command(app)
    words = arguments[1:]
    while hasattr(command, "commands"):
        command = command.commands[words[0]]
        words = words[1:]
    command.make_context(command.name, words)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "bash"], ids=lambda b: f"{b.page}:{b.code[:40]}")
def test_every_printed_command_has_its_options(block: Block) -> None:
    found = list(commands(block.code))
    for arguments in found:
        check(arguments)
    assert found or "pip install" in block.code, "a shell block without a command of this project"


def test_most_blocks_are_run_and_the_others_say_why_not() -> None:
    left_out = [block for block in BLOCKS if not block.runs]
    assert all(block.title.removeprefix(NOT_RUN) for block in left_out)
    assert all(block.title == "" for block in BLOCKS if block.runs), "a title is the place for the reason"
    assert len(left_out) < len(BLOCKS) / 2


@pytest.mark.parametrize("wrong", ["matting cutout photo.jpg --chekpoint x", "python train.py data.batchsize=4"])
def test_a_wrong_option_is_found(wrong: str) -> None:
    with pytest.raises(Exception, match=r"chekpoint|batchsize"):
        check(next(commands(wrong)))


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory, project_cache: Path) -> Path:
    """The folder that the pages assume: photos, mattes, predictions, pairs, and a finished run."""
    folder = tmp_path_factory.mktemp("desk")
    for seed, name in enumerate("abcdefghijkl"):
        foreground, background, alpha = render_portrait(96, seed)
        image = (alpha * foreground + (1 - alpha) * background).squeeze(0)
        photo, alpha = (  # turned and shifted, since an image that is in two splits is a leak
            np.rot90(np.roll(np.uint8(layer.numpy() * 255 + 0.5), 32 * (seed // 4), axis=1), seed % 4)
            for layer in (image.permute(1, 2, 0), alpha.squeeze())
        )
        _save(photo, folder / "own" / "image" / f"{name}.jpg")
        _save(alpha, folder / "own" / "alpha" / f"{name}.png")
        if name in "ab":
            _save(photo, folder / "photos" / f"{name}.jpg", folder / "pairs" / name / "image.jpg")
            _save(alpha, folder / "mattes" / f"{name}.png", folder / "pairs" / name / "alpha.png")
            _save(alpha, folder / "other_software" / f"{name}.png")
            _save(photo, folder / {"a": "in", "b": "more"}[name] / f"{name}.jpg")
    shutil.copy(folder / "photos" / "a.jpg", folder / "photo.jpg")
    _save_run(folder / "outputs" / "RUN")
    return folder


def _save_run(folder: Path) -> None:
    """Write the checkpoint of a small untrained network as a training leaves it."""
    options = {"encoder": "test_resnet", "decoder_channels": [16, 16, 8, 8, 8], "pretrained": False}
    state = {f"model.{key}": value for key, value in AttentionUNet(**options).state_dict().items()}
    (folder / "checkpoints").mkdir(parents=True)
    records = {"model": options, "size": 64, "corpus": "nothing"}
    torch.save({"state_dict": state, "hyper_parameters": records}, folder / "checkpoints" / "last.ckpt")


def _save(image: np.ndarray, *paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def train(folder: Path, arguments: list[str]) -> None:
    """Run ``python train.py`` as printed, made small: few small people, one epoch of two batches."""
    text = " ".join(arguments)
    disk = "experiment=finetune" in text or "corpus=disk" in text
    tiny = [] if re.search(r"(?:^| )(?:model|experiment)=", text) else ["model=tiny"]
    small = [*tiny, *([] if disk else CORPUS), *SMALL, *QUIET]
    if any(word.startswith("resume=") for word in arguments):  # a resumed run has its own options
        small = []
    command = [sys.executable, ROOT / "train.py", *arguments, *small]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{text}\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}"


def run_shell(folder: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in commands(code):
        if arguments[0] == "train.py":
            train(folder, arguments[1:])
            continue
        synthetic = arguments[1] == "plan" or "corpus=synthetic" in arguments
        monkeypatch.setattr(sys, "argv", [*arguments, *(CORPUS if synthetic else [])])
        try:
            main()
        except SystemExit as end:
            assert not end.code, f"{' '.join(arguments)}: exit code {end.code}"


QUICK = ("README.md", "docs/index.md", "docs/augment.md", "docs/metrics.md", "docs/plan.md")
"""Pages whose commands take seconds; all of them together take longer than the other slow tests."""


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.slow if page in QUICK else pytest.mark.nightly) for page in PAGES]
)
def test_the_blocks_of_a_page_run_in_their_order(
    page: str, desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "desk"
    shutil.copytree(desk, folder)
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    for block in blocks_of(ROOT / page):
        if block.runs and block.language == "bash":
            run_shell(folder, block.code, monkeypatch)
        elif block.runs:
            exec(compile(block.code, page, "exec"), names)


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", [*pages(), *sorted((ROOT / "experiments").rglob("*.md")), ROOT / "CONTRIBUTING.md"])
def test_links_of_a_page_lead_to_files_and_headings(page: Path) -> None:
    """In a checkout; `mkdocs build --strict` checks those of the site."""
    for target in LINK.findall(re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        # Badges: GitHub shows the state of a workflow at this address of a repository.
        path = path.replace("../../actions/workflows/", ".github/workflows/").removesuffix("/badge.svg")
        file = page.parent / path if path else page
        assert file.exists(), f"{page}: {target}"
        if anchor and "configuration.md" not in path:  # whose headings are generated
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{page}: {target}"
