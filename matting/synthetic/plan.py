"""Which image goes where: a fixed function of its index, so that a larger corpus keeps the first ones."""

from dataclasses import dataclass
from typing import Literal, get_args

from matting.errors import MattingError
from matting.synthetic.defects import DEFECTS, PLANTED_EVERY

Place = Literal["composition-train", "composition-test", "rwp-train", "rwp-val", "rwp-test", "coco-train", "coco-val"]
PLACES: tuple[Place, ...] = get_args(Place)

_ORDER = "RCOTRSROVCROTRRCLROR"  # short prefixes hold some of everything
_LETTERS: dict[str, Place] = {
    "C": "composition-train",
    "S": "composition-test",
    "R": "rwp-train",
    "V": "rwp-val",
    "T": "rwp-test",
    "O": "coco-train",
    "L": "coco-val",
}
SCENARIOS = (
    "plain",
    "backlit",
    "motion_blur",
    "glasses",
    "group",
    "low_resolution",
    "hat",
    "tiny",
    "scarf",
    "side_backlit",
)
"""What the RWP-like images are about, in turn within each of its splits."""
MINIMUM_PEOPLE = 9  # every training source, the validation and both test sets have at least one image


@dataclass(frozen=True)
class Item:
    """One image of the corpus.

    Attributes:
        index: in the whole corpus; everything random about the image follows from it and the corpus's seed.
        place: data set and split.
        ordinal: how many earlier images have the same place.
        scenario: what an RWP-like image is about; ``"plain"`` elsewhere.
        defect: to be planted in the image or its matte, by name; None for none.
    """

    index: int
    place: Place
    ordinal: int
    scenario: str
    defect: str | None = None


PORTRAIT = "portrait"
"""The one scenario of an easy corpus: square, head to waist, facing the camera, the scene out of focus."""


def plan_items(people: int, defects: bool = False, portraits: bool = False) -> list[Item]:
    """The images of a corpus of ``people``: 15 % Composition-1K, 40 % RWP, 20 % COCO, 5 + 5 % validation, 15 % test.

    Args:
        people: how many.
        defects: plant one in every third RWP training portrait, the kinds in turn.
        portraits: every image is a `PORTRAIT`: what a small network can learn in minutes.

    Raises:
        MattingError: for fewer than :data:`MINIMUM_PEOPLE`.
    """
    if people < MINIMUM_PEOPLE:
        raise MattingError(
            f"people must be at least {MINIMUM_PEOPLE} to fill every data set of the corpus, got {people}"
        )
    counts = dict.fromkeys(PLACES, 0)
    items = []
    for index in range(people):
        place = _LETTERS[_ORDER[index % len(_ORDER)]]
        ordinal = counts[place]
        scenario = SCENARIOS[ordinal % len(SCENARIOS)] if place.startswith("rwp") else "plain"
        scenario = PORTRAIT if portraits else scenario
        items.append(Item(index, place, ordinal, scenario, _defect(place, ordinal) if defects else None))
        counts[place] += 1
    return items


def _defect(place: Place, ordinal: int) -> str | None:
    planted, turn = divmod(ordinal, PLANTED_EVERY)
    return list(DEFECTS)[planted % len(DEFECTS)] if place == "rwp-train" and turn == PLANTED_EVERY - 1 else None


def background_counts(people: int) -> tuple[int, int]:
    """How many training and test backgrounds a corpus of ``people`` holds."""
    return max(24, people), max(20, people // 4)


def background_pool(index: int) -> tuple[int, int]:
    """How many of the first training and test backgrounds the image ``index`` may use: a larger corpus keeps them."""
    return background_counts(index + 1)
