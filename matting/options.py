"""The options of the configuration: every file of ``conf/`` with its defaults and what they mean.

A meaning is the comment behind the option in its file; without one, what the docstring of the object that the file
builds says of the argument. `matting config`, ``python train.py --help`` and the documentation print the same text.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

import yaml

from matting.errors import MattingError

GROUPS = {
    "data": "what is drawn, and how often: the mixture, pairs, image sizes, batches",
    "curriculum": "which data is open in which part of the run; absent by default: everything, all the time",
    "corpus": "the data sets: rendered people, or folders on disk",
    "corpus/studio": "data sets of foregrounds without photos, for corpus=disk",
    "corpus/portraits": "data sets of photos with fine mattes, for corpus=disk",
    "corpus/coarse": "data sets of photos with coarse mattes or masks, for corpus=disk",
    "augment": "what happens to an image on the device: warp, blur, AugMix, phone artefacts",
    "model": "the network",
    "loss": "the loss terms and their weights",
    "loss/pairing": "losses between the two views of a pair",
    "callbacks": "checkpoints, weight averaging, logs of the plan",
    "logger": "where metrics go, along with the run folder",
    "trainer": "devices, precision, length of the run",
    "experiment": "complete recipes and studies, which set several groups at once",
    "budget": "sizes for a short run, after an experiment: +budget=cpu",
    "hydra": "folders of runs and sweeps, and how a sweep is launched",
}
"""Every configuration group and what it chooses."""

OWN = "train"  # the file of the options that are in no group


class Option(NamedTuple):
    """One option: its key on the command line, its default as text, and its meaning, which may be empty."""

    key: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Choice:
    """One file of a group.

    Attributes:
        name: Value of the group on the command line.
        summary: The text at the top of the file.
        commands: Example commands at the top of the file.
        parents: Files whose options it takes over.
        options: Its own options, in the order of the file, then further arguments of what it builds.
    """

    name: str
    summary: str
    commands: tuple[str, ...]
    parents: tuple[str, ...]
    options: tuple[Option, ...]


def read_group(folder: Path, group: str) -> list[Choice]:
    """Read all choices of a configuration group.

    Args:
        folder: The folder ``conf``.
        group: A key of `GROUPS`, or ``train`` for the options that are in no group.

    Returns:
        One choice per file, by name.

    Raises:
        MattingError: If there is no such group.
    """
    if group == OWN:
        return [_read_choice(folder / f"{OWN}.yaml", "")]
    if group not in GROUPS:
        raise MattingError(f"expected a configuration group, found '{group}'; there are: {', '.join([OWN, *GROUPS])}")
    prefix = group.replace("/", ".")
    return [_read_choice(path, prefix) for path in sorted((folder / group).glob("*.yaml"))]


def list_groups(folder: Path) -> str:
    """List all groups with their meaning and choices as plain text, for ``--help``."""
    lines = []
    for group, meaning in GROUPS.items():
        names = ", ".join(sorted(path.stem for path in (folder / group).glob("*.yaml")))
        indent = " " * 22
        lines += [f"  {group:17} {meaning}", fill(names, 110, initial_indent=indent, subsequent_indent=indent)]
    return "\n".join(lines)


def _read_choice(path: Path, prefix: str) -> Choice:
    text = path.read_text(encoding="utf-8")
    head = re.match(r"(#.*\n)*", text)[0].splitlines()  # type: ignore[index]
    package = next((line.split()[-1] for line in head if line.startswith("# @package")), prefix)
    said = [line.removeprefix("#") for line in head if not line.startswith("# @package")]
    commands = tuple(line.strip() for line in said if line.startswith("   ") or line.startswith(" python train.py"))
    summary = " ".join(line.strip() for line in said if line.strip() not in commands)
    # Composed, not loaded: nodes know their lines, and with them the comments.
    node = yaml.compose(text, yaml.SafeLoader)
    options = tuple(_walk(node, "" if package == "_global_" else package, None, text.splitlines())) if node else ()
    return Choice(path.stem, summary, commands, tuple(_parents(text)), options)


def _parents(text: str) -> Iterator[str]:
    for entry in (yaml.safe_load(text) or {}).get("defaults", ()):
        if isinstance(entry, dict):
            yield from (f"{key.split()[-1].lstrip('/')}={value}" for key, value in entry.items() if value is not None)
        elif entry != "_self_":
            yield entry


def _walk(node: yaml.MappingNode, prefix: str, target: str | None, lines: list[str]) -> Iterator[Option]:
    """Yield the options below a mapping; ``target`` is the object whose arguments they are."""
    entries = {key.value: (key, value) for key, value in node.value}
    own = entries["_target_"][1].value if "_target_" in entries else target
    meanings = _documented(own) if own else {}
    for name, (key, value) in entries.items():
        if name in ("defaults", "_target_", "_partial_"):
            continue
        path, comment = f"{prefix}.{name}" if prefix else name, _comment(lines[key.start_mark.line])
        nested = isinstance(value, yaml.MappingNode) and value.value and not _is_table(value, name, meanings)
        if nested and (not comment or any(_comment(lines[child.start_mark.line]) for child, _ in value.value)):
            yield from _walk(value, path, None, lines)
        if comment or not nested:
            yield Option(path, _text(value), comment or meanings.get(name, ""))
    if "_target_" in entries and "_partial_" not in entries and own and own.startswith("matting."):
        yield from _unlisted(own, prefix, set(entries), meanings)


def _is_table(value: yaml.MappingNode, name: str, meanings: dict[str, str]) -> bool:
    """Return whether a mapping is one documented argument, such as the weights of a mixture."""
    return name in meanings and all(
        isinstance(child, yaml.ScalarNode) and key.value != "_target_" for key, child in value.value
    )


def _unlisted(target: str, prefix: str, listed: set[str], meanings: dict[str, str]) -> Iterator[Option]:
    for name, parameter in inspect.signature(_find(target)).parameters.items():
        chosen = (prefix.replace(".", "/") + f"/{name}") in GROUPS  # a group of its own
        default = parameter.default
        if name in listed or chosen or name not in meanings or meanings[name].startswith("see "):
            continue
        if default is not inspect.Parameter.empty and "factory" not in repr(default):
            yield Option(f"++{prefix}.{name}", _literal(default), meanings[name])


def _comment(line: str) -> str:
    found = re.search(r"\s#\s*(.*)$", line)
    return found[1].strip() if found else ""


def _text(node: yaml.Node) -> str:
    """Return a value as it would be written on the command line; a list of named parts by their names."""
    value = yaml.SafeLoader("").construct_document(node)
    if isinstance(value, list) and value and all(isinstance(part, dict) and "name" in part for part in value):
        value = [part["name"] for part in value]
    if isinstance(value, str):
        first, *more = value.strip().splitlines() or [""]
        return f"{first} …" if more else first
    dumped: str = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False)
    return dumped.replace("\n...", "").strip()


def _literal(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_literal, value))}]"
    return str(getattr(value, "__name__", None) or (json.dumps(value) if not isinstance(value, str) else value))


def _find(target: str) -> Callable[..., Any]:
    module, _, name = target.rpartition(".")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def _documented(target: str) -> dict[str, str]:
    """Return the meaning of each argument by the ``Args`` or ``Attributes`` of a docstring, first sentence only."""
    doc = inspect.getdoc(_find(target)) or ""
    section = re.search(r"^(?:Args|Attributes):\n((?:[ \t]+.*\n|\n)*)", f"{doc}\n", re.MULTILINE)
    meanings: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \w)", section[1].rstrip()) if section else ():
        names, _, said = entry.strip().partition(":")
        sentence = re.split(r"(?<=[.;]) (?=[A-Z])", " ".join(said.split()))[0].rstrip(".;")
        sentence = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", sentence).replace("``", "`")
        if sentence[1:2].islower() and "'s" not in sentence.split()[0]:  # as the comments in the files begin
            sentence = sentence[0].lower() + sentence[1:]
        meanings |= {name.strip().split(" ")[0]: sentence for name in names.split(",")}
    return meanings
