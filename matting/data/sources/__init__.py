"""One file per on-disk format. Every reader fills the same `Source`: items as metadata, layers on demand."""

from matting.data.sources.aim500 import aim500
from matting.data.sources.aisegment import aisegment
from matting.data.sources.am2k import am2k
from matting.data.sources.base import DIFFICULTIES, Item, Layers, Source
from matting.data.sources.coco_instances import PersonFilter, coco_instances
from matting.data.sources.coco_matting import coco_matting
from matting.data.sources.composition1k import composition1k, composition1k_composites
from matting.data.sources.distinctions646 import distinctions646, distinctions646_composites
from matting.data.sources.folders import IncompleteError
from matting.data.sources.masks import masks
from matting.data.sources.p3m10k import p3m10k
from matting.data.sources.pairs import pairs
from matting.data.sources.ppm100 import ppm100
from matting.data.sources.rgba import rgba
from matting.data.sources.rwp import rwp
from matting.data.sources.rwp636 import rwp636

__all__ = [
    "DIFFICULTIES",
    "IncompleteError",
    "Item",
    "Layers",
    "PersonFilter",
    "Source",
    "aim500",
    "aisegment",
    "am2k",
    "coco_instances",
    "coco_matting",
    "composition1k",
    "composition1k_composites",
    "distinctions646",
    "distinctions646_composites",
    "masks",
    "p3m10k",
    "pairs",
    "ppm100",
    "rgba",
    "rwp",
    "rwp636",
]
