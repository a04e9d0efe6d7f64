"""Folders of predictions by other software: their names, and which test images they belong to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from matting.data.test_sets.examples import Pair
from matting.errors import MattingError
from matting.files import short_names
from matting.images import list_images


def name_predictions(given: Sequence[str]) -> dict[str, Path]:
    """Name folders of predictions.

    Args:
        given: ``FOLDER`` or ``NAME=FOLDER`` each. An existing folder with an equals sign in its name is a folder.

    Returns:
        Folders by the name given, else by that of `matting.files.short_names`, in the same order.

    Raises:
        FileNotFoundError: A folder does not exist.
        MattingError: A name or a folder is given twice.
    """
    split = [_split(text) for text in given]
    short = short_names([folder for name, folder in split if not name])
    folders = [(name or short[folder], Path(folder)) for name, folder in split]
    for name, folder in folders:
        if not folder.is_dir():
            found = "a file" if folder.exists() else "nothing"
            raise FileNotFoundError(f"{folder}: expected a folder of predictions, found {found}; check the path")
        if sum(name == other for other, _ in folders) > 1:
            raise MattingError(f"--predictions: expected different names, found '{name}' twice; give NAME=FOLDER")
    return dict(folders)


class Predictions(NamedTuple):
    """Stored mattes matched with test images.

    Attributes:
        files: The matte of each image, by the set and the name of the image.
        problems: One line for each image without a matte, and for each matte without an image.
    """

    files: Mapping[tuple[str, str], Path]
    problems: list[str]


def match_predictions(pairs: Sequence[Pair], folder: Path) -> Predictions:
    """Match the mattes of a folder with test images: ``SET/NAME.*``, or ``NAME.*`` if one set alone has this name.

    Args:
        pairs: The test images. A name with a slash is a file in a subfolder.
        folder: Folder of the mattes. Subfolders that are not those of a set or a name are not read.

    Returns:
        The matched files and the problems. No image is decoded.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    sets = Counter(pair.name for pair in pairs)
    # A bare name that several sets share would score one image with the matte of another.
    places = {
        pair: [folder / pair.dataset / pair.name, *([folder / pair.name] if sets[pair.name] == 1 else [])]
        for pair in pairs
    }
    read = {folder, *(place.parent for own in places.values() for place in own if place.parent.is_dir())}
    found = {path.with_name(path.stem): path for one in read for path in list_images(one)}
    matched = {pair: next((place for place in own if place in found), None) for pair, own in places.items()}
    missing = [
        f"{pair.name}: no prediction in {places[pair][-1].parent}"
        for pair in sorted(pairs, key=lambda pair: (pair.name, pair.dataset))
        if matched[pair] is None
    ]
    unused = [place.relative_to(folder).as_posix() for place in sorted(found.keys() - {*matched.values()})]
    unclear = f"but not for which set; move it to {folder}/SET or remove it"
    return Predictions(
        {(pair.dataset, pair.name): found[place] for pair, place in matched.items() if place},
        missing
        + [
            f"{name}: predicted in {folder}, {unclear if sets[name] else 'but there is no such pair'}"
            for name in unused
        ],
    )


def _split(text: str) -> tuple[str, str]:
    name, separator, folder = text.partition("=")
    return (name, folder) if name and separator and not Path(text).is_dir() else ("", text)
