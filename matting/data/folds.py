"""Folds for cross-checks: people are left out of training, so that a network can judge pairs it has not seen."""

import os
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from matting.data.formats import Item, Source
from matting.errors import MattingError

if TYPE_CHECKING:
    from matting.data.corpora import Corpus


def fold_of(item: Item, folds: int) -> int:
    """Return the fold of an item: a hash of its identity, so that images of one person or group are in one fold.

    Args:
        item: The item; its name is hashed where it has no identity.
        folds: Number of folds.

    Returns:
        Fold number, from 0 to ``folds - 1``.
    """
    who = item.identity or item.name
    # The prefix keeps folds independent of `hashed_split`, which hashes the bare name.
    return int.from_bytes(blake2b(os.fsencode(f"fold/{who}"), digest_size=8).digest()) % folds


def leave_out(corpus: "Corpus", fold: int | None, folds: int) -> "Corpus":
    """Remove one fold from every training set; validation and test stay as they are.

    Args:
        corpus: The corpus to train on.
        fold: Fold to leave out, from 0 to ``folds - 1``; None leaves out nothing.
        folds: Number of folds, at least 2.

    Returns:
        The corpus without the fold.

    Raises:
        MattingError: If there is no such fold, or a set has no items outside it.
    """
    if fold is None:
        return corpus
    if folds < 2 or not 0 <= fold < folds:
        raise MattingError(f"data.fold: expected 0 to data.folds - 1 of at least two folds, found {fold} of {folds}")
    train = {
        role: {name: _without(source, fold, folds, f"{role}.{name}") for name, source in sets.items()}
        for role, sets in corpus.train.items()
    }
    return replace(corpus, train=train)


def _without(source: Source, fold: int, folds: int, name: str) -> Source:
    kept = [item for item in source.items if fold_of(item, folds) != fold]
    if not kept:
        raise MattingError(f"data.fold: no item of '{name}' is outside fold {fold} of {folds}; use more folds")
    return replace(source, items=kept)
