"""Build the catalog of a corpus: the metadata of its sources and backgrounds that planning needs."""

import numpy as np

from matting.data.corpora import Corpus
from matting.data.formats import Source
from matting.plan.catalog import Catalog, SourceIndex
from matting.plan.curriculum import DIFFICULTIES


def catalog_of(corpus: Corpus) -> Catalog:
    """List what can be drawn from a corpus."""
    indices = {role: {name: index_of(source) for name, source in sets.items()} for role, sets in corpus.train.items()}
    return Catalog(indices, corpus.scenes.statistics(), corpus.weights)


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
