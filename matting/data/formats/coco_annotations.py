"""Read the people in COCO's instance annotations."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matting.errors import MattingError
from matting.extras import require


class Person(NamedTuple):
    """One annotated person, or a crowd.

    Attributes:
        outline: COCO's ``segmentation``: polygons, or a run-length code.
        box: Left, top, width and height in pixels.
        area: Area in pixels.
        is_crowd: True for a group whose people are not separated.
    """

    outline: Any
    box: tuple[float, float, float, float]
    area: float
    is_crowd: bool


class AnnotatedPhoto(NamedTuple):
    """One photo and the people in it; ``people`` may be empty."""

    file_name: str
    height: int
    width: int
    people: list[Person]


def read_people(path: Path, only: Collection[int] | None = None) -> dict[int, AnnotatedPhoto]:
    """Read the people of an ``instances_*.json``.

    Args:
        path: The file.
        only: If given, the ids of the photos to keep; dropping the others saves gigabytes.

    Returns:
        Photos by COCO's id, in the file's order.

    Raises:
        FileNotFoundError: If the file is missing.
        MattingError: If it has another structure.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected COCO's instance annotations; unpack annotations_trainval2017.zip")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        persons = {entry["id"] for entry in content["categories"] if entry["name"] == "person"}
        photos = {
            entry["id"]: AnnotatedPhoto(entry["file_name"], entry["height"], entry["width"], [])
            for entry in content["images"]
            if only is None or entry["id"] in only
        }
        for entry in content["annotations"]:
            if entry["category_id"] in persons and entry["image_id"] in photos:
                photos[entry["image_id"]].people.append(_person(entry))
    except (ValueError, KeyError, TypeError) as error:
        raise MattingError(
            f"{path}: expected COCO's instance annotations, found: {error!r}; download it again"
        ) from error
    return photos


def _person(entry: dict[str, Any]) -> Person:
    x, y, width, height = entry["bbox"]
    return Person(entry["segmentation"], (x, y, width, height), entry["area"], bool(entry["iscrowd"]))


def person_mask(person: Person, height: int, width: int) -> NDArray[np.bool_]:
    """Render a person's outline to a mask, as COCO's own tools do.

    Args:
        person: The person or crowd.
        height: Height of the photo in pixels.
        width: Width of the photo in pixels.

    Returns:
        ``(height, width)`` bool.

    Raises:
        MattingError: pycocotools is not installed.
    """
    coco = require("pycocotools.mask", "rendering COCO's outlines")
    code = person.outline
    if isinstance(code, list):  # polygons
        code = coco.merge(coco.frPyObjects(code, height, width))
    elif isinstance(code["counts"], list):  # run lengths without compression, as crowds have them
        code = coco.frPyObjects(code, height, width)
    return np.asarray(coco.decode(code), dtype=bool)


def union_mask(people: Collection[Person], height: int, width: int) -> NDArray[np.bool_]:
    """Render the union of people's outlines; see `person_mask`."""
    covered = np.zeros((height, width), dtype=bool)
    for person in people:
        covered |= person_mask(person, height, width)
    return covered
