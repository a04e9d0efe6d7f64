"""Data set, split and scenario of each image, functions of its index: a larger corpus keeps the first ones."""

from dataclasses import dataclass
from typing import Literal, get_args

from matting.errors import MattingError
from matting.synthetic.defects import DEFECTS, PLANTED_EVERY

Place = Literal["composition-train", "composition-test", "rwp-train", "rwp-val", "rwp-test", "coco-train", "coco-val"]
PLACES: tuple[Place, ...] = get_args(Place)

_ORDER = "RCOTRSROVCROTRRCLROR"  # short prefixes contain some of everything
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
"""Scenarios of the RWP-like images, in turn within each split."""
MINIMUM_PEOPLE = 9  # every training source, the validation and both test sets have at least one image


@dataclass(frozen=True)
class Item:
    """One image of the corpus.

    Attributes:
        index: Index in the whole corpus; it and the seed of the corpus determine everything random about the image.
        place: Data set and split.
        ordinal: Number of earlier images with the same place.
        scenario: Scenario of an RWP-like image; ``"plain"`` elsewhere.
        defect: Name of the defect to plant in the image or its matte; None for none.
    """

    index: int
    place: Place
    ordinal: int
    scenario: str
    defect: str | None = None


def plan_items(people: int, defects: bool = False) -> list[Item]:
    """Plan the images of a corpus: 15 % Composition-1K, 40 % RWP, 20 % COCO, 5 + 5 % validation, 15 % test.

    Args:
        people: Number of images.
        defects: Plant a defect in every third RWP training portrait, the kinds in turn.

    Raises:
        MattingError: For fewer than :data:`MINIMUM_PEOPLE`.
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
        # By the ordinal, not the index: 10 scenarios and 20 places in turn would always pair up in the same way.
        scenario = SCENARIOS[ordinal % len(SCENARIOS)] if place.startswith("rwp") else "plain"
        items.append(Item(index, place, ordinal, scenario, _defect(place, ordinal) if defects else None))
        counts[place] += 1
    return items


def _defect(place: Place, ordinal: int) -> str | None:
    planted, turn = divmod(ordinal, PLANTED_EVERY)
    return list(DEFECTS)[planted % len(DEFECTS)] if place == "rwp-train" and turn == PLANTED_EVERY - 1 else None


def background_counts(people: int) -> tuple[int, int]:
    """Return the number of training and test backgrounds in a corpus of ``people``."""
    return max(24, people), max(20, people // 4)


def background_pool(index: int) -> tuple[int, int]:
    """Return how many of the first training and test backgrounds image ``index`` may use, in a corpus of any size."""
    return background_counts(index + 1)
