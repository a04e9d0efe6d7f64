"""Restrict training sets to what curation accepted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from matting.data.formats import Source
from matting.data.verdicts import read_accepted
from matting.errors import MattingError
from matting.plan.catalog import flatten

Verdicts: TypeAlias = Path | str | Sequence[Path | str]
"""A ``verdicts.csv`` of ``matting curate run``, or several."""


def accepted(
    sets: Mapping[str, Source], verdicts: Verdicts | Mapping[str, Mapping[str, Verdicts]]
) -> dict[str, Source]:
    """Drop the items that curation did not accept.

    Args:
        sets: Training sets as their readers made them, by full name, ``<role>.<set>``.
        verdicts: Files, each applied to the set whose format it names; or files by role and set.

    Returns:
        The sets. A set without verdicts is kept whole, and its notes say so.

    Raises:
        FileNotFoundError: If a file is missing.
        MattingError: If files contradict each other, do not match a set, or match no set or two sets.
    """
    if isinstance(verdicts, Mapping):
        return _by_set(sets, flatten(verdicts))
    found, where = _read(verdicts)
    formats = [source.name for source in sets.values()]
    if not found.keys() & set(formats):
        raise MattingError(
            f"{where}: expected verdicts on {', '.join(formats)}, found {', '.join(found)}; curate the training set"
        )
    for kind in found:
        # By format alone it is not known of which of two sets the items are.
        if formats.count(kind) > 1:
            alike = [full for full, source in sets.items() if source.name == kind]
            role, _, name = alike[0].partition(".")
            raise MattingError(
                f"{where}: has verdicts on '{kind}', which {' and '.join(alike)} are; choose one with "
                f"corpus.verdicts={{{role}:{{{name}:FILE}}}}"
            )
    return {full: _accepted_of(source, full, found.get(source.name), where) for full, source in sets.items()}


def _by_set(sets: Mapping[str, Source], verdicts: Mapping[str, Verdicts]) -> dict[str, Source]:
    if unknown := sorted(verdicts.keys() - sets.keys()):
        raise MattingError(f"corpus.verdicts: unknown set {unknown[0]}; the corpus has: {', '.join(sets)}")
    chosen = {}
    for full, source in sets.items():
        found, where = _read(verdicts[full]) if full in verdicts else ({}, "corpus.verdicts")
        if full in verdicts and source.name not in found:
            raise MattingError(f"{where}: expected verdicts on {source.name} for {full}, found {', '.join(found)}")
        chosen[full] = _accepted_of(source, full, found.get(source.name), where)
    return chosen


def _read(verdicts: Verdicts) -> tuple[dict[str, dict[str, bool]], str]:
    """Return whether each item was accepted, by format and item, and the file names for messages."""
    paths = [verdicts] if isinstance(verdicts, str | Path) else verdicts
    merged: dict[str, dict[str, bool]] = {}
    for path in paths:
        for kind, found in read_accepted(path).items():
            # Several files may cover one format, such as one per split.
            known = merged.setdefault(kind, {})
            if differ := [item for item, verdict in found.items() if known.get(item, verdict) != verdict]:
                raise MattingError(f"{path}: has another verdict on '{differ[0]}' of '{kind}' than an earlier file")
            known |= found
    return merged, ", ".join(map(str, paths))


def _accepted_of(source: Source, full: str, verdicts: Mapping[str, bool] | None, where: str) -> Source:
    if verdicts is None:
        return replace(source, notes=(*source.notes, f"all {len(source)} items are used: {where} has none of them"))
    # An item added since the curation was never judged: neither using nor dropping it would be right.
    if unknown := [item.name for item in source.items if item.name not in verdicts]:
        raise MattingError(
            f"{where}: has no verdict on {len(unknown)} items of '{full}', such as '{unknown[0]}'; "
            "run 'matting curate run' again"
        )
    kept = [item for item in source.items if verdicts[item.name]]
    if not kept:
        raise MattingError(f"{where}: accepts no item of '{full}'; see the curation report")
    note = f"{len(kept)} of {len(source)} items are used, according to {where}"
    return replace(source, items=kept, notes=(*source.notes, note))
