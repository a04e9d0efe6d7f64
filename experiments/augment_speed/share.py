"""Share of a training step that the device pipeline takes on a CPU: ``python experiments/augment_speed/share.py``.

CPU seconds of one thread, which other programs on the machine do not change, of real batches of the plan: at the
start, in the middle and at the end of epochs of every stage. *All rows* computes every degradation on every row, as a
GPU has to.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from matting.augment import Pipeline, augmix, degradation
from matting.batch import LayerBatch
from matting.config import build, load_config
from matting.data.dataset import collate
from matting.models import AttentionUNet
from matting.training.datamodule import MattingDataModule
from matting.training.precision import CpuMixedPrecision
from matting.training.schedule import build_schedule, planned_length

BATCH, ROUNDS = 8, 3
CASES = {"curriculum of three stages": ["+curriculum=3stage"], "no curriculum": []}


def main() -> None:
    """Print the table, and write it next to this file."""
    torch.set_num_threads(1)
    lines = [
        f"CPU milliseconds of one thread, batches of {BATCH} at 256 px, medians of {ROUNDS} rounds in turn; step: "
        f"forward and backward of EfficientNet-Lite0 in bfloat16 as trained; torch {torch.__version__}.",
        "",
        "| run | rows degraded | step | pipeline | share | pipeline, all rows | share |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [row(name, overrides) for name, overrides in CASES.items()]
    text = "\n".join(lines) + "\n"
    print(text)
    (Path(__file__).parent / "table_share.md").write_text(text)


def row(name: str, overrides: list[str]) -> str:
    """Measure one case."""
    config = load_config(
        [
            "data.size=256",
            "data.crop_size=288",
            "data.epoch_rows=480",
            "data.workers=1",
            "trainer.max_epochs=10",
            *overrides,
        ]
    )
    corpus = build(config.corpus)
    settings = {name: config.data[name] for name in ("batch_size", "crop_size", "min_crop", "workers")}
    schedule = build_schedule(config, corpus, planned_length(config))
    data = MattingDataModule(corpus, schedule, build(config.augment), **settings)
    places = [(epoch, first) for epoch in (0, 3, 6, 9) for first in (0, 160, 320)]
    drawn = [data.schedule.plan(epoch).draws(slice(first, first + BATCH)) for epoch, first in places]
    batches = [collate([data.dataset[draw] for draw in draws]) for draws in drawn]
    network = AttentionUNet("tf_efficientnet_lite0", pretrained=False, decoder_channels=(128, 64, 48, 32, 16))
    network, criterion = network.to(memory_format=torch.channels_last).train(), build(config.loss)
    CpuMixedPrecision().convert_module(network)  # depthwise convolutions in float32, as in training
    prepared = data.augment(batches[0])

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            output = network(prepared.image)
        criterion([output], prepared)["loss"].backward()
        network.zero_grad()

    step()
    few, everything, steps = [], [], []
    for _ in range(ROUNDS):
        steps.append(seconds(step))
        few.append(pipeline(data.augment, batches, {"cpu"}))
        everything.append(pipeline(data.augment, batches, set()))
    degraded = statistics.mean(float((batch.severity > 0).float().mean()) for batch in batches)
    own, other, whole = (1000 * statistics.median(times) for times in (few, everything, steps))
    shares = [f"{cost:.0f} | {cost / (cost + whole):.1%}" for cost in (own, other)]
    return f"| {name} | {degraded:.0%} | {whole:.0f} | {' | '.join(shares)} |"


def pipeline(augment: Pipeline, batches: list[LayerBatch], counted: set[str]) -> float:
    """CPU seconds of the pipeline for one batch."""
    degradation.COUNTS_ROWS = augmix.COUNTS_ROWS = counted
    return seconds(lambda: [augment(batch) for batch in batches]) / len(batches)


def seconds(job: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    job()
    return time.process_time() - start


if __name__ == "__main__":
    main()
