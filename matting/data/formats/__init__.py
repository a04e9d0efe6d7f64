"""One file per on-disk format. Every reader returns a `Source`: items as metadata, layers on demand."""

from matting.data.formats.aim500 import aim500
from matting.data.formats.aisegment import aisegment
from matting.data.formats.am2k import am2k
from matting.data.formats.base import Item, Layers, Source
from matting.data.formats.coco_instances import PersonFilter, coco_instances
from matting.data.formats.coco_matting import coco_matting
from matting.data.formats.composition1k import composition1k, composition1k_composites
from matting.data.formats.distinctions646 import distinctions646, distinctions646_composites
from matting.data.formats.folders import IncompleteError
from matting.data.formats.hf_dataset import hf_dataset
from matting.data.formats.masks import masks
from matting.data.formats.p3m10k import p3m10k
from matting.data.formats.pairs import pairs
from matting.data.formats.ppm100 import ppm100
from matting.data.formats.rgba import rgba
from matting.data.formats.rwp import rwp
from matting.data.formats.rwp636 import rwp636

__all__ = [
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
    "hf_dataset",
    "masks",
    "p3m10k",
    "pairs",
    "ppm100",
    "rgba",
    "rwp",
    "rwp636",
]
