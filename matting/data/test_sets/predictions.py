"""Folders of predictions by other software: their names, and whether they fit the test images."""

from collections.abc import Sequence
from pathlib import Path

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


def unmatched(pairs: Sequence[Pair], folder: Path) -> list[str]:
    """List images without a prediction and predictions without an image.

    Args:
        pairs: The test images.
        folder: Folder of the predictions.

    Returns:
        One message per unmatched name.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    wanted, found = {pair.name for pair in pairs}, {path.stem for path in list_images(folder)}
    missing = [f"{name}: no prediction in {folder}" for name in sorted(wanted - found)]
    return missing + [f"{name}: predicted in {folder}, but there is no such pair" for name in sorted(found - wanted)]


def _split(text: str) -> tuple[str, str]:
    name, separator, folder = text.partition("=")
    return (name, folder) if name and separator and not Path(text).is_dir() else ("", text)
