"""A catalog without files: plans need metadata only."""

import numpy as np
import pytest

from matting.plan.catalog import Catalog, SourceIndex


def make_index(size: int, layered: int, photo: bool) -> SourceIndex:
    """A source of `size` items of cycling difficulty, the first `layered` of which have a foreground layer."""
    return SourceIndex(
        difficulty=np.arange(size) % 3,
        layered=np.arange(size) < layered,
        photo=np.full(size, photo),
        tags=[frozenset({"backlit"}) if k % 5 == 0 else frozenset() for k in range(size)],
    )


def make_catalog(studio: int = 7, portraits: int = 50, coarse: int = 20, layered_portraits: int = 0) -> Catalog:
    """The article's three roles, a set of any size in each."""
    return Catalog(
        {
            "studio": {"a": make_index(studio, studio, photo=False)},
            "portraits": {"b": make_index(portraits, layered_portraits, photo=True)},
            "coarse": {"c": make_index(coarse, 0, photo=True)},
        },
        scenes=np.random.default_rng(0).random((9, 4)),
    )


@pytest.fixture
def catalog() -> Catalog:
    return make_catalog()
