"""A contact sheet of a corpus: photographs, their mattes, their cut-outs, and composites."""

import csv
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.corpus.formats import save

CELL = 168


def contact_sheet(root: str | Path, path: str | Path, columns: int = 6) -> None:
    """Draws the sheet: three rows of portraits (photo, alpha, cut-out on a colour), two of composites.

    Args:
        root: of a corpus in the layout of :func:`matting.corpus.ensure_corpus`.
        path: of the picture to write.
        columns: pictures in a row.

    Raises:
        FileNotFoundError: if ``root`` holds no corpus.
    """
    root = Path(root)
    manifest = root / "RWP/manifest.csv"
    if not manifest.is_file():
        raise FileNotFoundError(
            f"expected a corpus with RWP/manifest.csv in {root}; make one with python -m matting.corpus"
        )
    with manifest.open(newline="") as file:
        names = [row["name"] for row in csv.DictReader(file)]
    cells = [_portrait(root, name) for name in names[:columns]]
    rows = [np.concatenate(row, axis=1) for row in zip(*cells, strict=True)]
    rows += _composites(root, columns)
    save(Path(path), np.concatenate(rows), cv2.IMWRITE_JPEG_QUALITY, 88)


def _read(path: Path) -> NDArray[np.uint8]:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise FileNotFoundError(f"expected a picture that OpenCV can read, found none at {path}; draw the corpus again")
    return np.asarray(picture[..., ::-1], np.uint8)


def _cell(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = min(picture.shape[:2])
    left = (picture.shape[1] - side) // 2
    square = picture[:side, left : left + side]
    return np.asarray(cv2.resize(square, (CELL, CELL), interpolation=cv2.INTER_AREA), np.uint8)


def _portrait(root: Path, name: str) -> list[NDArray[np.uint8]]:
    photo, alpha = _read(root / f"RWP/image/{name}.jpg"), _read(root / f"RWP/alpha/{name}.png")
    return [_cell(photo), _cell(alpha), _cell(_over(photo, alpha, np.full_like(photo, (90, 180, 140))))]


def _over(front: NDArray[np.uint8], alpha: NDArray[np.uint8], back: NDArray[np.uint8]) -> NDArray[np.uint8]:
    weight = alpha / 255.0
    return np.rint(front * weight + back * (1 - weight)).astype(np.uint8)


def _composites(root: Path, columns: int) -> list[NDArray[np.uint8]]:
    """The first training foregrounds of Composition-1K, each on several of its backgrounds."""
    base = root / "Combined_Dataset/Training_set"
    names = (base / "training_fg_names.txt").read_text().split("\n")
    backgrounds = (base / "training_bg_names.txt").read_text().split("\n")
    rows = []
    for index in range(2):
        folder = next(f for f in sorted(base.iterdir()) if (f / "fg" / names[index]).is_file())
        front, alpha = _read(folder / "fg" / names[index]), _read(folder / "alpha" / names[index])
        row = []
        for number in range(columns):
            back = _read(root / "coco/train2014" / backgrounds[index * 100 + number])
            row.append(_cell(_over(front, alpha, cv2.resize(back, front.shape[1::-1]))))
        rows.append(np.concatenate(row, axis=1))
    return rows
