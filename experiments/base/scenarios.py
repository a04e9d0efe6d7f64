"""Score the shipped models by scenario: prepare the test images, and make a table of what `matting evaluate` found.

    python experiments/base/scenarios.py prepare PAIRS --backgrounds PHOTOS -o sets
    matting evaluate --checkpoint portrait --pairs sets/all --labels sets/all/labels.csv -o reports/all
    python experiments/base/scenarios.py table reports/all …

The second writes scenarios.md, and the scores per image in portraits.csv.

``PAIRS`` contains ``NAME/image.*`` and ``NAME/alpha.*`` of the portraits in portraits_split.csv, ``PHOTOS`` images
without people. ``sets/all`` is of all portraits. ``sets/test`` is of the test portraits: as they are, in a phone's
screenshot (`matting.augment.Phone`), and, with estimated colours, on other backgrounds. Their long side is 1024 px.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from matting.augment.degradation import LayeredImage
from matting.augment.phone import Phone
from matting.augment.randomness import Keys
from matting.data.test_sets import Example, pairs_from_root
from matting.evaluation import BACKGROUND_DEVIATION
from matting.files import read_json, write_atomic, write_records
from matting.foreground import estimate_foreground
from matting.images import list_images, read_rgb, write_png
from matting.inference import place_on, resize
from matting.inference.cutout import cover
from matting.trimap import without_jpeg_noise

HERE = Path(__file__).parent
LONG_SIDE = 1024
SCENES = 5  # per portrait, as many as an evaluation compares


def main() -> None:
    """Prepare, or make the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("prepare")
    command.add_argument("pairs", type=Path)
    command.add_argument("--backgrounds", type=Path, required=True)
    command.add_argument("-o", "--output", type=Path, required=True)
    command = commands.add_parser("table")
    command.add_argument("reports", type=Path, nargs="+")
    options = parser.parse_args()
    if options.command == "prepare":
        prepare(options.pairs, options.backgrounds, options.output)
    else:
        write_atomic(HERE / "scenarios.md", "\n".join(map(table, options.reports)).encode())
        rows = [row for report in options.reports for row in csv.DictReader((report / "per_image.csv").open())]
        write_records(HERE / "portraits.csv", rows)


def prepare(root: Path, backgrounds: Path, output: Path) -> None:
    """Write the test images and their labels."""
    split = dict(csv.reader((HERE / "portraits_split.csv").open()))
    tags = {row.pop("name"): row for row in csv.DictReader((HERE / "portraits_tags.csv").open())}
    scenes = [read_rgb(path) for path in list_images(backgrounds)]
    labels: dict[str, list[dict[str, str]]] = {"all": [], "test": []}
    for number, pair in enumerate(pair for pair in pairs_from_root(root).pairs if pair.name in split):
        image, alpha = reduced(pair.load())
        write(output / "all/ppm100", pair.name, image, alpha)
        labels["all"].append({"name": pair.name} | tags[pair.name])
        if split[pair.name] != "test":
            continue
        write(output / "test/ppm100_test", pair.name, image, alpha)
        labels["test"].append({"name": pair.name} | tags[pair.name])
        write(output / "test/screenshot", f"{pair.name}_shot", *in_screenshot(image, alpha, number))
        clean = without_jpeg_noise(alpha)  # or the old background would shine through
        for k, composite in enumerate(on_backgrounds(image, clean, scenes, number)):
            write(output / "test/backgrounds", f"{pair.name}_{k}", composite, clean)
            labels["test"].append({"name": f"{pair.name}_{k}", "identity": pair.name})
    for part, rows in labels.items():
        write_records(output / part / "labels.csv", rows)


def reduced(example: Example) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return image and matte with a long side of at most `LONG_SIDE`."""
    scale = min(1.0, LONG_SIDE / max(example.alpha.shape))
    shape = round(example.alpha.shape[0] * scale), round(example.alpha.shape[1] * scale)
    return resize(example.image, shape), resize(example.alpha, shape)


def in_screenshot(
    image: NDArray[np.uint8], alpha: NDArray[np.uint8], seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a portrait and its matte in a phone's screenshot, at the highest severity."""
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    layers = LayeredImage(pixels, torch.from_numpy(alpha)[None, None].float() / 255, pixels, pixels)
    keys = Keys.of(torch.tensor([seed]), torch.tensor([0]))
    shot = Phone(screenshot=1).degrade(layers, keys, torch.ones(1))
    return to_bytes(shot.image[0].permute(1, 2, 0)), to_bytes(shot.alpha[0, 0])


def to_bytes(values: torch.Tensor) -> NDArray[np.uint8]:
    """Round values in [0, 1] to 8 bits."""
    return np.asarray((values * 255).round().byte().numpy())


def on_backgrounds(
    image: NDArray[np.uint8], alpha: NDArray[np.uint8], scenes: list[NDArray[np.uint8]], first: int
) -> Iterator[NDArray[np.uint8]]:
    """Yield a portrait on `SCENES` of the scenes, from another one on for each portrait."""
    matte = alpha.astype(np.float32) / 255
    colours = estimate_foreground(image, matte)
    for k in range(SCENES):
        scene = scenes[(first + k) % len(scenes)]
        yield place_on(colours, matte, cover(scene, (alpha.shape[0], alpha.shape[1])))


def write(folder: Path, name: str, image: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> None:
    """Write a pair to a folder of ``image/`` and ``alpha/``."""
    for kind, pixels in (("image", image), ("alpha", alpha)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        write_png(folder / kind / f"{name}.png", pixels)


def table(report: Path) -> str:
    """Return the tables of one report in Markdown: a row per set and label, and the deviation over backgrounds."""
    results = read_json(report / "results.json")
    methods = list(results["by_method"])
    keys = dict.fromkeys(key.rsplit("/", 2)[0] for key in results["by_method"][methods[0]])
    lines = [f"### {report.name}: mean absolute error of alpha\n", f"| set | images | region | {' | '.join(methods)} |"]
    lines.append("| --- | ---: | --- |" + " ---: |" * len(methods))
    for key in keys:
        for region in ("whole", "unknown"):
            found = [results["by_method"][method].get(f"{key}/{region}/mad") for method in methods]
            cells = [f"{cell['mean']:.4f} [{cell['low']:.4f}, {cell['high']:.4f}]" if cell else "" for cell in found]
            images = next(cell["images"] for cell in found if cell)
            lines.append(f"| {key.partition('/')[2]} | {images} | {region} | {' | '.join(cells)} |")
    deviations = [results["diagnoses"][method].get(BACKGROUND_DEVIATION) for method in methods]
    if any(deviations):
        cells = [f"{value:.4f}" if value == value else "" for value in deviations]
        lines.append(f"| {BACKGROUND_DEVIATION} | | | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
