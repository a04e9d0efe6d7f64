"""What can be drawn: the metadata of every source and background, as the plan needs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from matting.plan.curriculum import DIFFICULTIES, Rule

Integers = NDArray[np.int64]
_Entry = TypeVar("_Entry")

PLAIN = ("white", "blue", "gradient")
"""Drawn scenes, which stand before the files: the studio and identity-photo backgrounds of COCO-Matting's recipe."""


@dataclass(frozen=True)
class SourceIndex:
    """What the plan knows of one source.

    Attributes:
        difficulty: ``(N,)`` int64 position in ``DIFFICULTIES``.
        layered: ``(N,)`` bool, True where a foreground layer exists.
        photo: ``(N,)`` bool, True where a photo with its own background exists.
        tags: Attribute tags of each item.
        plain_variants: Whether layered items are also drawn before the plain scenes, as often each as before their own
            background: the original, white, blue and gradient variants of COCO-Matting.
    """

    difficulty: Integers
    layered: NDArray[np.bool_]
    photo: NDArray[np.bool_]
    tags: Sequence[frozenset[str]]
    plain_variants: bool = False

    def pool(self, rule: Rule) -> Integers:
        """Indices of the items that a curriculum's rule leaves open, ascending."""
        is_open = np.isin(self.difficulty, [DIFFICULTIES.index(name) for name in rule.difficulties])
        if rule.any_tag or rule.no_tag:
            wanted, unwanted = frozenset(rule.any_tag), frozenset(rule.no_tag)
            is_open &= np.array([(not wanted or bool(t & wanted)) and not t & unwanted for t in self.tags], dtype=bool)
        return np.flatnonzero(is_open)


@dataclass(frozen=True)
class Catalog:
    """All that can be drawn.

    Attributes:
        roles: By role, index of each data set that fills it, by the set's name.
        scenes: ``(N, D)`` statistics of the backgrounds; N is their number.
        weights: By role, weight of each of its sets. In a role without an entry every open item counts the same.
    """

    roles: Mapping[str, Mapping[str, SourceIndex]]
    scenes: NDArray[np.float64]
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @cached_property
    def sources(self) -> dict[str, SourceIndex]:
        """Index of every set under its full name, in the order that plans number them."""
        return flatten(self.roles)


def flatten(roles: Mapping[str, Mapping[str, _Entry]]) -> dict[str, _Entry]:
    """List the sets of all roles under their full names, ``<role>.<set>``."""
    return {f"{role}.{name}": entry for role, sets in roles.items() for name, entry in sets.items()}
