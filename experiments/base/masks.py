"""Intersection over union of the shipped models on the test masks: ``python experiments/base/masks.py MASKS``.

``MASKS`` contains ``image/NAME.*`` and ``mask/NAME.*`` of the names in masks_split.csv. A pixel belongs to the person
where alpha is above one half. Writes masks.csv, one row per model and image, and the means in masks.md.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from rich.progress import track
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
    parser.add_argument("--models", nargs="+", default=["portrait", "portrait-research"], help="names or run folders")
    parser.add_argument("-o", "--output", type=Path, default=HERE, help="folder of masks.csv and masks.md")
    options = parser.parse_args()
    split = dict(csv.reader((HERE / "masks_split.csv").open()))
    listing = pairs_from_folders(options.masks / "image", options.masks / "mask", dataset="all")
    pairs = [pair for pair in listing.pairs if split.get(pair.name) == "test"]
    pairs = with_labels(listing._replace(pairs=pairs), HERE / "masks_tags.csv").pairs
    rows = []
    for given in track(options.models, "scoring"):
        # Not the fastest backend, which differs between machines.
        model = matting.load(given, backend="torch", precision="float32")
        rows += [Row(Path(given).name, pair.name, pair.groups, round(iou(model, pair.load()), 4)) for pair in pairs]
    lines = [
        (row.model, row.name, " ".join(group.partition(".")[2] for group in row.groups if "." in group), row.iou)
        for row in rows
    ]
    write_csv(options.output / "masks.csv", ("model", "name", "tags", "iou"), lines)
    write_atomic(options.output / "masks.md", table(rows).encode())


class Row(NamedTuple):
    """The score of one model on one image, and the groups of images to which it belongs."""

    model: str
    name: str
    groups: Sequence[str]
    iou: float

    @property
    def tags(self) -> str:
        """The groups but that of all images, in one text."""
        return " ".join(group.partition(".")[2] for group in self.groups if "." in group)


def table(rows: Sequence[Row]) -> str:
    """Return the means with their intervals, a line per model and a column per group of images."""
    groups = sorted({group for row in rows for group in row.groups})
    models = dict.fromkeys(row.model for row in rows)
    found = {(m, g): [row.iou for row in rows if row.model == m and g in row.groups] for m in models for g in groups}
    titles = [f"{g.rpartition('.')[2]} ({len(found[next(iter(models)), g])})" for g in groups]
    lines = [f"| intersection over union | {' | '.join(titles)} |", f"| --- |{' ---: |' * len(groups)}"]
    for model in models:
        means = [bootstrap_mean(found[model, group]) for group in groups]
        lines.append(f"| {model} | {' | '.join(f'{m.mean:.3f} [{m.low:.3f}, {m.high:.3f}]' for m in means)} |")
    return "\n".join(lines) + "\n"


def iou(model: Model, example: Example) -> float:
    """Return the intersection over union of a mask and the pixels where alpha is above one half."""
    alpha, mask = torch.from_numpy(model.alpha(example.image)), torch.from_numpy(example.alpha > 127)
    return float(binary_jaccard_index(alpha, mask, threshold=0.5))


if __name__ == "__main__":
    main()
