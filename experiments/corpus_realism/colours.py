"""Compare colours and spectra of rendered and real portraits, separately for subject and background.

    python experiments/corpus_realism/colours.py --real REAL_SAMPLES --pattern "ppm_*" --corpus CORPUS [CORPUS ...]

writes ``colours.md`` next to this file. Only statistics of the real images are kept, never an image.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
SIDE = 192  # pixels of the shorter side at which all images are measured


def read(image: Path, alpha: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read an image ``(H, W, 3)`` BGR and its alpha ``(H, W)``, in [0, 1], with a shorter side of :data:`SIDE`."""
    picture, matte = cv2.imread(str(image)), cv2.imread(str(alpha), cv2.IMREAD_GRAYSCALE)
    if picture is None or matte is None:
        raise FileNotFoundError(f"expected a readable pair, found none at {image} and {alpha}; check --real, --corpus")
    scale = SIDE / min(matte.shape)
    size = (round(matte.shape[1] * scale), round(matte.shape[0] * scale))
    small, cover = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (picture, matte))
    return small.astype(np.float32) / 255, cover.astype(np.float32) / 255


def statistics(image: NDArray[np.float32], alpha: NDArray[np.float32]) -> dict[str, float]:
    """Measure one pair.

    ``subject %``: mean alpha; ``luma``, ``spread`` (its standard deviation) and ``chroma`` (maximum minus minimum
    channel) and ``edges`` (mean gradient of the luma) of subject and scene; ``contrast``: absolute difference of their
    mean lumas; ``slope``: of the power spectrum of the middle square, in log-log.
    """
    luma, chroma = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), image.max(axis=2) - image.min(axis=2)
    gradient = np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1))
    parts = {"subject": alpha > 0.95, "scene": alpha < 0.05}
    values = {"subject %": 100 * float(alpha.mean())}
    for name, inside in parts.items():
        inside = inside if inside.any() else np.ones_like(inside)
        values |= {f"{name} luma": float(luma[inside].mean()), f"{name} spread": float(luma[inside].std())}
        values |= {f"{name} chroma": float(chroma[inside].mean()), f"{name} edges": float(gradient[inside].mean())}
    values["contrast"] = abs(values["subject luma"] - values["scene luma"])
    return values | {"slope": spectrum_slope(luma)}


def spectrum_slope(luma: NDArray[np.float32]) -> float:
    """Fit the exponent of the power spectrum, -2 for 1/f amplitudes, of the middle square under a Hann window."""
    y, x = ((n - SIDE) // 2 for n in luma.shape)
    square = luma[y : y + SIDE, x : x + SIDE]
    window = np.hanning(SIDE)[:, None] * np.hanning(SIDE)
    power = np.abs(np.fft.fftshift(np.fft.fft2((square - square.mean()) * window))) ** 2
    radius = np.hypot(*np.mgrid[-SIDE // 2 : SIDE // 2, -SIDE // 2 : SIDE // 2]).astype(int)
    rings = np.arange(3, SIDE // 3)
    means = [power[radius == ring].mean() + 1e-12 for ring in rings]
    return float(np.polyfit(np.log(rings), np.log(means), 1)[0])


def table(corpora: dict[str, list[dict[str, float]]]) -> str:
    """Format 10 %, median and 90 % of every statistic as Markdown, one row per statistic."""
    names = list(next(iter(corpora.values()))[0])
    lines = ["| 10 % / median / 90 % | " + " | ".join(f"{k} ({len(v)})" for k, v in corpora.items()) + " |"]
    lines.append("|---" * (len(corpora) + 1) + "|")
    for name in names:
        quantiles = (np.percentile([row[name] for row in rows], [10, 50, 90]) for rows in corpora.values())
        lines.append(f"| {name} | " + " | ".join(" / ".join(f"{q:.2f}" for q in three) for three in quantiles) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description="Compare colours and spectra of rendered and real portraits.")
    parser.add_argument("--real", type=Path, required=True, help="folder of folders with image.* and alpha.png")
    parser.add_argument("--pattern", default="*")
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--output", type=Path, default=HERE / "colours.md")
    options = parser.parse_args()
    folders = sorted(f for f in options.real.glob(options.pattern) if (f / "alpha.png").is_file())
    if not folders:
        parser.error("--real and --pattern match no folder with an alpha.png")
    corpora = {"real": [statistics(*read(next(f.glob("image.*")), f / "alpha.png")) for f in folders]}
    for root in options.corpus:
        version = json.loads((root / "corpus.json").read_text())["version"]
        images = sorted((root / "RWP/image").iterdir())
        pairs = [read(image, root / f"RWP/alpha/{image.stem}.png") for image in images]
        corpora[f"version {version}"] = [statistics(*pair) for pair in pairs]
    options.output.write_text(table(corpora))
    print(table(corpora))


if __name__ == "__main__":
    main()
