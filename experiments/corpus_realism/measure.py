"""Compare the soft edges of the synthetic corpus with those of real, hand-annotated mattes.

    python experiments/corpus_realism/measure.py --real "DIR/*/alpha.png" --demo "CORPUS/RWP/alpha/*.png"

writes ``table.md``, ``statistics.csv`` and ``figure.png`` next to this file. Only statistics of the real mattes
are kept, never an image.
"""

import argparse
import csv
import glob
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

matplotlib.use("Agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
SHORT_SIDE = 512  # both corpora are measured at this size: a wider image has a wider soft band
LOW, HIGH = 0.04, 0.96  # mattes distributed as JPEG are wrong by a few levels near 0 and 1
BINS = np.linspace(LOW, HIGH, 11)


def read(path: str) -> NDArray[np.float32]:
    """Read an alpha matte in [0, 1] with a shorter side of :data:`SHORT_SIDE`."""
    alpha = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    if alpha is None:
        raise FileNotFoundError(f"expected a gray image at {path}, found none; check --real and --demo")
    scale = SHORT_SIDE / min(alpha.shape)
    small = cv2.resize(alpha, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return small.astype(np.float32) / 255


def statistics(alpha: NDArray[np.float32]) -> dict[str, float]:
    """Measure one matte.

    ``soft %`` of the image; ``band`` = soft area per length of the contour in pixels; ``wide %`` = soft pixels more
    than 4 px away from the contour; ``strands`` = separate runs of alpha > 0.1 on a line 4 px outside the smoothed
    silhouette, per 100 px of its length; ``middle %`` = soft pixels with alpha in 0.3-0.7; ``figure %`` of the image.
    """
    solid = alpha > 0.5
    soft = (alpha > LOW) & (alpha < HIGH)
    contours, _ = cv2.findContours(solid.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    length = max(sum(len(contour) for contour in contours), 1)
    edge = solid ^ ndimage.binary_erosion(solid)
    distance = ndimage.distance_transform_edt(~edge) if edge.any() else np.zeros_like(alpha)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    body = cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    outside = ndimage.distance_transform_edt(body == 0)
    ring = (outside > 3.5) & (outside < 5)
    _, strands = ndimage.label(ring & (alpha > 0.1), np.ones((3, 3)))
    return {
        "soft %": 100 * float(soft.mean()),
        "band": float(soft.sum()) / length,
        "wide %": 100 * float((soft & (distance > 4)).sum()) / max(int(soft.sum()), 1),
        "strands": 100 * strands / max(float(ring.sum()) / 1.5, 1),
        "middle %": 100 * float(((alpha > 0.3) & (alpha < 0.7)).sum()) / max(int(soft.sum()), 1),
        "figure %": 100 * float(alpha.mean()),
    }


def histogram(paths: list[str]) -> NDArray[np.float64]:
    """Return the mean share of each tenth of alpha among the soft pixels."""
    shares = []
    for path in paths:
        counts, _ = np.histogram(read(path), BINS)
        shares.append(counts / max(counts.sum(), 1))
    return np.mean(shares, axis=0)


def table(rows: dict[str, list[dict[str, float]]]) -> str:
    """Format 10 %, median and 90 % of every statistic for each corpus as Markdown."""
    names = list(rows["real"][0])
    lines = ["| 10 % / median / 90 % | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for corpus, values in rows.items():
        cells = [" / ".join(f"{q:.2f}" for q in np.percentile([v[n] for v in values], [10, 50, 90])) for n in names]
        lines.append(f"| {corpus} ({len(values)} mattes) | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def plot(rows: dict[str, list[dict[str, float]]], shares: dict[str, NDArray[np.float64]]) -> None:
    """Plot histograms of the statistics and of alpha in the soft band."""
    names = list(rows["real"][0])
    figure, axes = plt.subplots(1, len(names) + 1, figsize=(3 * len(names) + 3, 2.8))
    for axis, name in zip(axes, names, strict=False):
        both = np.concatenate([[v[name] for v in values] for values in rows.values()])
        bins = np.linspace(0, np.percentile(both, 97), 16)
        for corpus, values in rows.items():
            axis.hist([v[name] for v in values], bins, density=True, alpha=0.5, label=corpus)
        axis.set_title(name)
    for corpus, share in shares.items():
        axes[-1].plot((BINS[1:] + BINS[:-1]) / 2, share, marker="o", label=corpus)
    axes[-1].set_title("alpha in the soft band")
    axes[-1].legend()
    figure.tight_layout()
    figure.savefig(HERE / "figure.png", dpi=80)


def main() -> None:
    """Measure and write table, statistics and figure."""
    parser = argparse.ArgumentParser(description="Compare soft edges of the synthetic corpus with real mattes.")
    parser.add_argument("--real", required=True, help="glob of real alpha mattes")
    parser.add_argument("--demo", required=True, help="glob of the synthetic corpus's alpha mattes")
    options = parser.parse_args()
    paths = {"real": sorted(glob.glob(options.real)), "demo": sorted(glob.glob(options.demo))}  # noqa: PTH207
    for corpus, found in paths.items():
        if not found:
            parser.error(f"--{corpus} matches no file")
    rows = {corpus: [statistics(read(path)) for path in found] for corpus, found in paths.items()}
    (HERE / "table.md").write_text(table(rows))
    with (HERE / "statistics.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["corpus", *rows["real"][0]], lineterminator="\n")
        writer.writeheader()
        for corpus, values in rows.items():
            writer.writerows({"corpus": corpus} | {k: round(v, 3) for k, v in value.items()} for value in values)
    plot(rows, {corpus: histogram(found) for corpus, found in paths.items()})
    print(table(rows))


if __name__ == "__main__":
    main()
