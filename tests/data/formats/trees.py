"""Miniature trees in the layouts of the real data sets, with their oddities."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pyarrow
from PIL import Image
from pyarrow import parquet

Pixels = np.ndarray
SIZE = (48, 36)
"""Height and width."""


def photo(seed: int, size: tuple[int, int] = SIZE) -> Pixels:
    """Smooth random colours, so that JPEG keeps them."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)


def matte(seed: int, size: tuple[int, int] = SIZE) -> Pixels:
    """A soft disc."""
    rng = np.random.default_rng([seed, 1])
    rows, columns = np.mgrid[: size[0], : size[1]]
    distance = np.hypot(rows - size[0] * rng.uniform(0.4, 0.6), columns - size[1] * rng.uniform(0.4, 0.6))
    return np.clip((size[1] * rng.uniform(0.2, 0.3) - distance) * 40 + 128, 0, 255).astype(np.uint8)


def save(path: Path, image: Pixels, **options: object) -> Path:
    """Write an image, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **options)
    return path


def lines(path: Path, names: Sequence[str], end: str = "\n") -> Path:
    """Write a name list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(end.join(names).encode() + end.encode())
    return path


def pair_tree(
    root: Path, names: Sequence[str], images: str, mattes: str, suffixes: tuple[str, str], first: int = 0
) -> Path:
    """Photos and mattes in two folders, seeded from ``first`` on."""
    for seed, name in enumerate(names, start=first):
        save(root / images / f"{name}{suffixes[0]}", photo(seed))
        save(root / mattes / f"{name}{suffixes[1]}", matte(seed))
    return root


def composition_tree(root: Path, merged: tuple[str, str] | None = None) -> Path:
    """Composition-1K with four training and two test foregrounds; the lists are not in the folders' order."""
    train = ["pexels-photo 2.jpg", "a.jpg", "z z.jpg", "b.jpg"]
    for seed, name in enumerate(train):
        folder = ("Other" if seed % 2 else "Adobe-licensed images") if merged is None else "."
        foregrounds, alphas = merged or ("fg", "alpha")
        save(root / "Training_set" / folder / foregrounds / name, photo(seed), quality=100)
        save(root / "Training_set" / folder / alphas / name, np.dstack([matte(seed)] * 3), quality=100)
    lines(root / "Training_set/training_fg_names.txt", train, "\r\n")
    lines(root / "Training_set/training_bg_names.txt", [f"COCO_train2014_{k:012d}.jpg" for k in range(400)])
    test = ["t2.png", "t1.png"]
    for seed, name in enumerate(test):
        base = root / "Test_set/Adobe-licensed images"
        # A third of the published files have ICC profiles that no decoder understands.
        save(base / "fg" / name, photo(10 + seed), icc_profile=b"broken")
        save(base / "alpha" / name, matte(10 + seed), icc_profile=b"broken")
        for number in range(20):
            save(base / "trimaps" / f"{name[:-4]}_{number}.png", np.full(SIZE, 128, np.uint8))
    lines(root / "Test_set/test_fg_names.txt", test)
    lines(root / "Test_set/test_bg_names.txt", [f"2008_{k:06d}.jpg" for k in range(40)])
    return root


def voc_tree(root: Path) -> Path:
    """The 40 test backgrounds of `composition_tree`, some smaller than the foregrounds."""
    for k in range(40):
        save(root / f"2008_{k:06d}.jpg", photo(100 + k, (30, 60) if k % 2 else (64, 80)))
    return root


def distinctions_tree(root: Path) -> Path:
    """Distinctions-646 with odd names, CRLF lists, and no line end after the last name."""
    for split, names, backgrounds in (("Train", ["13(2)", "h_1"], 200), ("Test", ["test_13", "test_2"], 40)):
        pair_tree(root / split, names, "FG", "GT", (".png", ".png"), first=3 * len(split))
        prefix = "2008_{:06d}.jpg" if split == "Test" else "COCO_train2014_{:012d}.jpg"
        text = "\r\n".join(prefix.format(k) for k in range(backgrounds))
        (root / split / f"bg_{split.lower()}.txt").write_bytes(text.encode())
    return root


def p3m_tree(root: Path, nested: bool = True, layers: bool = True) -> Path:
    """P3M-10k in either path form."""
    pair_tree(root / "train", ["p_1", "p_2"], "blurred_image", "mask", (".jpg", ".png"))
    if layers:
        for folder in ("fg_blurred", "bg"):
            for name in ("p_1", "p_2"):
                save(root / "train" / folder / f"{name}.jpg", photo(len(folder)), quality=100)
    for name, images in (("P3M-500-P", "blurred_image"), ("P3M-500-NP", "original_image")):
        base = root / "validation" / name if nested else root / name
        pair_tree(base, [f"{name}_1"], images, "mask", (".jpg", ".png"), first=len(name))
        save(base / "trimap" / f"{name}_1.png", np.full(SIZE, 128, np.uint8))
    return root


def box_polygon(left: float, top: float, right: float, bottom: float) -> list[float]:
    """A rectangle as COCO writes polygons."""
    return [left, top, right, top, right, bottom, left, bottom]


def annotation(image: int, box: tuple[float, float, float, float], **changes: object) -> dict[str, object]:
    """One person of a rectangular outline, left, top, right, bottom."""
    left, top, right, bottom = box
    return {
        "image_id": image,
        "category_id": 1,
        "iscrowd": 0,
        "segmentation": [box_polygon(*box)],
        "bbox": [left, top, right - left, bottom - top],
        "area": (right - left) * (bottom - top),
        **changes,
    }


def coco_tree(
    root: Path, annotations: Sequence[dict[str, object]], images: dict[int, str], split: str = "train"
) -> Path:
    """COCO photos, of 48 x 36 pixels, by id and folder, and the annotations of one split."""
    for identity, folder in images.items():
        save(root / folder / f"{identity:012d}.jpg", photo(identity))
    entries = [
        {"id": k, "file_name": f"{k:012d}.jpg", "height": SIZE[0], "width": SIZE[1]}
        for k, folder in images.items()
        if folder == f"{split}2017"
    ]
    content = {
        "images": entries,
        "annotations": list(annotations),
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}],
    }
    path = root / f"annotations/instances_{split}2017.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return root


def joined_matte(path: Path, alpha: Pixels, trimap_first: bool = True) -> Path:
    """Trimap and matte side by side."""
    trimap = np.where(alpha == 255, 255, np.where(alpha == 0, 0, 128)).astype(np.uint8)
    halves = (trimap, alpha) if trimap_first else (alpha, trimap)
    return save(path, np.concatenate(halves, axis=1))


def encoded(image: Pixels, kind: str) -> bytes:
    """The bytes of an image file."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, kind)
    return out.getvalue()


def write_parquet(path: Path, **columns: Sequence[object]) -> Path:
    """Write a Parquet file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.table(columns), path)
    return path


def parquet_tree(root: Path, files: Mapping[str, Iterable[int]]) -> Path:
    """Parquet files by name, each with the photos and mattes of some seeds, as the library `datasets` writes them."""
    for name, seeds in files.items():
        photos = [{"bytes": encoded(photo(seed), "JPEG"), "path": f"{seed}.jpg"} for seed in seeds]
        mattes = [{"bytes": encoded(matte(seed), "PNG"), "path": None} for seed in seeds]
        write_parquet(root / f"{name}.parquet", image=photos, alpha=mattes, caption=[str(seed) for seed in seeds])
    return root
