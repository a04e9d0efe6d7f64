"""Folds for cross-checks: people are left out of training, so that a network can judge pairs it has not seen."""

import os
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from matting.data.formats import Item, Source
from matting.errors import MattingError

if TYPE_CHECKING:
    from matting.data.corpora import Corpus


FOLD_RULE = 2
"""Version of `fold_of`, which checkpoints record: a network of another rule has left out other people."""


def fold_of(item: Item, folds: int) -> int:
    """Return the fold of an item: a hash of its identity, so that images of one person or group are in one fold.

    Args:
        item: The item; its name is hashed where it has no identity.
        folds: Number of folds.

    Returns:
        Fold number, from 0 to ``folds - 1``. It does not depend on the name of the set, which `entitle` puts in front
        of identities: a curation reads the same items under the name of their format.
    """
    # The prefix keeps folds independent of `hashed_split`, which hashes the bare name.
    return int.from_bytes(blake2b(os.fsencode(f"fold/{_who(item)}"), digest_size=8).digest()) % folds


def _who(item: Item) -> str:
    return item.identity.partition("/")[2] or item.identity or item.name


def leave_out(corpus: "Corpus", fold: int | None, folds: int) -> "Corpus":
    """Remove one fold from every training set; validation and test stay as they are.

    Args:
        corpus: The corpus to train on.
        fold: Fold to leave out, from 0 to ``folds - 1``; None leaves out nothing.
        folds: Number of folds, at least 2.

    Returns:
        The corpus without the fold.

    Raises:
        MattingError: If there is no such fold, a set has no items outside it, or a set has masks in blocks.
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
    # Only `masks` makes people of its options: a curation, which does not know them, would find them in other folds.
    if any(item.identity.startswith("masks/") and _who(item) != item.name for item in source.items):
        raise MattingError(f"data.fold: expected masks without blocks, found some in '{name}'; give that set block=1")
    kept = [item for item in source.items if fold_of(item, folds) != fold]
    if not kept:
        raise MattingError(f"data.fold: no item of '{name}' is outside fold {fold} of {folds}; use more folds")
    return replace(source, items=kept)
