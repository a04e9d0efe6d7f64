"""Does a network trained only on rendered people find real ones? Train for the same number of steps on each corpus.

    python experiments/corpus_realism/transfer.py --corpus OLD NEW --real REAL_SAMPLES --pattern "ppm_*"

prints one row per corpus and seed, and rows for mattes that ignore the image (full, empty, the corpus's mean), appends
them to ``transfer.csv``, and writes ``transfer.md`` from the whole file: remove it before repeating rows. The
network and images are small: the rows compare corpora and are not results of the project.
"""

import argparse
import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from matting.models import AttentionUNet

HERE = Path(__file__).parent
Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]
Matte = Callable[[Tensor], Tensor]
"""Images ``(B, 3, H, W)`` to alpha ``(B, 1, H, W)``."""


def load(image: Path, alpha: Path, size: int) -> Pair:
    """Read an image and its alpha with a shorter side of ``size``."""
    picture, matte = cv2.imread(str(image)), cv2.imread(str(alpha), cv2.IMREAD_GRAYSCALE)
    if picture is None or matte is None:
        raise FileNotFoundError(
            f"expected a readable pair, found none at {image} and {alpha}; check --corpus and --real"
        )
    scale = size / min(matte.shape)
    side = (round(matte.shape[1] * scale), round(matte.shape[0] * scale))
    return cv2.resize(picture, side, interpolation=cv2.INTER_AREA), cv2.resize(
        matte, side, interpolation=cv2.INTER_AREA
    )


def crop(rng: np.random.Generator, pair: Pair, size: int) -> Pair:
    """Crop a random square of 60 to 100 % of the shorter side, mirrored half of the time, brightness jittered."""
    image, alpha = pair
    side = int(min(alpha.shape) * rng.uniform(0.6, 1.0))
    y, x = (int(rng.integers(0, n - side + 1)) for n in alpha.shape)
    image, alpha = (cv2.resize(a[y : y + side, x : x + side], (size, size)) for a in (image, alpha))
    if rng.random() < 0.5:
        image, alpha = image[:, ::-1], alpha[:, ::-1]
    gain = rng.uniform(0.7, 1.3) * rng.uniform(0.9, 1.1, 3)
    return np.clip(image * gain, 0, 255).astype(np.uint8), alpha


def batch(pairs: list[Pair]) -> tuple[Tensor, Tensor]:
    """Stack images of one size into a float batch ``(B, 3, H, W)`` and their alpha ``(B, 1, H, W)``."""
    images = torch.from_numpy(np.stack([p.transpose(2, 0, 1) for p, _ in pairs]).astype(np.float32) / 255)
    return images.flip(1), torch.from_numpy(np.stack([a[None] for _, a in pairs]).astype(np.float32) / 255)


def train(pairs: list[Pair], steps: int, size: int, seed: int) -> AttentionUNet:
    """Train the repository's network: ResNet-10-T from scratch, L1 on alpha, AdamW with one cycle, bfloat16."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = AttentionUNet("resnet10t", pretrained=False, decoder_channels=(128, 64, 48, 32, 16))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.5e-3, steps)
    for _ in range(steps):
        images, alpha = batch([crop(rng, pairs[i], size) for i in rng.integers(0, len(pairs), 8)])
        with torch.autocast("cpu", torch.bfloat16):
            prediction = model(images).alpha
        loss = (prediction.float() - alpha).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


@torch.no_grad()
def evaluate(predict: Matte, pairs: list[Pair], size: int) -> dict[str, float]:
    """Compute MAD over the image and over the true soft band, SAD in thousands, and the overlap of alpha > 0.5."""
    errors = []
    for image, matte in pairs:
        images, alpha = batch([(cv2.resize(image, (size, size)), cv2.resize(matte, (size, size)))])
        found = predict(images)
        error = (found - alpha).abs()
        edge = torch.nn.functional.max_pool2d(((alpha > 0.04) & (alpha < 0.96)).float(), 5, 1, 2) > 0
        inside, true = found > 0.5, alpha > 0.5
        overlap = float((inside & true).sum()) / max(float((inside | true).sum()), 1)
        errors.append((float(error.mean()), float(error[edge].mean()), float(error.sum()) / 1000, overlap))
    mad, unknown, sad, iou = np.mean(errors, axis=0)
    return {"mad": float(mad), "unknown_mad": float(unknown), "sad": float(sad), "iou": float(iou)}


def floors(drawn: list[Pair], size: int) -> dict[str, Matte]:
    """Return mattes that ignore the image, which a network must beat."""
    mean = torch.from_numpy(np.mean([cv2.resize(a, (size, size)) for _, a in drawn], axis=0) / 255).float()
    return {
        "all foreground": lambda images: torch.ones_like(images[:, :1]),
        "empty": lambda images: torch.zeros_like(images[:, :1]),
        "mean matte": lambda images: mean.expand_as(images[:, :1]),
    }


def mattes(drawn: list[Pair], steps: int, size: int, seeds: list[int]) -> Iterator[tuple[str, int, Matte]]:
    """Yield name, seed and prediction to compare: mattes that ignore the image, then one network per seed."""
    for name, constant in floors(drawn, size).items():
        yield name, 0, constant
    for seed in seeds:
        model = train(drawn, steps, size, seed)
        yield "network", seed, lambda images, model=model: model(images).alpha


def main() -> None:
    """Train once per corpus and seed, print and store the rows."""
    parser = argparse.ArgumentParser(description="Compare synthetic corpora by transfer to real portraits.")
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--real", type=Path, required=True, help="folder of folders with image.* and alpha.png")
    parser.add_argument("--pattern", default="*")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--output", type=Path, default=HERE / "transfer.csv")
    options = parser.parse_args()
    folders = sorted(f for f in options.real.glob(options.pattern) if (f / "alpha.png").is_file())
    if not folders:
        parser.error("--real and --pattern match no folder with an alpha.png")
    real = [load(next(f.glob("image.*")), f / "alpha.png", options.size) for f in folders]
    for root in options.corpus:
        version = json.loads((root / "corpus.json").read_text())
        images = sorted((root / "RWP/image").iterdir())
        drawn = [load(p, root / f"RWP/alpha/{p.stem}.png", int(options.size * 1.3)) for p in images]

        for matte, seed, predict in mattes(drawn, options.steps, options.size, options.seeds):
            row = {"version": version["version"], "people": version["people"], "matte": matte, "seed": seed}
            row |= {"steps": options.steps, "size": options.size, "real_pairs": len(real)}
            row |= {name: round(score, 4) for name, score in evaluate(predict, real, options.size).items()}
            print(row, flush=True)
            store(options.output, row)
    options.output.with_suffix(".md").write_text(summary(options.output))


def store(path: Path, row: dict[str, Any]) -> None:
    """Append a row to the table of runs."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def summary(path: Path) -> str:
    """Format mean and standard deviation over the seeds of the table of runs as Markdown."""
    scores = ("mad", "unknown_mad", "sad", "iou")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    groups = dict.fromkeys((row["version"], row["matte"], row["steps"], row["size"]) for row in rows)
    lines = ["| corpus version | matte | steps | size | seeds | " + " | ".join(scores) + " |", "|---" * 9 + "|"]
    for group in groups:
        runs = [row for row in rows if (row["version"], row["matte"], row["steps"], row["size"]) == group]
        values = np.array([[float(run[score]) for score in scores] for run in runs])
        spread = values.std(axis=0, ddof=1) if len(runs) > 1 else None
        cells = [
            f"{mean:.3f}" + (f" ± {spread[k]:.3f}" if spread is not None else "")
            for k, mean in enumerate(values.mean(axis=0))
        ]
        lines.append("| " + " | ".join([*group, str(len(runs)), *cells]) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
