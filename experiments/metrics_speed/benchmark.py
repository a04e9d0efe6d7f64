"""Compare the five metrics at 1920 x 1080 on one thread with plain SciPy and scikit-image code, in time and value.

    python experiments/metrics_speed/benchmark.py
    python experiments/metrics_speed/benchmark.py --pairs FOLDER    # FOLDER/NAME/alpha.png, resized to 1920 x 1080

Prints the README's table."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from matting.metrics.functional import all_metrics
from matting.trimap import trimap_from_alpha
from tests.metrics.reference import slow_metrics

SIZE = 1920, 1080
cv2.setNumThreads(1)


def person(centre: int, width: int, seed: int) -> np.ndarray:
    """Render the matte of a bust with 400 strands of hair, ``(1080, 1920)`` uint8."""
    alpha = np.zeros(SIZE[::-1], np.uint8)
    rng = np.random.default_rng(seed)
    for angle in rng.uniform(np.pi, 2 * np.pi, 400):
        outwards = np.array([np.cos(angle), np.sin(angle)])
        root = np.array([centre, 460]) + np.array([width // 2 - 10, 250]) * outwards
        tip = root + rng.uniform(20, 110) * outwards + rng.normal(0, 15, 2)
        cv2.line(alpha, root.astype(int).tolist(), tip.astype(int).tolist(), int(rng.uniform(60, 255)), 1, cv2.LINE_AA)
    cv2.ellipse(alpha, (centre, 1150), (width, 560), 0, 0, 360, 255, -1)
    cv2.ellipse(alpha, (centre, 460), (width // 2, 260), 0, 0, 360, 255, -1)
    return cv2.GaussianBlur(alpha, (0, 0), 1.2)


def predicted(target: np.ndarray, seed: int = 0) -> np.ndarray:
    """Disturb a matte as a network does: strands smeared, an uneven edge, a patch missed; 0 and 255 mostly stay."""
    rng = np.random.default_rng(seed)
    uneven = cv2.resize(rng.normal(0, 60, (34, 60)).astype(np.float32), SIZE, interpolation=cv2.INTER_CUBIC)
    smeared = cv2.GaussianBlur(target, (0, 0), 2.5).astype(np.float32)
    preds = np.clip(smeared + uneven * (np.abs(smeared - 127.5) < 120), 0, 255)
    y, x = np.argwhere(target > 0).mean(0).astype(int)
    preds[y : y + 60, x : x + 80] *= 0.4
    preds = np.where(preds < 4, 0, np.where(preds > 251, 255, preds))
    return preds.astype(np.uint8)


def drawn_pairs() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield name, prediction and target of mattes rendered by code."""
    one = person(960, 520, 0)
    two = np.maximum(person(520, 380, 1), person(1400, 370, 2))
    yield "one person", predicted(one), one
    yield "one person, float32 prediction", predicted(one).astype(np.float32) / np.float32(255), one
    yield "two people, apart", predicted(two), two
    noise = np.random.default_rng(3).integers(-8, 9, one.shape)
    yield "noise on every pixel (worst case)", np.clip(predicted(one) + noise, 0, 255).astype(np.uint8), one


def real_pairs(folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield name, disturbed matte and matte of each real one, stretched to the benchmark's size."""
    for path in sorted(folder.glob("*/alpha.png")):
        target = cv2.resize(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), SIZE, interpolation=cv2.INTER_AREA)
        yield path.parent.name, predicted(target), target


def milliseconds(work: Callable[[], object], repeats: int) -> float:
    """Return a call's CPU time, the shortest of several: other work on the machine only adds to it."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def measure(preds: np.ndarray, target: np.ndarray) -> tuple[float, float, float, float]:
    """Time the whole image, both regions and the plain code in ms; add the largest relative difference."""
    trimap = trimap_from_alpha(target, 10)
    whole = milliseconds(lambda: all_metrics(preds, target), 9)
    both = milliseconds(lambda: all_metrics(preds, target, trimap, regions=("whole", "unknown")), 9)
    slow = milliseconds(lambda: slow_metrics(preds, target), 1)
    values = all_metrics(preds, target, trimap, regions=("whole", "unknown"))
    differences = [
        abs(values[f"{name}/{region}"] / expected - 1)
        for region, counted in (("whole", None), ("unknown", trimap == 128))
        for name, expected in slow_metrics(preds, target, counted).items()
        if expected
    ]
    return whole, both, slow, max(differences)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=Path, help="folder of real mattes, NAME/alpha.png")
    folder = parser.parse_args().pairs
    print("| pair | five metrics, ms | both regions, ms | SciPy + scikit-image, ms | ratio | largest rel. difference |")
    print("|---|---|---|---|---|---|")
    rows = []
    for name, preds, target in real_pairs(folder) if folder else drawn_pairs():
        rows.append((name, *measure(preds, target)))
    if folder:
        figures = np.array([row[1:] for row in rows])
        rows = [
            (f"{folder.name}, median of {len(rows)} pairs", *np.median(figures[:, :3], 0), figures[:, 3].max()),
            (f"{folder.name}, slowest of {len(rows)} pairs", *figures[:, :3].max(0), figures[:, 3].max()),
        ]
    for name, whole, both, slow, difference in rows:
        print(f"| {name} | {whole:.1f} | {both:.1f} | {slow:.0f} | {slow / whole:.0f} | {difference:.0e} |")
    versions = f"OpenCV {cv2.__version__}, NumPy {np.__version__}"
    print(f"\n{platform.machine()}, {versions}, one thread, shortest CPU time of several calls.")


if __name__ == "__main__":
    main()
