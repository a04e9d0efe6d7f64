"""Score checkpoints of a run on a folder of real pairs.

    python experiments/base/curve.py --images ppm/image --alphas ppm/alpha --model portrait EPOCH1.ckpt EPOCH2.ckpt …

Rows are added to learning_curve.csv (the same model, step and size are scored anew), table.md
is made from all rows of it.
"""

import argparse
import csv
from pathlib import Path

import torch

from matting.data.test_sets import pairs_from_folders
from matting.evaluation import bootstrap_mean, evaluate
from matting.evaluation.candidates import load_candidate
from matting.files import write_atomic, write_csv

HERE = Path(__file__).parent
COLUMNS = ("model", "step", "size", "images", "mad", "mad_low", "mad_high", "unknown", "unknown_low", "unknown_high")
FIGURES = COLUMNS[4:]


def main() -> None:
    """Score, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", type=Path, help="checkpoint files of one run")
    parser.add_argument("--model", required=True, help="name of the model in the table")
    parser.add_argument("--images", type=Path, required=True, help="folder of photos")
    parser.add_argument("--alphas", type=Path, required=True, help="folder of mattes")
    parser.add_argument("--size", type=int, default=448, help="long side of the working image, pixels")
    options = parser.parse_args()
    pairs = pairs_from_folders(options.images, options.alphas).pairs
    rows = {(row["model"], int(row["step"]), int(row["size"])): row for row in read(HERE / "learning_curve.csv")}
    for path in options.checkpoints:
        step = int(torch.load(path, weights_only=True, mmap=True, map_location="cpu")["global_step"])
        row = {"model": options.model, "step": step, "size": options.size, "images": len(pairs)}
        rows[options.model, step, options.size] = row | score(path, pairs, options.size)
        print(*(f"{name} {value}" for name, value in rows[options.model, step, options.size].items()), flush=True)
    ordered = [rows[key] for key in sorted(rows)]
    write_csv(HERE / "learning_curve.csv", COLUMNS, ([row[name] for name in COLUMNS] for row in ordered))
    write_atomic(HERE / "table.md", table(ordered).encode())


def read(path: Path) -> list[dict[str, object]]:
    """Return the rows of earlier calls."""
    return list(csv.DictReader(path.open())) if path.exists() else []


def score(checkpoint: Path, pairs: list, size: int) -> dict[str, str]:
    """Return mean absolute errors with 95 % intervals over the images, in the whole image and in the unknown region."""
    candidate = load_candidate(checkpoint, size)
    evaluation = evaluate({"model": candidate.method}, pairs)
    figures: list[float] = []
    for region in ("whole", "unknown"):
        scores = [row.scores["mad"] for row in evaluation.rows if row.region == region]
        figures += bootstrap_mean([value for value in scores if value == value])[:3]
    return {name: f"{value:.4f}" for name, value in zip(FIGURES, figures, strict=True)}


def table(rows: list[dict[str, object]]) -> str:
    """Return the table of all rows in Markdown."""
    lines = [
        "| model | steps | working size | images | MAD | MAD, unknown region |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        whole = "{mad} [{mad_low}, {mad_high}]".format(**row)
        unknown = "{unknown} [{unknown_low}, {unknown_high}]".format(**row)
        lines.append("| {model} | {step} | {size} | {images} | ".format(**row) + f"{whole} | {unknown} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
