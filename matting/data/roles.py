"""Roles: what fills the streams of a mixture. A role takes any number of data sets, each with a reader and a name."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TypeAlias

from matting.data.formats import Item, Source
from matting.data.formats.folders import EmptyError
from matting.errors import MattingError

Reader: TypeAlias = Callable[..., Source]
"""A reader of `matting.data.formats` with its folder and options already given; it takes a keyword ``split``."""

Readers: TypeAlias = Reader | Sequence[Reader] | Mapping[str, Reader | None]
"""One reader, several, or several under names of their own; in a mapping None leaves an entry out."""

_log = logging.getLogger(__name__)


def read_role(role: str, readers: Readers | None, splits: Sequence[str] = ("train",)) -> dict[str, dict[str, Source]]:
    """Read the data sets of a role.

    Args:
        role: ``studio``, ``portraits`` or ``coarse``; names the option in errors.
        readers: The sets; without names of their own they are called as their formats.
        splits: Splits to read. Each but ``train`` needs items in one of the sets; a set without any in a split is
            noted in the log.

    Returns:
        By split, by set.

    Raises:
        FileNotFoundError, MattingError: As the readers raise them, with the name of the set in front; EmptyError also
            if a split has no items; MattingError also if two sets have one name.
    """
    found: dict[str, dict[str, Source]] = {split: {} for split in splits}
    lacking: dict[str, EmptyError] = {}
    for given, reader in _named(readers):
        sources, empty = _read(reader, splits, f"corpus.{role}.{given}" if given else f"corpus.{role}")
        if not sources:
            raise next(iter(empty.values()))
        name = given or next(iter(sources.values())).name
        if any(name in sets for sets in found.values()):
            raise MattingError(f"corpus.{role}: two sets are called '{name}'; name them: {{first: …, second: …}}")
        for split, source in sources.items():
            found[split][name] = source
        for split, error in empty.items():
            lacking.setdefault(split, error)
            _log.warning("%s.%s: there is nothing in its split '%s'", role, name, split)
    for split in lacking:
        if split != "train" and not found[split]:
            raise lacking[split]
    return found


def _named(readers: Readers | None) -> Iterator[tuple[str, Reader]]:
    if isinstance(readers, Mapping):
        yield from ((name, reader) for name, reader in readers.items() if reader is not None)
    elif callable(readers):
        yield "", readers
    elif readers is not None:
        yield from (("", reader) for reader in readers)


def _read(reader: Reader, splits: Sequence[str], where: str) -> tuple[dict[str, Source], dict[str, EmptyError]]:
    """What a reader finds in each split, and what it says of splits without items."""
    sources: dict[str, Source] = {}
    empty: dict[str, EmptyError] = {}
    if not callable(reader):
        raise MattingError(
            f"{where}: expected a reader with its options, found {reader}; choose one of its config group"
        )
    for split in splits:
        try:
            sources[split] = reader(split=split)
        except EmptyError as error:
            empty[split] = EmptyError(f"{where}: {error}")
        except MattingError as error:
            raise MattingError(f"{where}: {error}") from error
        except OSError as error:
            raise FileNotFoundError(f"{where}: {error}") from error
    return sources, empty


def entitle(source: Source, name: str) -> Source:
    """Call a source by the name of its set.

    Args:
        source: As its reader made it.
        name: The set's.

    Returns:
        The source. Identities that a reader made of nothing but format and file name are made of the set's name: equal
        file names in two folders are not one person.
    """
    items = [
        replace(item, identity=f"{name}/{item.name}") if item.identity == f"{source.name}/{item.name}" else item
        for item in source.items
    ]
    return replace(source, name=name, items=items)


def refuse_leaks(train: Mapping[str, Source], held_out: Mapping[str, Mapping[str, Source]]) -> None:
    """Check that nobody who is trained on is also watched or tested.

    Args:
        train: Training sets.
        held_out: Sets of the other splits, by split.

    Raises:
        MattingError: If a person or a file is on both sides.
    """
    seen = {who: name for name, source in train.items() for item in source.items for who in _who(item)}
    for split, sets in held_out.items():
        for name, source in sets.items():
            for item in source.items:
                if found := next((seen[who] for who in _who(item) if who in seen), None):
                    raise MattingError(
                        f"'{item.name}' is in split '{split}' of '{name}' and, itself or the same person, in split "
                        f"'train' of '{found}'; make the split lists agree"
                    )


def _who(item: Item) -> set[str]:
    """The person, where there is an identity, and the file, whatever links lead to it."""
    file = item.photo or item.foreground or item.alpha
    return {str(_real(file.parent) / file.name), *([item.identity] if item.identity else [])}


@cache
def _real(folder: Path) -> Path:
    return folder.resolve()


def check_weights(weights: Mapping[str, Mapping[str, float]], train: Mapping[str, Mapping[str, Source]]) -> None:
    """Check the weights of sets inside their roles.

    Raises:
        MattingError: If a role or a set is unknown or has no weight, or a weight is not positive.
    """
    for role, given in weights.items():
        known = train.get(role, {})
        if given and given.keys() != known.keys():
            sets, found = ", ".join(known) or "no set", ", ".join(given)
            raise MattingError(f"corpus.weights.{role}: expected a weight for each of {sets}, found {found}")
        for name, weight in given.items():
            if not isinstance(weight, int | float) or weight <= 0:
                raise MattingError(
                    f"corpus.weights.{role}.{name}: expected a number above 0, found {weight}; "
                    f"corpus.{role}.{name}=null leaves a set out"
                )
