"""A contact sheet of a corpus: photos, their mattes, their cutouts, and composites."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.files import read_csv
from matting.synthetic.formats import save

CELL = 168
COLUMNS = 6
SHOWN = ("glasses", "backlit", "group", "scarf", "side_backlit", "hat")


def contact_sheet(root: str | Path, path: str | Path) -> None:
    """Render the sheet: six portraits (photo, alpha, cutout on a colour) and two foregrounds on six backgrounds.

    Args:
        root: Corpus in the layout of :func:`matting.synthetic.ensure_corpus`.
        path: Image to write.

    Raises:
        FileNotFoundError: If ``root`` contains no corpus.
    """
    root = Path(root)
    manifest = root / "RWP/manifest.csv"
    if not manifest.is_file():
        raise FileNotFoundError(
            f"expected a corpus with RWP/manifest.csv in {root}; render one with python -m matting.synthetic"
        )
    names = _choose(read_csv(manifest))
    cells = [_portrait(root, name) for name in names]
    rows = [np.concatenate(row, axis=1) for row in zip(*cells, strict=True)]
    rows += _composites(root)
    save(Path(path), np.concatenate(rows), cv2.IMWRITE_JPEG_QUALITY, 88)


def _choose(rows: list[dict[str, str]]) -> list[str]:
    """Choose one portrait for each tag if there is one, then the first ones."""
    tagged = [next((row["name"] for row in rows if row[tag] == "1"), rows[0]["name"]) for tag in SHOWN]
    return list(dict.fromkeys([*tagged, *(row["name"] for row in rows)]))[:COLUMNS]


def _read(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise FileNotFoundError(
            f"expected an image that OpenCV can read, found none at {path}; render the corpus again"
        )
    return np.asarray(image[..., ::-1], np.uint8)


def _cell(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = min(image.shape[:2])
    left = (image.shape[1] - side) // 2
    square = image[:side, left : left + side]
    return np.asarray(cv2.resize(square, (CELL, CELL), interpolation=cv2.INTER_AREA), np.uint8)


def _portrait(root: Path, name: str) -> list[NDArray[np.uint8]]:
    photo, alpha = _read(root / f"RWP/image/{name}.jpg"), _read(root / f"RWP/alpha/{name}.png")
    return [_cell(photo), _cell(alpha), _cell(_over(photo, alpha, np.full_like(photo, (90, 180, 140))))]


def _over(front: NDArray[np.uint8], alpha: NDArray[np.uint8], back: NDArray[np.uint8]) -> NDArray[np.uint8]:
    weight = alpha / 255.0
    return np.rint(front * weight + back * (1 - weight)).astype(np.uint8)


def _composites(root: Path) -> list[NDArray[np.uint8]]:
    """Composite the two Composition-1K training foregrounds with the most soft pixels on several backgrounds."""
    base = root / "Combined_Dataset/Training_set"
    names = (base / "training_fg_names.txt").read_text().split()
    backgrounds = (base / "training_bg_names.txt").read_text().split()
    layers = []
    for index, name in enumerate(names):
        folder = next(f for f in sorted(base.iterdir()) if (f / "fg" / name).is_file())
        alpha = _read(folder / "alpha" / name)
        layers.append((np.mean((alpha > 25) & (alpha < 230)), index, _read(folder / "fg" / name), alpha))
    rows = []
    for _, index, front, alpha in sorted(layers, key=lambda layer: -layer[0])[:2]:
        # Composition-1K lists 100 backgrounds for each foreground; a small corpus repeats some.
        scenes = list(dict.fromkeys(backgrounds[index * 100 : index * 100 + 100]))[:COLUMNS]
        backs = (cv2.resize(_read(root / "coco/train2014" / scene), front.shape[1::-1]) for scene in scenes)
        rows.append(np.concatenate([_cell(_over(front, alpha, np.asarray(back, np.uint8))) for back in backs], axis=1))
    return rows
