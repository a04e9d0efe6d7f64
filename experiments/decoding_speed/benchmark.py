"""Time draws from disk on one core: ``python experiments/decoding_speed/benchmark.py``.

Every case runs in turn, round after round, in one run on one thread; results are medians over the rounds of the
CPU time of one draw, which other programs on the machine hardly lengthen.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from matting.data.crop import choose_box, resize
from matting.data.dataset import DrawDataset
from matting.data.formats import Item, Source, pairs, rwp
from matting.data.formats.decoded import with_decoded_cache
from matting.data.scenes import Scenes
from matting.images import Pixels, list_images, read_alpha, read_rgb
from matting.plan.catalog import PLAIN
from matting.plan.plan import Draw
from matting.synthetic import ensure_corpus

FOLDER = Path(__file__).parent
CROP, CACHED = 512, 768
FULL_HD, TWELVE_MEGAPIXELS = (1080, 1920), (3000, 4000)
NOISE = 3.0
"""Levels of sensor noise: without it rendered images would decode faster than photos."""

Jobs = dict[str, list[Callable[[], object]]]


def write(path: Path, image: Pixels) -> Path:
    """Write an image as cameras (JPEG 92) and annotation tools (PNG) do."""
    stored = image if image.ndim == 2 else image[..., ::-1]
    options = [cv2.IMWRITE_JPEG_QUALITY, 92] if path.suffix == ".jpg" else []
    _, data = cv2.imencode(path.suffix, stored, options)
    path.write_bytes(data.tobytes())
    return path


def scaled(path: Path, shape: tuple[int, int], seed: int) -> Pixels:
    """Resize an image and add sensor noise."""
    image = cv2.resize(read_rgb(path), shape[::-1], interpolation=cv2.INTER_CUBIC).astype(np.float32)
    noise = np.random.default_rng(seed).normal(0, NOISE, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def write_items(originals: Source, folder: Path, shape: tuple[int, int]) -> dict[str, list[Item]]:
    """Write some portraits at one size: as JPEG, as PNG, and as a JPEG foreground layer."""
    found: dict[str, list[Item]] = {"jpg": [], "png": [], "layer": []}
    for k, item in enumerate(originals.items):
        name = f"{shape[1]}_{k}"
        matte = cv2.resize(read_alpha(item.alpha), shape[::-1], interpolation=cv2.INTER_CUBIC)
        alpha, image = write(folder / f"{name}_alpha.png", matte), scaled(item.photo, shape, k)
        for suffix in ("jpg", "png"):
            found[suffix].append(Item(name, alpha, write(folder / f"{name}.{suffix}", image)))
        found["layer"].append(Item(name, alpha, foreground=folder / f"{name}.jpg"))
    return found


def draws(source: Source, scenes: Scenes, scene: int = -1, crops: int = 1) -> list[Callable[[], object]]:
    """Build jobs that decode a training crop of each item."""
    dataset, items = DrawDataset({"s": source}, scenes, CROP), len(source)
    rows = [Draw(0, k % items, scene, seed=k, view=0, severity=0.0, pair=-1) for k in range(crops * items)]
    return [partial(dataset.__getitem__, row) for row in rows]


def stages(items: list[Item]) -> Jobs:
    """Build jobs for the parts of one draw of a JPEG image and a PNG matte."""
    mattes, photos = [read_alpha(item.alpha) for item in items], [read_rgb(item.photo) for item in items]
    boxes = [choose_box(matte, np.random.default_rng(k), 0.5) for k, matte in enumerate(mattes)]
    return {
        "· decode the photo": [partial(read_rgb, item.photo) for item in items],
        "· decode the matte": [partial(read_alpha, item.alpha) for item in items],
        "· choose the crop": [partial(choose_box, matte, np.random.default_rng(0), 0.5) for matte in mattes],
        "· resize the photo": [partial(resize, b.cut(p), CROP) for b, p in zip(boxes, photos, strict=True)],
        "· resize the matte": [partial(resize, b.cut(m), CROP) for b, m in zip(boxes, mattes, strict=True)],
    }


def build_jobs(originals: Source, scenes: Scenes, folder: Path) -> Jobs:
    """Build all cases in the order of the table."""
    full_hd, large = (write_items(originals, folder, shape) for shape in (FULL_HD, TWELVE_MEGAPIXELS))
    cached = with_decoded_cache(Source("s", full_hd["jpg"]), CACHED, 1)
    return {
        "1080p JPEG + PNG matte": draws(Source("s", full_hd["jpg"]), scenes),
        **stages(full_hd["jpg"]),
        "1080p PNG + PNG matte": draws(Source("s", full_hd["png"]), scenes),
        "1080p JPEG layer + PNG matte + JPEG scene": draws(Source("s", full_hd["layer"]), scenes, len(PLAIN)),
        "12 megapixel JPEG + PNG matte": draws(Source("s", large["jpg"]), scenes),
        "12 megapixel JPEG, decoded in full": [partial(read_rgb, item.photo) for item in large["jpg"]],
        f"from the cache of {CACHED}-pixel squares": draws(cached, scenes, crops=20),
    }


def time_rounds(jobs: Jobs, rounds: int) -> dict[str, float]:
    """Return the median seconds of one call of every job, after one round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(rounds + 1):
        for name, calls in jobs.items():
            start = time.process_time()
            for call in calls:
                call()
            if turn:
                seconds[name].append((time.process_time() - start) / len(calls))
    return {name: statistics.median(values) for name, values in seconds.items()}


def table(seconds: dict[str, float], images: str, rounds: int) -> str:
    """Format the results as Markdown."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    lines = [
        f"Crops of {CROP} x {CROP} pixels; processor time on one core; {images}; median of {rounds} rounds.",
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {load}; OpenCV {cv2.__version__}.",
        "",
        "| case | ms | draws/s |",
        "|---|---:|---:|",
    ]
    for name, value in seconds.items():
        rate = "" if name.startswith("·") or "in full" in name else f"{1 / value:,.0f}"
        lines.append(f"| {name} | {1000 * value:.2f} | {rate} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Time all cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--images", type=int, default=6, help="portraits of each case")
    parser.add_argument(
        "--pairs", type=Path, help="folder of real pairs instead of the synthetic corpus; writes no table"
    )
    options = parser.parse_args()
    cv2.setNumThreads(1)
    root = ensure_corpus(people=40, image_size=512)
    source = pairs(options.pairs) if options.pairs else rwp(root / "RWP")
    originals = Source("s", source.items[: options.images])
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MATTING_CACHE"] = folder
        jobs = build_jobs(originals, Scenes(list_images(root / "coco/train2014")), Path(folder))
        shown = f"{len(originals)} {'real' if options.pairs else 'drawn'} portraits, scaled, with sensor noise"
        text = table(time_rounds(jobs, options.rounds), shown, options.rounds)
    print(text)
    if not options.pairs:
        (FOLDER / "table.md").write_text(text)


if __name__ == "__main__":
    main()
