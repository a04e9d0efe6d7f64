"""Draw the images in docs/plan.md: ``python docs/figures.py``.

All of them show the plan of `data=mix_1_8_5_12 +curriculum=3stage trainer.max_epochs=10` on the synthetic corpus.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray
from omegaconf import DictConfig
from PIL import Image, ImageDraw

from matting.config import build, load_config
from matting.data.corpora import Corpus
from matting.data.dataset import DrawDataset, collate
from matting.plan.plan import EpochPlan
from matting.plan.schedule import Schedule
from matting.training.schedule import build_schedule, planned_length
from matting.training.schedule_figure import COLOURS

FOLDER = Path(__file__).parent / "images"
RECIPE = ["data=mix_1_8_5_12", "+curriculum=3stage", "trainer.max_epochs=10"]


def views(config: DictConfig, corpus: Corpus, plan: EpochPlan, rows: list[int]) -> list[NDArray[np.uint8]]:
    """Return the images of some rows, as the network sees them, above their true mattes."""
    data = config.data
    dataset = DrawDataset(corpus.sets, corpus.scenes, data.size, data.crop_size / data.size, data.min_crop)
    batch = build(config.augment)(collate([dataset[draw] for row in rows for draw in plan.draws(slice(row, row + 1))]))
    both = torch.cat([batch.image, batch.alpha.expand(-1, 3, -1, -1)], dim=2)
    return list((both * 255).byte().permute(0, 2, 3, 1).numpy())


def mixture_strip(plan: EpochPlan, path: Path) -> None:
    """Show the streams of the first 104 rows of an epoch as cells, 26 per line."""
    streams = [plan.streams[index] for index in plan.stream[:104]]
    figure = Figure(figsize=(9, 2.2), dpi=150, layout="constrained")
    axes = figure.subplots()
    for row, stream in enumerate(streams):
        cell = Rectangle((row % 26, 3 - row // 26), 1, 1, facecolor=COLOURS[stream], edgecolor="white", linewidth=1.5)
        axes.add_patch(cell)
    axes.set(xlim=(0, 26), ylim=(0, 4), xticks=[], yticks=[0.5, 1.5, 2.5, 3.5])
    axes.set_yticklabels(["79-104", "53-78", "27-52", "rows 1-26"])
    figure.legend(
        handles=[
            Patch(color=colour, label=f"{name}: {streams[:26].count(name)} of 26") for name, colour in COLOURS.items()
        ],
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=8,
    )
    figure.savefig(path)


def stage_sheet(config: DictConfig, corpus: Corpus, schedule: Schedule, path: Path) -> None:
    """Show six views of each stage: two of a pair first, then rows as they come."""
    lines = []
    for epoch in (0, 4, 9):
        plan = schedule.plan(epoch)
        paired = np.flatnonzero(plan.pair == plan.pair.max())
        single = np.flatnonzero((plan.pair < 0) & (np.arange(len(plan)) % 26 > 0))[[1, 4, 7, 11]]
        tiles = views(config, corpus, plan, [*paired[:2], *single])
        lines.append(_titled(np.hstack(tiles), f"{plan.stage} (epoch {epoch})"))
    sheet = Image.fromarray(np.vstack(lines))
    sheet.resize((1152, round(sheet.height * 1152 / sheet.width))).save(path, quality=85)


def _titled(strip: NDArray[np.uint8], title: str) -> NDArray[np.uint8]:
    image = Image.new("RGB", (strip.shape[1], strip.shape[0] + 44), "white")
    image.paste(Image.fromarray(strip), (0, 44))
    ImageDraw.Draw(image).text((6, 8), title, fill="black", font_size=26)
    return np.asarray(image)


def main() -> None:
    """Write the figures."""
    FOLDER.mkdir(exist_ok=True)
    config = load_config(RECIPE)
    corpus = build(config.corpus)
    schedule = build_schedule(config, corpus, planned_length(config))
    plain = load_config(RECIPE[:1])
    mixture_strip(build_schedule(plain, corpus, planned_length(plain)).plan(0), FOLDER / "mixture.png")
    stage_sheet(config, corpus, schedule, FOLDER / "stages.jpg")
    command = [sys.executable, "-m", "matting.cli", "plan", *RECIPE, "--image", str(FOLDER / "schedule.png")]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
