"""The reference of the configuration: complete, explained, and as what Hydra composes."""

import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from matting.cli import main
from matting.config import CONFIG_FOLDER, load_config
from matting.errors import MattingError
from matting.options import GROUPS, OWN, Choice, Option, read_group

CHOICES = {(group, choice.name): choice for group in (OWN, *GROUPS) for choice in read_group(CONFIG_FOLDER, group)}


def option(group: str, name: str, key: str) -> Option:
    return next(found for found in CHOICES[group, name].options if found.key == key)


def ancestors(group: str, name: str) -> list[Choice]:
    choice = CHOICES[group, name]
    found = [choice]
    for parent in choice.parents:
        if (group, parent) in CHOICES:
            found += ancestors(group, parent)
    return found


def test_every_folder_of_the_configuration_is_a_group() -> None:
    folders = {path.parent.relative_to(CONFIG_FOLDER).as_posix() for path in CONFIG_FOLDER.rglob("*.yaml")}
    assert folders - {"."} == set(GROUPS)


@pytest.mark.parametrize(("group", "name"), [key for key in CHOICES if key[0] not in ("experiment", "budget")])
def test_every_choice_and_every_option_is_explained(group: str, name: str) -> None:
    assert CHOICES[group, name].summary
    explained = {known.key for choice in ancestors(group, name) for known in choice.options if known.meaning}
    unexplained = [
        found.key
        for found in CHOICES[group, name].options
        if not any(found.key == key or found.key.startswith(f"{key}.") for key in explained)
    ]
    assert not unexplained, f"conf/{group}/{name}.yaml: add a comment behind {unexplained}"


def test_the_defaults_are_those_that_hydra_composes() -> None:
    composed = load_config([])
    own = {found.key: found.default for found in CHOICES[OWN, OWN].options}
    checked = 0
    for key, default in own.items() | {(o.key, o.default) for o in CHOICES["data", "base"].options}:
        if "${" not in default:
            assert OmegaConf.select(composed, key) == OmegaConf.create(f"value: {default}").value, key
            checked += 1
    assert checked > 15


def test_a_meaning_is_the_comment_or_the_docstring_of_the_argument() -> None:
    assert option("data", "base", "data.epoch_rows").meaning == "training views per epoch, over all processes"
    assert option(OWN, OWN, "optimizer.lr").meaning == "peak learning rate"
    assert option("augment", "augmix", "++augment.augmix.width").default == "3"
    assert option("data", "mix_1_8_5_12", "data.mixture.weights").default == (
        "{studio: 1, portraits: 8, coarse: 5, augmented: 12}"
    )


@pytest.mark.parametrize(("group", "name"), CHOICES)
def test_keys_are_accepted_on_the_command_line(group: str, name: str) -> None:
    """Each key as it is printed, with its default, is an override that changes nothing."""
    if group in ("experiment", "budget", "hydra") or "/" in group or name == "trained":
        return
    plus = "+" if group == "curriculum" else ""
    chosen = [] if group == OWN else [f"{plus}{group}={name}"]
    if (group, name) == ("data", "base"):  # no choice by itself
        chosen = ["data=portraits"]
    root = ["corpus.root=/data"] if name == "disk" else []
    keys = [f"{o.key}={o.default}" for o in CHOICES[group, name].options if set(o.default).isdisjoint("$[{? :")]
    composed, again = (load_config([*chosen, *root, *more]) for more in ([], keys))
    added = [key for key in keys if key.startswith("++")]
    if not added:
        assert OmegaConf.to_container(again, resolve=False) == OmegaConf.to_container(composed, resolve=False)


def test_an_unknown_group_is_answered_with_the_groups() -> None:
    with pytest.raises(MattingError, match=r"found 'dta'; there are: train, data, "):
        read_group(CONFIG_FOLDER, "dta")


@pytest.mark.parametrize("arguments", [(), ("data",), ("train",)])
def test_matting_config_prints_groups_and_options(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["matting", "config", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    printed = capsys.readouterr().out
    expected = {(): "mix_1_8_5_12", ("data",): "data.min_crop=0.5", ("train",): "optimizer.lr=0.001"}[arguments]
    assert expected in printed


def test_the_help_of_a_run_is_short_and_explains_every_group() -> None:
    script = Path(__file__).parent.parent / "train.py"
    done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True, timeout=300, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) <= 66 and max(map(len, lines)) <= 120
    assert all(any(line.startswith(f"  {group} ") for line in lines) for group in GROUPS)
    assert "experiment=quickstart" in done.stdout and "matting config" in done.stdout
