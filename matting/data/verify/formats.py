"""The supported formats: what is published about each of them, and how to open it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from matting.data import formats
from matting.data.formats import Source
from matting.data.formats.official import Composite
from matting.errors import MattingError

ON_REQUEST = "non-commercial; on request"
ALL_SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Format:
    """A format and the data set published in it.

    Attributes:
        name: Name on the command line and in configurations.
        title: Name given by the authors.
        licence: Terms, in a few words.
        size: Number of images, as text.
        obtain: Where to ask for it or to download it, with an address.
        reader: Reads the set; called with the folder and a keyword ``split``.
        composites: Enumerates the official test images, given the folder of the set and that of the backgrounds.
        splits: Splits to read.
        published: Published number of items, by split.
    """

    name: str
    title: str
    licence: str
    size: str
    obtain: str
    reader: Callable[..., Source]
    composites: Callable[[Path, Path], Sequence[Composite]] | None = None
    splits: tuple[str, ...] = ALL_SPLITS
    published: Mapping[str, int] = field(default_factory=dict)


def _coco_matting(root: Path, split: str) -> Source:
    """Read COCO-Matting next to COCO, as configurations expect it; every matte, even with other people in the photo."""
    return formats.coco_matting(root, root.parent / "coco", split, scope="ignore_others")


FORMATS = (
    Format(
        "composition1k",
        "Adobe Composition-1K",
        ON_REQUEST,
        "431 + 50 foregrounds",
        "write to the first author, https://sites.google.com/view/deepimagematting",
        formats.composition1k,
        formats.composition1k_composites,
        splits=("train", "test"),
        published={"train": 431, "test": 50},
    ),
    Format(
        "distinctions646",
        "Distinctions-646",
        ON_REQUEST,
        "596 + 50 foregrounds",
        "see https://github.com/yuhaoliu7456/CVPR2020-HAttMatting",
        formats.distinctions646,
        formats.distinctions646_composites,
        splits=("train", "test"),
        published={"train": 596, "test": 50},
    ),
    Format("rwp", "RWP: your portraits with a manifest", "yours", "any", "your own", formats.rwp),
    Format(
        "rwp636",
        "RealWorldPortrait-636",
        "CC BY-NC 2.0",
        "636",
        "link in https://github.com/yucornetto/MGMatting",
        formats.rwp636,
        splits=("test",),
        published={"test": 636},
    ),
    Format(
        "p3m10k",
        "P3M-10k",
        "the authors' agreement (MIT)",
        "9,421 + 500 + 500",
        "accept the agreement in https://github.com/JizhiziLi/P3M, then its link",
        formats.p3m10k,
        published={"train": 9421, "val": 500, "test": 500},
    ),
    Format(
        "ppm100",
        "PPM-100",
        "photos Flickr CC, mattes CC BY-NC-SA 4.0",
        "100",
        "link in https://github.com/ZHKKKe/PPM",
        formats.ppm100,
        splits=("test",),
        published={"test": 100},
    ),
    Format(
        "aim500",
        "AIM-500",
        "the authors' agreement (MIT)",
        "500, of which 100 portraits",
        "accept the agreement in https://github.com/JizhiziLi/AIM, then its link",
        # All categories, since the published number counts all of them.
        partial(formats.aim500, category=None),
        splits=("test",),
        published={"test": 500},
    ),
    Format(
        "am2k",
        "AM-2k (animals)",
        "the authors' agreement (MIT)",
        "1,800 + 200",
        "accept the agreement in https://github.com/JizhiziLi/GFM, then its link",
        formats.am2k,
        # Without val, which is the same images as test: each would be reported as a leak.
        splits=("train", "test"),
        published={"train": 1800, "test": 200},
    ),
    Format(
        "aisegment",
        "AISegment matting human",
        "see its repository",
        "34,427",
        "link in https://github.com/aisegmentcn/matting_human_datasets",
        formats.aisegment,
    ),
    Format(
        "coco_matting",
        "COCO-Matting",
        "CC BY-NC 4.0; photos Flickr terms",
        "38,251 mattes of 31,694 photos",
        "link in https://github.com/XiaRho/SEMat; photos train2017 and unlabeled2017 from https://cocodataset.org",
        _coco_matting,
        splits=("train",),
        published={"train": 38251},
    ),
    Format(
        "coco_instances",
        "COCO 2017 portraits",
        "annotations CC BY 4.0; photos Flickr terms",
        "a subset of 118,287 + 5,000",
        "train2017, val2017 and annotations_trainval2017 from https://cocodataset.org",
        formats.coco_instances,
        splits=("train", "val"),
    ),
    Format(
        "masks",
        "a folder of photos and person masks",
        "yours",
        "any",
        "your own",
        partial(formats.masks, treatment="ignore_band"),  # refining takes seconds per photo
    ),
    Format("pairs", "a folder of photos and mattes", "yours", "any", "your own", formats.pairs),
    Format(
        "hf_dataset",
        "a data set in the hub's Parquet files",
        "yours",
        "any",
        "https://huggingface.co/datasets",
        formats.hf_dataset,
    ),
    Format("rgba", "a folder of RGBA cutouts", "yours", "any", "your own", formats.rgba),
)
"""All formats, in the order of the documentation."""


def find_format(name: str) -> Format:
    """Find a format by name.

    Raises:
        MattingError: If the name is unknown.
    """
    for entry in FORMATS:
        if entry.name == name:
            return entry
    raise MattingError(f"expected a format of {', '.join(entry.name for entry in FORMATS)}, found '{name}'")
