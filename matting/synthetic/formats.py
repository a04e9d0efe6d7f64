"""The on-disk formats of the real data sets, written for one image at a time.

Each ``write_*`` renders and writes one item and returns the values that the data set's index files need.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.files import write_csv
from matting.synthetic.camera import lens_blur, to_uint8
from matting.synthetic.defects import plant_defect_or_next
from matting.synthetic.layers import straight
from matting.synthetic.parallel import Record
from matting.synthetic.person import render_person
from matting.synthetic.photograph import Photograph, choose_frames, choose_traits, photograph
from matting.synthetic.plan import Item, background_pool
from matting.synthetic.screenshot import screenshot
from matting.synthetic.textures import random_light
from matting.tags import TAGS
from matting.trimap import BACKGROUND, CODES, FOREGROUND, UNKNOWN


def save(path: Path, image: NDArray[np.uint8], *parameters: int) -> None:
    """Write a gray or RGB image, and create its folder.

    Raises:
        OSError: If the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = image if image.ndim == 2 else image[..., ::-1]
    good, data = cv2.imencode(path.suffix, stored, parameters)
    if not good:
        raise OSError(f"OpenCV could not encode {path}")
    path.write_bytes(data.tobytes())


def write_composition(
    rng: np.random.Generator, root: Path, item: Item, size: int, photos: Sequence[Path] = ()
) -> Record:
    """Write one foreground of Composition-1K with its alpha, no scene; in the test set also its 20 trimaps."""
    height, width = int(size * rng.choice([1.0, 1.15, 1.3])), size
    (frame,), traits = choose_frames(rng, height, width, item.scenario, 1), choose_traits(rng, item.scenario)
    layer = render_person(rng, frame, traits, random_light(rng)).layer
    layer = lens_blur(layer, rng.uniform(0.25, 0.6))
    colours, coverage = straight(layer)
    alpha = to_uint8(coverage)
    stem = f"portrait_{item.index:06d}"
    train_pool, test_pool = background_pool(item.index)
    if item.place == "composition-train":
        folder = (
            root / "Combined_Dataset/Training_set" / ("Adobe-licensed images" if item.ordinal % 2 == 0 else "Other")
        )
        # The real training set is all JPEG; without subsampling, colours and alpha stay within a level or two.
        sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
        save(
            folder / f"fg/{stem}.jpg",
            to_uint8(colours),
            cv2.IMWRITE_JPEG_QUALITY,
            98,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
            sampling,
        )
        save(folder / f"alpha/{stem}.jpg", alpha, cv2.IMWRITE_JPEG_QUALITY, 100)
        numbers = rng.integers(0, train_pool, 100).tolist()
        return {"name": f"{stem}.jpg", "backgrounds": [train_background(n) for n in numbers]}
    folder = root / "Combined_Dataset/Test_set/Adobe-licensed images"
    save(folder / f"fg/{stem}.png", to_uint8(colours), cv2.IMWRITE_PNG_COMPRESSION, 3)
    save(folder / f"alpha/{stem}.png", alpha, cv2.IMWRITE_PNG_COMPRESSION, 3)
    for i in range(20):
        save(
            folder / f"trimaps/{stem}_{i}.png", trimap(alpha, int(rng.integers(3, 20))), cv2.IMWRITE_PNG_COMPRESSION, 1
        )
    return {
        "name": f"{stem}.png",
        "backgrounds": [test_background(n) for n in rng.permutation(test_pool)[:20].tolist()],
    }


def trimap(alpha: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    """Make a trimap, 0, 128 and 255 for background, unknown and foreground; ``radius`` widens the soft band."""
    soft = ((alpha > 0) & (alpha < 255)).astype(np.uint8)
    edge = cv2.morphologyEx((alpha > 127).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    unknown = cv2.dilate(soft | edge, kernel) > 0
    return CODES[np.where(unknown, UNKNOWN, np.where(alpha > 127, FOREGROUND, BACKGROUND))]


def train_background(number: int) -> str:
    """Return the file name of a training background."""
    return f"COCO_train2014_{number + 1:012d}.jpg"


def test_background(number: int) -> str:
    """Return the file name of a test background."""
    return f"2008_{number + 1:06d}.jpg"


def take_portrait(
    rng: np.random.Generator, scenario: str, size: int, photos: Sequence[Path] = ()
) -> tuple[Photograph, int]:
    """Render one portrait in the style of RWP, and choose its JPEG quality; half are landscape, as in PPM-100.

    Args:
        rng: Random generator.
        scenario: One of :data:`matting.synthetic.plan.SCENARIOS`.
        size: Shorter side of the image, pixels.
        photos: As in `photograph`.
    """
    wide = scenario == "group" or rng.random() < 0.5
    height, width = (size, int(size * 1.25)) if wide else (int(size * 1.25), size)
    photo = photograph(rng, height, width, scenario, photos)
    if scenario == "low_resolution" and rng.random() < 0.5:
        photo = screenshot(rng, photo)
    return photo, int(rng.integers(40, 75) if "low_resolution" in photo.tags else rng.integers(82, 97))


def write_rwp(rng: np.random.Generator, root: Path, item: Item, size: int, photos: Sequence[Path] = ()) -> Record:
    """Write one RWP portrait with its alpha, and return its row of the manifest."""
    photo, quality = take_portrait(rng, item.scenario, size, photos)
    name = f"rwp_{item.index:06d}"
    planted, image, alpha = None, photo.image, photo.alpha
    if item.defect:
        planted, image, alpha = plant_defect_or_next(rng, item.defect, image, alpha, photo.bare)
    save(root / f"RWP/image/{name}.jpg", to_uint8(image), cv2.IMWRITE_JPEG_QUALITY, quality)
    save(root / f"RWP/alpha/{name}.png", to_uint8(alpha), cv2.IMWRITE_PNG_COMPRESSION, 3)
    row: Record = {"name": name, "split": item.place.removeprefix("rwp-"), "difficulty": photo.difficulty}
    row["identity"] = f"person_{item.index:06d}"
    return row | {tag: int(tag in photo.tags) for tag in TAGS} | {"defect": planted}


def write_coco(rng: np.random.Generator, root: Path, item: Item, size: int, photos: Sequence[Path] = ()) -> Record:
    """Write one COCO image and, for the training split, its COCO-Matting mattes; return its annotations."""
    scenario = "group" if rng.random() < 0.2 else item.scenario
    photo = photograph(rng, size, int(size * 1.25), scenario, photos)
    split = item.place.removeprefix("coco-")
    identity = 1000 + item.index
    name = f"{identity:012d}"
    save(
        root / f"coco/{split}2017/{name}.jpg",
        to_uint8(photo.image),
        cv2.IMWRITE_JPEG_QUALITY,
        int(rng.integers(80, 96)),
    )
    if split == "train":
        _write_mattes(root, name, photo)
    height, width = photo.alpha.shape
    image = {"id": identity, "file_name": f"{name}.jpg", "height": height, "width": width}
    return {
        "image": image,
        "annotations": [a for n, p in enumerate(photo.persons) if (a := annotation(p, identity, n))],
    }


def _write_mattes(root: Path, name: str, photo: Photograph) -> None:
    for number, (person, who) in enumerate(zip(photo.persons, photo.traits, strict=True)):
        words = [word for word in (who.held, "tie" if who.tie else None) if word] or ["handbag"]
        alpha = to_uint8(person)
        joined = np.concatenate([trimap(alpha, 6), alpha], axis=1)
        save(
            root / f"COCO-Matting/trimap_alpha/{name}_{'_'.join(words)}_{number:02d}.png",
            joined,
            cv2.IMWRITE_PNG_COMPRESSION,
            3,
        )


def annotation(person: NDArray[np.float32], image: int, number: int) -> Record | None:
    """Return COCO's entry for one person as polygons; None if hardly anything of the person is visible."""
    mask = (person > 0.5).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_TC89_L1)
    polygons = [c.reshape(-1).astype(float).tolist() for c in contours if len(c) >= 3 and cv2.contourArea(c) >= 16]
    if not polygons:
        return None
    x, y, w, h = cv2.boundingRect(mask)
    entry: Record = {"id": image * 100 + number, "image_id": image, "category_id": 1, "iscrowd": 0}
    return entry | {"segmentation": polygons, "bbox": [x, y, w, h], "area": float(mask.sum())}


def write_indexes(root: Path, items: list[Item], records: list[Record]) -> None:
    """Write the name lists, the manifest and the COCO annotations from the records of the writers."""
    by_place: dict[str, list[Record]] = {item.place: [] for item in items}
    for item, record in zip(items, records, strict=True):
        by_place[item.place].append(record)
    for split, folder, prefix in (("train", "Training_set", "training"), ("test", "Test_set", "test")):
        rows = by_place.get(f"composition-{split}", [])
        base = root / "Combined_Dataset" / folder
        _lines(base / f"{prefix}_fg_names.txt", [row["name"] for row in rows])
        _lines(base / f"{prefix}_bg_names.txt", [name for row in rows for name in row["backgrounds"]])
    manifest = [row for split in ("train", "val", "test") for row in by_place.get(f"rwp-{split}", [])]
    columns = ["name", "split", "difficulty", "identity", *TAGS]
    ordered = sorted(manifest, key=lambda row: str(row["name"]))
    write_csv(root / "RWP/manifest.csv", columns, ([row[name] for name in columns] for row in ordered))
    if planted := [f"{row['name']},{row['defect']}" for row in records if row.get("defect")]:
        _lines(root / "defects.csv", ["name,defect", *planted])
    for split in ("train", "val"):
        _write_instances(root, split, by_place.get(f"coco-{split}", []))


def _write_instances(root: Path, split: str, rows: list[Record]) -> None:
    path = root / f"coco/annotations/instances_{split}2017.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    (root / f"coco/{split}2017").mkdir(exist_ok=True)
    content = {
        "info": {"description": "synthetic corpus: rendered by code"},
        "images": [row["image"] for row in rows],
        "annotations": [entry for row in rows for entry in row["annotations"]],
        "categories": [{"id": 1, "name": "person", "supercategory": "person"}],
    }
    path.write_text(json.dumps(content))


def _lines(path: Path, names: list[str]) -> None:
    path.write_text("".join(f"{name}\n" for name in names))
