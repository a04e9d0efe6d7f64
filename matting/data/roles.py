"""Roles: the kinds of data that a mixture weighs. Any number of data sets fill a role, each with reader and name."""

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
"""One reader, several readers, or readers by name; in a mapping, None leaves an entry out."""

_log = logging.getLogger(__name__)


def read_role(role: str, readers: Readers | None, splits: Sequence[str] = ("train",)) -> dict[str, dict[str, Source]]:
    """Read the data sets of a role.

    Args:
        role: ``studio``, ``portraits`` or ``coarse``; used to name the option in errors.
        readers: The sets; those without a name are named after their format.
        splits: Splits to read. Each split but ``train`` needs items in at least one set, unless its user decides how it
            is split; a set without items in a split is reported in the log.

    Returns:
        Sources by split and set.

    Raises:
        FileNotFoundError, MattingError: As the readers raise them, with the name of the set in front; EmptyError also
            if a split has no items; MattingError also if two sets have the same name.
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
            _log.warning(
                "%s.%s: there is nothing in its split '%s'%s", role, name, split, error.rule and f" ({error.rule})"
            )
    for split in lacking:
        if split != "train" and not found[split] and not lacking[split].rule:
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
    """Return what a reader finds in each split, and its errors for splits without items."""
    sources: dict[str, Source] = {}
    empty: dict[str, EmptyError] = {}
    if not callable(reader):
        raise MattingError(
            f"{where}: expected a reader with its options, found {reader}; choose one of its config group"
        )
    for split in splits:
        try:
            sources[split] = reader(split=split)
        except EmptyError as error:  # an OSError as well, so it comes first
            empty[split] = EmptyError(f"{where}: {error}", error.rule)
        except MattingError as error:
            raise MattingError(f"{where}: {error}") from error
        except OSError as error:
            raise FileNotFoundError(f"{where}: {error}") from error
    return sources, empty


def entitle(source: Source, name: str) -> Source:
    """Rename a source after its set.

    Args:
        source: The source as its reader made it.
        name: Name of the set.

    Returns:
        The renamed source. Identities that a reader built from format and file name only are rebuilt from the set's
        name, because equal file names in two folders are not the same person.
    """
    items = [
        replace(item, identity=f"{name}/{item.name}") if item.identity == f"{source.name}/{item.name}" else item
        for item in source.items
    ]
    return replace(source, name=name, items=items)


def refuse_leaks(train: Mapping[str, Source], held_out: Mapping[str, Mapping[str, Source]]) -> None:
    """Check that no person or file of the training sets is also used for validation or testing.

    Args:
        train: Training sets.
        held_out: Sets of the other splits, by split and name.

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
    """Return what identifies an item: its file, with links resolved, and its identity if it has one."""
    file = item.photo or item.foreground or item.alpha
    # The folder alone is resolved, so a link to a single file counts as another file.
    return {str(_real(file.parent) / file.name), *([item.identity] if item.identity else [])}


@cache  # resolving a path costs system calls, and the items of a set share their folders
def _real(folder: Path) -> Path:
    return folder.resolve()


def check_weights(weights: Mapping[str, Mapping[str, float]], train: Mapping[str, Mapping[str, Source]]) -> None:
    """Check the weights of the sets of each role.

    Args:
        weights: Weight of each set, by role.
        train: Training sets by role.

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
