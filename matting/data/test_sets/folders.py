"""Test images in folders: photos and mattes matched by name."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

from matting.data.test_sets.examples import Example, Pair
from matting.errors import MattingError
from matting.image_formats import unread
from matting.images import list_folder, read_alpha, read_rgb, read_trimap
from matting.trimap import implied_trimap

_ROLES = ("image", "alpha", "trimap", "foreground", "background")


class Listing(NamedTuple):
    """Result of listing folders.

    Attributes:
        pairs: Complete pairs, sorted by name.
        problems: One line for each file without a partner and each duplicate name.
    """

    pairs: list[Pair]
    problems: list[str]


def pairs_from_folders(images: Path, alphas: Path, trimaps: Path | None = None, dataset: str | None = None) -> Listing:
    """Match photos and mattes of two folders by stem: ``images/NAME.*`` with ``alphas/NAME.*``.

    Args:
        images: Folder of photos.
        alphas: Folder of ground-truth mattes.
        trimaps: Folder of trimaps; computed from the mattes if None.
        dataset: Name of the set in results; the parent folder's name if None.

    Returns:
        Pairs and problems. No image is decoded yet.

    Raises:
        FileNotFoundError: If a folder does not exist.
    """
    folders = {"image": images, "alpha": alphas} | ({"trimap": trimaps} if trimaps else {})
    problems: list[str] = []
    files = {role: _by_stem(folder, role, problems) for role, folder in folders.items()}
    names = sorted(set().union(*files.values()))
    complete = [name for name in names if all(name in found for found in files.values())]
    for name in sorted(set(names) - set(complete)):
        missing = [f"{role} in {folders[role]}" for role in folders if name not in files[role]]
        problems.append(f"{name}: no {' and no '.join(missing)}")
    title = dataset or images.resolve().parent.name
    pairs = [_pair(title, name, {role: found[name] for role, found in files.items()}) for name in complete]
    return Listing(pairs, problems)


def pairs_from_root(root: Path, dataset: str | None = None) -> Listing:
    """Find pairs with one folder each: ``root/NAME/image.*``, ``alpha.*`` and optionally ``trimap.*``.

    Where the true colours are known, add ``foreground.*`` and ``background.*``: a report then scores colours as well.

    A folder may also be a set of its own, ``root/SET/image/*``, ``alpha/*``, optionally ``trimap/*``, paired by name.

    Args:
        root: Folder of such folders; others (with neither image nor alpha) are skipped.
        dataset: Name of the set in results; the root's name if None. Folders that are sets keep their own names.

    Returns:
        Pairs and problems. No image is decoded yet.

    Raises:
        FileNotFoundError: If the root does not exist.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: expected a folder with NAME/image.* and NAME/alpha.*, found none")
    pairs: list[Pair] = []
    problems: list[str] = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if (folder / "image").is_dir() and (folder / "alpha").is_dir():
            trimaps = folder / "trimap" if (folder / "trimap").is_dir() else None
            found = pairs_from_folders(folder / "image", folder / "alpha", trimaps, folder.name)
            pairs += found.pairs
            problems += found.problems
            continue
        files = _by_stem(folder, "file", problems)
        roles = {role: path for role, path in files.items() if role in _ROLES}
        if {"image", "alpha"} <= roles.keys():
            pairs.append(_pair(dataset or root.resolve().name, folder.name, roles))
        elif roles:
            problems.append(f"{folder.name}: no {'alpha' if 'image' in roles else 'image'} in {folder}")
    return Listing(pairs, problems)


def load_example(
    name: str,
    image: Path,
    alpha: Path,
    trimap: Path | None = None,
    foreground: Path | None = None,
    background: Path | None = None,
) -> Example:
    """Read one test image from its files.

    Args:
        name: Name in the results.
        image: The photo.
        alpha: The ground-truth matte.
        trimap: The trimap; computed from the matte if None, see `matting.trimap.implied_trimap`.
        foreground: The true colours of the subject.
        background: What is behind the subject.

    Returns:
        The example.

    Raises:
        ImageError: If a file cannot be read.
        MattingError: If the sizes differ.
    """
    photo, matte = read_rgb(image), read_alpha(alpha)
    given = read_trimap(trimap) if trimap else None
    colours, behind = (read_rgb(path) if path else None for path in (foreground, background))
    for path, layer in ((alpha, matte), (trimap, given), (foreground, colours), (background, behind)):
        if layer is not None and layer.shape[:2] != photo.shape[:2]:
            raise MattingError(
                f"{path}: expected {photo.shape[1]}x{photo.shape[0]} as {image}, "
                f"found {layer.shape[1]}x{layer.shape[0]}; correct or remove the pair"
            )
    known = implied_trimap(matte) if given is None else given
    return Example(name, photo, matte, known, foreground=colours, background=behind)


def _pair(dataset: str, name: str, files: dict[str, Path]) -> Pair:
    return Pair(name=name, load=partial(load_example, name, **files), dataset=dataset)


def _by_stem(folder: Path, role: str, problems: list[str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    images, others = list_folder(folder)
    for path in images:
        if path.stem in files:
            problems.append(f"{path.stem}: two {role} files, {files[path.stem].name} and {path.name}; remove one")
        files.setdefault(path.stem, path)
    # Next to a raw file there may be its developed image.
    problems += [f"{path}: {advice}" for path in others if path.stem not in files and (advice := unread(path))]
    return files
