"""Run folders as training leaves them, with known scores."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

IMAGES = {"a": ("clear", "rwp"), "b": ("medium", "glasses rwp"), "c": ("hard", "backlit rwp")}
METRICS = ("sad", "mse", "mad", "grad", "conn")


class Sweep:
    """Writes run folders of one sweep: validation SAD falls from 20 by `speed` per step, test scores are `level`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.jobs = folder, 0

    def run(self, overrides: str, seed: int, level: float = 10.0, speed: float = 1.0, **results: Any) -> Path:
        folder = self.crashed(overrides, seed)
        noise = np.random.default_rng([seed, self.jobs]).normal(0, 0.01, (len(IMAGES), len(METRICS)))
        methods = {
            "model": level + noise,
            "mean matte": np.full_like(noise, 30),
            "all foreground": np.full_like(noise, 90),
        }
        lines = [
            {
                "method": method,
                "set": "synthetic",
                "name": name,
                "difficulty": difficulty,
                "tags": tags,
                "region": region,
            }
            | dict(zip(METRICS, scores[k], strict=True))
            for k, (name, (difficulty, tags)) in enumerate(IMAGES.items())
            for method, scores in methods.items()
            for region in ("whole", "unknown")
        ]
        write(folder / "per_image.csv", lines)
        steps = np.arange(4, 21, 4)
        curve = [
            {"epoch": "", "step": 3, "train/loss": 1.0, "val/synthetic/whole/sad": "", "val/synthetic/unknown/sad": ""}
        ]
        curve += [
            {"step": s - 1, "val/synthetic/whole/sad": 20 - speed * s, "val/synthetic/unknown/sad": 10 - speed * s / 2}
            for s in steps
        ]
        write(folder / "metrics.csv", curve)
        content = {
            "corpus": "synthetic corpus: not real photos",
            "protocol": {"metrics": "adobe"},
            "metrics": {"test/synthetic/whole/sad": level, "test/synthetic.hard/whole/sad": level},
            "method_under_test": "model",
            "diagnoses": {"model": {"deviation over backgrounds": level / 100 + seed / 1000}},
            "notes": {"training": "5 epochs, 20 steps, 16 views an epoch"},
            "commit": "abc",
            "hardware": {"processor": "any", "accelerator": None},
            "wall_seconds": 360.0,
        }
        (folder / "results.json").write_text(json.dumps(content | results))
        return folder

    def crashed(self, overrides: str, seed: int) -> Path:
        folder = self.folder / f"{self.jobs}_{overrides.replace('=', '-').replace(' ', '__')}__seed-{seed}"
        (folder / ".hydra").mkdir(parents=True)
        lines = [*overrides.split(), f"seed={seed}", "experiment=any"]
        (folder / ".hydra/overrides.yaml").write_text("".join(f"- {line}\n" for line in lines))
        (folder / ".hydra/config.yaml").write_text(f"seed: {seed}\n")
        (folder / ".hydra/hydra.yaml").write_text(f"hydra: {{job: {{num: {self.jobs}}}}}\n")
        self.jobs += 1
        return folder


def write(path: Path, lines: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]), restval="")
        writer.writeheader()
        writer.writerows(lines)


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(tmp_path / "sweep")


@pytest.fixture
def curricula(sweep: Sweep) -> Sweep:
    """Twelve jobs: 3stage is better and faster than shuffled; none is as good as 3stage."""
    for name, level, speed in (("3stage", 10.0, 0.8), ("shuffled", 12.0, 0.5), ("none", 10.0, 0.8)):
        for seed in (1, 2, 3, 4):
            sweep.run(f"+curriculum={name}", seed, level, speed + 0.01 * seed)
    return sweep
