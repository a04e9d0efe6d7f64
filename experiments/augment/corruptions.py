"""Compare the error under corruptions of networks trained with and without degradation, and write corruptions.md.

matting evaluate --checkpoint RUN --checkpoint … --pairs PORTRAITS --corruptions -o REPORT
python experiments/augment/corruptions.py REPORT

RUN are the run folders of the study, whose names end with ``augment-CHOICE__seed-NUMBER``.
"""

import argparse
import csv
import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from matting.evaluation import CORRUPTIONS, difference_over_seeds, mean_over_seeds
from matting.evaluation.report.tables import Table, to_markdown, with_interval
from matting.files import read_json, write_atomic

REFERENCE = "augmix_blur"
ROW = re.compile(r"augment-(\w+?)__seed-\d+$")
CLEAN, ALL = "clean", "all corruptions"


def read_scores(file: Path) -> dict[str, dict[str, list[list[float]]]]:
    """Return MAD over the whole image, mean over the severities: by corruption and row, a list of runs of images."""
    found = defaultdict[tuple[str, str], dict[str, dict[str, list[float]]]](dict)
    for line in csv.DictReader(file.open()):
        if line["region"] == "whole" and (row := ROW.search(line["method"])):
            corruption = re.sub(r" \d$", "", line["set"])
            for name in (corruption,) if corruption == CLEAN else (corruption, ALL):
                images = found[name, row[1]].setdefault(line["method"], {})
                images.setdefault(line["name"], []).append(float(line["mad"]))
    scores: dict[str, dict[str, list[list[float]]]] = defaultdict(dict)
    for (name, kind), runs in found.items():
        scores[name][kind] = [[float(np.mean(images[one])) for one in sorted(images)] for images in runs.values()]
    return scores


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    report = parser.parse_args().report
    scores, results = read_scores(report / "corruptions.csv"), read_json(report / "results.json")
    runs, images = np.shape(scores[CLEAN][REFERENCE])
    others = [row for row in scores[CLEAN] if row != REFERENCE]
    lines = [
        [
            name,
            with_interval(mean_over_seeds(scores[name][REFERENCE]), 1e3),
            *(
                with_interval(difference_over_seeds(scores[name][row], scores[name][REFERENCE]), 1e3, sign="+")
                for row in others
            ),
        ]
        for name in (CLEAN, *(corruption.name for corruption in CORRUPTIONS), ALL)
    ]
    title = f"MAD · 10³, whole image, mean over five severities; {images} images, {runs} runs a row"
    table = Table(title, ["corruption", REFERENCE, *(f"{row} minus {REFERENCE}" for row in others)], lines)
    hardware = ", ".join(f"{part}: {found}" for part, found in results["hardware"].items() if found)
    commit = f"Commit {results['commit']}; {hardware}."
    write_atomic(Path(__file__).with_name("corruptions.md"), f"{to_markdown(table)}\n{commit}\n".encode())


if __name__ == "__main__":
    main()
