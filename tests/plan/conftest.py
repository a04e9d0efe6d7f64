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


def make_catalog(composition1k: int = 7, rwp: int = 50, coco_matting: int = 20, layered_rwp: int = 0) -> Catalog:
    """The article's three sources at any size."""
    return Catalog(
        {
            "composition1k": make_index(composition1k, composition1k, photo=False),
            "rwp": make_index(rwp, layered_rwp, photo=True),
            "coco_matting": make_index(coco_matting, 0, photo=True),
        },
        scenes=np.random.default_rng(0).random((9, 4)),
    )


@pytest.fixture
def catalog() -> Catalog:
    return make_catalog()
