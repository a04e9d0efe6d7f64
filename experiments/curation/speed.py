"""Time gate 1, the rules and the critic at 1080p on one core, including decoding.

    python experiments/curation/speed.py [--pairs 8]

Prints a Markdown table; mention the machine and its load with the results.
"""

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from matting.curation.checks import CHECKS, measure
from matting.curation.pair import AnnotatedPair
from matting.images import read_alpha, read_rgb, write_png
from matting.synthetic.camera import to_uint8
from matting.synthetic.photograph import photograph
from matting.synthetic.plan import SCENARIOS

HEIGHT, WIDTH = 1920, 1080


def main() -> None:
    """Render a few pairs, and time reading and every check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=8)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    folder = Path(tempfile.mkdtemp())
    for k in range(options.pairs):
        taken = photograph(np.random.default_rng(k), HEIGHT, WIDTH, SCENARIOS[k % len(SCENARIOS)])
        image = cv2.cvtColor(to_uint8(taken.image), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f"{k}.jpg"), image, (cv2.IMWRITE_JPEG_QUALITY, 92))
        write_png(folder / f"{k}.png", to_uint8(taken.alpha))
    torch.set_num_threads(1)
    measure(AnnotatedPair(np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8)))  # loads the critic, untimed
    seconds, processor = dict.fromkeys(["read", *(check.name for check in CHECKS)], 0.0), time.process_time()
    for k in range(options.pairs):
        start = time.process_time()
        pair = AnnotatedPair(read_rgb(folder / f"{k}.jpg"), read_alpha(folder / f"{k}.png"))
        seconds["read"] += time.process_time() - start
        for check in CHECKS:
            start = time.process_time()
            check.measure(pair)
            seconds[check.name] += time.process_time() - start
    processor = time.process_time() - processor
    start = time.perf_counter()
    for k in range(options.pairs):
        measure(AnnotatedPair(read_rgb(folder / f"{k}.jpg"), read_alpha(folder / f"{k}.png")))
    wall = time.perf_counter() - start
    print(f"| step | ms of processor time per pair, {WIDTH} x {HEIGHT} |\n| --- | --: |")
    for name, total in sorted(seconds.items(), key=lambda entry: -entry[1]):
        print(f"| {name} | {1000 * total / options.pairs:.1f} |")
    critic = sum(seconds[check.name] for check in CHECKS if check.gate == "credibility")
    print(f"| pairs per second of processor time, without the critic | {options.pairs / (processor - critic):.1f} |")
    print(f"| pairs per second of processor time | {options.pairs / processor:.1f} |")
    print(f"| pairs per second of wall time | {options.pairs / wall:.1f} |")


if __name__ == "__main__":
    main()
