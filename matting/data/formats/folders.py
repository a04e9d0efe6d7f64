"""Folder operations of readers: require folders, read name lists, and pair images with mattes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from matting.data.formats.base import Source
from matting.files import read_text
from matting.image_formats import unread
from matting.images import list_folder

SHOWN = 3


class IncompleteError(FileNotFoundError):
    """A data set with missing files. Its complete items can still be inspected; a run needs all of them.

    Attributes:
        source: The items that are complete.
        problems: One sentence for each incomplete file or pair.
    """

    def __init__(self, root: Path, source: Source, problems: Sequence[str]) -> None:
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        super().__init__(
            f"{root}: {len(problems)} problems, {len(source)} complete items: {'; '.join(problems[:SHOWN])}{more}"
            ". 'matting data verify' lists them; restore the files or remove what is left of them"
        )
        self.source, self.problems = source, list(problems)


class EmptyError(FileNotFoundError):
    """A split without a single item.

    Attributes:
        rule: How the set is split, where its user decides that: then a run can do without this split. Empty otherwise.
    """

    def __init__(self, message: str, rule: str = "") -> None:
        super().__init__(message)
        self.rule = rule


def complete(source: Source, root: Path, problems: Sequence[str], rule: str = "") -> Source:
    """Return the source if nothing is missing.

    Args:
        source: The complete items.
        root: Folder of the data set, named in errors.
        problems: One sentence for each missing file.
        rule: How the set is split and into what, from `matting.data.formats.splits.in_split`; it becomes a note.

    Raises:
        IncompleteError: If there are problems.
        EmptyError: If there are no items.
    """
    if problems:
        raise IncompleteError(root, with_notes(source, f"split {rule}" if rule else None), problems)
    if not source.items:
        how = f" (split {rule}); three pairs fill all splits, and split_list=FILE chooses them" if rule else ""
        raise EmptyError(f"{root}: expected images of '{source.name}' for this split, found none{how}", rule)
    return with_notes(source, f"split {rule}" if rule else None)


def require_folder(path: Path, what: str) -> Path:
    """Return ``path`` if it is a folder, else raise FileNotFoundError with what was expected there."""
    if not path.is_dir():
        found = "a file" if path.exists() else "nothing"
        raise FileNotFoundError(f"{path}: expected {what}, found {found}; check the path given under 'corpus'")
    return path


def first_folder(candidates: Sequence[Path], what: str) -> Path:
    """Return the first candidate that is a folder; data sets come in several layouts.

    Raises:
        FileNotFoundError: If none of them is.
    """
    for path in candidates:
        if path.is_dir():
            return path
    raise FileNotFoundError(
        f"expected {what} in one of: {', '.join(map(str, candidates))}; check the path, or unpack the archive"
    )


def read_names(path: Path) -> list[str]:
    """Read a name list: one name per line, LF or CRLF, blank lines ignored.

    Raises:
        FileNotFoundError: If the list is missing.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: expected a list of names, one per line; restore it from the data set's archive"
        )
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def by_stem(folder: Path, what: str, problems: list[str], recursive: bool = False) -> dict[str, Path]:
    """Index the images of a folder by their relative path without extension.

    Args:
        folder: Folder of the images.
        what: Description of the images for errors.
        problems: List to which a sentence is added for every name that two files share.
        recursive: Whether to read subfolders as well.

    Returns:
        Files by name, in sorted order.

    Raises:
        FileNotFoundError: If the folder is missing.
    """
    found: dict[str, Path] = {}
    images, others = list_folder(require_folder(folder, what), recursive=recursive)
    for path in images:
        stem = path.relative_to(folder).with_suffix("").as_posix()
        if stem in found:
            problems.append(f"{path} and {found[stem].name} have the same name")
        else:
            found[stem] = path
    read = {path.with_suffix("") for path in images}  # next to a raw file there may be its developed image
    alone = [path for path in others if path.with_suffix("") not in read]
    problems += [f"{path}: {advice}" for path in alone if (advice := unread(path))]
    return found


def pair(images: dict[str, Path], mattes: dict[str, Path], problems: list[str]) -> list[tuple[str, Path, Path]]:
    """Match images and mattes by name.

    Args:
        images: Image files by name.
        mattes: Matte files by name.
        problems: List to which a sentence is added for each file without a partner.

    Returns:
        Name, image and matte, sorted by name.
    """
    problems += [f"{path} has no matte" for name, path in sorted(images.items()) if name not in mattes]
    problems += [f"{path} has no image" for name, path in sorted(mattes.items()) if name not in images]
    return [(name, images[name], mattes[name]) for name in sorted(images.keys() & mattes.keys())]


def with_notes(source: Source, *notes: str | None) -> Source:
    """Return the source with further notes; None is skipped."""
    return replace(source, notes=(*source.notes, *(note for note in notes if note)))
