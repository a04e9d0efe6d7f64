"""The catalog of a corpus: the metadata of its sources and backgrounds, as the plan needs it."""

import numpy as np

from matting.data.corpora import Corpus
from matting.data.formats import Source
from matting.plan.catalog import Catalog, SourceIndex
from matting.plan.curriculum import DIFFICULTIES


def catalog_of(corpus: Corpus) -> Catalog:
    """List what can be drawn from a corpus."""
    return Catalog({name: index_of(source) for name, source in corpus.train.items()}, corpus.scenes.statistics())


def index_of(source: Source) -> SourceIndex:
    """Index a source's metadata."""
    items = source.items
    return SourceIndex(
        difficulty=np.array([DIFFICULTIES.index(item.difficulty) for item in items], dtype=np.int64),
        layered=np.array([item.layered for item in items], dtype=bool),
        photo=np.array([item.photo is not None for item in items], dtype=bool),
        tags=[item.tags for item in items],
        plain_variants=source.plain_variants,
    )
