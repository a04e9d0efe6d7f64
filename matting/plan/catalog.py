"""The catalog: the metadata of every source and background that planning needs."""

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
"""Rendered scenes, listed before the files: the studio and identity-photo backgrounds of COCO-Matting's recipe."""


@dataclass(frozen=True)
class SourceIndex:
    """What the plan knows about one source.

    Attributes:
        difficulty: ``(N,)`` int64 position in ``DIFFICULTIES``.
        layered: ``(N,)`` bool, True where a foreground layer exists.
        photo: ``(N,)`` bool, True where a photo with its own background exists.
        tags: Attribute tags of each item.
        plain_variants: Whether layered items are also drawn on the plain scenes, on each as often as on their own
            background: the original, white, blue and gradient variants of COCO-Matting.
    """

    difficulty: Integers
    layered: NDArray[np.bool_]
    photo: NDArray[np.bool_]
    tags: Sequence[frozenset[str]]
    plain_variants: bool = False

    def pool(self, rule: Rule) -> Integers:
        """Return the indices of the items that a curriculum's rule admits, ascending."""
        is_open = np.isin(self.difficulty, [DIFFICULTIES.index(name) for name in rule.difficulties])
        if rule.any_tag or rule.no_tag:
            wanted, unwanted = frozenset(rule.any_tag), frozenset(rule.no_tag)
            # With a dtype, because an empty list would give floats, which `&=` refuses.
            is_open &= np.array([(not wanted or bool(t & wanted)) and not t & unwanted for t in self.tags], dtype=bool)
        return np.flatnonzero(is_open)


@dataclass(frozen=True)
class Catalog:
    """Everything that can be drawn.

    Attributes:
        roles: Index of each data set, by role and name.
        scenes: ``(N, D)`` statistics of the backgrounds; N is their number.
        weights: Weight of each set, by role. In a role without an entry all open items are drawn equally often.
    """

    roles: Mapping[str, Mapping[str, SourceIndex]]
    scenes: NDArray[np.float64]
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @cached_property
    def sources(self) -> dict[str, SourceIndex]:
        """Index of every set under its full name, in the order in which plans number them."""
        return flatten(self.roles)


def flatten(roles: Mapping[str, Mapping[str, _Entry]]) -> dict[str, _Entry]:
    """List the sets of all roles under their full names, ``<role>.<set>``."""
    return {f"{role}.{name}": entry for role, sets in roles.items() for name, entry in sets.items()}
