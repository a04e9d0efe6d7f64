"""Time the parts of a training step side by side: ``python experiments/throughput/benchmark.py``.

Loader, device pipeline, and the step itself in float32 and bfloat16 take turns, round after round, in one run, so that
whatever else the machine does falls on all of them. Numbers are medians over the rounds.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import torch

from matting.batch import LayerBatch, TrainingBatch
from matting.config import build, load_config
from matting.data.dataset import collate
from matting.losses import Criterion
from matting.models import AttentionUNet
from matting.training.datamodule import MattingDataModule
from matting.training.precision import CpuMixedPrecision
from matting.training.schedule import build_schedule, planned_length

FOLDER = Path(__file__).parent
ENCODERS = ("tf_efficientnet_lite0", "tf_efficientnet_lite2", "resnet34")
BATCH = 8


def step(model: AttentionUNet, criterion: Criterion, batch: TrainingBatch, bfloat16: bool) -> None:
    """Forward and backward; an optimizer's step costs little next to them."""
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        output = model(batch.image)
    criterion([output], batch)["loss"].backward()
    model.zero_grad()


def seconds(job: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def main() -> None:
    """Print the table, and write it next to this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--people", type=int, default=160)
    options = parser.parse_args()
    crop = options.size * 9 // 8
    config = load_config(
        [f"data.size={options.size}", f"data.crop_size={crop}", f"corpus.people={options.people}", "data.workers=1"]
    )
    corpus = build(config.corpus)
    data = MattingDataModule(
        corpus,
        build_schedule(config, corpus, planned_length(config)),
        build(config.augment),
        **{name: config.data[name] for name in ("batch_size", "crop_size", "min_crop", "workers")},
    )
    draws = data.schedule.plan(0).draws(slice(0, BATCH))

    def load() -> LayerBatch:
        return collate([data.dataset[draw] for draw in draws])

    layers = load()
    prepared = data.augment(layers)
    criterion = build(config.loss)
    jobs: dict[str, Callable[[], object]] = {
        "loader, one process": load,
        "device pipeline": lambda: data.augment(layers),
    }
    for name in ENCODERS:
        model = AttentionUNet(name, pretrained=False, decoder_channels=(128, 64, 48, 32, 16))
        model = model.to(memory_format=torch.channels_last).train()
        jobs[f"{name}, float32"] = lambda model=model: step(model, criterion, prepared, bfloat16=False)
        if name != "resnet34":  # which has no depthwise convolutions
            jobs[f"{name}, bfloat16 in all layers"] = lambda model=model: step(
                model, criterion, prepared, bfloat16=True
            )
        trained = CpuMixedPrecision().convert_module(deepcopy(model))
        jobs[f"{name}, bfloat16 as trained"] = lambda model=trained: step(model, criterion, prepared, bfloat16=True)
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(options.rounds + 1):  # the first round warms up
        for name, job in jobs.items():
            taken = seconds(job)
            if number:
                times[name].append(taken)
    write_table(options.size, {name: statistics.median(values) for name, values in times.items()})


def write_table(size: int, times: dict[str, float]) -> None:
    """Images per second of each part, and of a whole step with the loader in a process of its own."""
    pipeline = times["device pipeline"]
    lines = [
        f"{size} px, batches of {BATCH}, {torch.get_num_threads()} threads, torch {torch.__version__}. *Whole step*: "
        "pipeline and network one after the other, the loader next to them in its own process.",
        "",
        "| part | images/s | whole step, images/s | share of compute |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, taken in times.items():
        row = f"| {name} | {BATCH / taken:.1f} |"
        if "float" in name:
            row += f" {BATCH / (taken + pipeline):.1f} | {taken / (taken + pipeline):.0%} |"
        lines.append(row if "float" in name else row + " | |")
    text = "\n".join(lines) + "\n"
    print(text)
    (FOLDER / f"table_{size}.md").write_text(text)


if __name__ == "__main__":
    main()
