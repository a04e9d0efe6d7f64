"""Intersection over union of the shipped models on the test masks: ``python experiments/base/masks.py MASKS``.

``MASKS`` contains ``image/NAME.*`` and ``mask/NAME.*`` of the names in masks_split.csv. A pixel belongs to the person
where alpha is above one half. Writes masks.csv, one row per model and image, and the means in masks.md.
"""

import argparse
import csv
from pathlib import Path

import torch
from torchmetrics.functional.classification import binary_jaccard_index

import matting
from matting.data.test_sets import Example, pairs_from_folders, with_labels
from matting.evaluation import bootstrap_mean
from matting.files import write_atomic, write_csv
from matting.inference import Model

HERE = Path(__file__).parent


def main() -> None:
    """Score, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("masks", type=Path, help="folder of image/ and mask/")
    parser.add_argument("--models", nargs="+", default=["portrait", "portrait-research"])
    options = parser.parse_args()
    split = dict(csv.reader((HERE / "masks_split.csv").open()))
    listing = pairs_from_folders(options.masks / "image", options.masks / "mask", dataset="test masks")
    pairs = [pair for pair in listing.pairs if split.get(pair.name) == "test"]
    pairs = with_labels(listing._replace(pairs=pairs), HERE / "masks_tags.csv").pairs
    lines = [f"| masks | images | {' | '.join(options.models)} |", f"| --- | ---: |{' ---: |' * len(options.models)}"]
    # Not the fastest backend, which differs between machines.
    models = {name: matting.load(name, backend="torch", precision="float32") for name in options.models}
    scores = {pair: {name: iou(model, pair.load()) for name, model in models.items()} for pair in pairs}
    for group in sorted({group for pair in pairs for group in pair.groups}):
        found = [scores[pair] for pair in pairs if group in pair.groups]
        means = [bootstrap_mean([row[name] for row in found]) for name in options.models]
        cells = " | ".join(f"{mean.mean:.3f} [{mean.low:.3f}, {mean.high:.3f}]" for mean in means)
        lines.append(f"| {group} | {len(found)} | {cells} |")
    rows = [(n, p.name, " ".join(sorted(p.tags)), f"{scores[p][n]:.4f}") for n in options.models for p in pairs]
    write_csv(HERE / "masks.csv", ("model", "name", "tags", "iou"), rows)
    write_atomic(HERE / "masks.md", ("\n".join(lines) + "\n").encode())


def iou(model: Model, example: Example) -> float:
    """Return the intersection over union of a mask and the pixels where alpha is above one half."""
    alpha, mask = torch.from_numpy(model.alpha(example.image)), torch.from_numpy(example.alpha > 127)
    return float(binary_jaccard_index(alpha, mask, threshold=0.5))


if __name__ == "__main__":
    main()
