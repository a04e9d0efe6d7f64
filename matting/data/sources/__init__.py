"""One file per on-disk format. Every reader fills the same `Source`: items as metadata, layers on demand."""

from matting.data.sources.base import DIFFICULTIES, Item, Layers, Source
from matting.data.sources.coco_matting import coco_matting
from matting.data.sources.composition1k import composition1k
from matting.data.sources.rwp import rwp

__all__ = ["DIFFICULTIES", "Item", "Layers", "Source", "coco_matting", "composition1k", "rwp"]
