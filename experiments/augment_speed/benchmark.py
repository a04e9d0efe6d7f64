"""Time the device pipeline beside its alternatives: ``python experiments/augment_speed/benchmark.py``.

Everything that is compared is timed in turn, round after round, in one run, so that whatever else the machine does
falls on all of it; figures are medians over the rounds, ratios are medians of the rounds' ratios.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from reference import KorniaAugMix, augmix_per_image
from torch import Tensor, nn

from matting.augment import ARTICLE_OPERATIONS, AugMix, CameraBlur, LayerGaps, Phone, Pipeline, Warp
from matting.augment.portrait import render_portrait
from matting.batch import LayerBatch, TrainingBatch
from matting.models import AttentionUNet

FOLDER = Path(__file__).parent


def layer_batch(rows: int, side: int, device: torch.device) -> LayerBatch:
    """Drawn portraits at full severity, as the loader's workers would deliver them."""
    layers = [(layer * 255).round().to(torch.uint8).expand(rows, -1, -1, -1) for layer in render_portrait(side)]
    ids = torch.arange(rows)
    ignore, view, severity = torch.zeros_like(layers[2]), torch.zeros_like(ids), torch.ones(rows)
    fields = (*layers, ignore, ids, view, severity, torch.full_like(ids, -1), ids, ids)
    return LayerBatch(*(field.contiguous().to(device) for field in fields))


def training_step(model: nn.Module, optimizer: torch.optim.Optimizer, batch: TrainingBatch) -> None:
    """A step on the two heads, in bf16 on a GPU."""
    with torch.autocast(batch.image.device.type, torch.bfloat16, enabled=batch.image.is_cuda):
        output = model(batch.image)
        loss = (output.alpha.float() - batch.alpha).abs().mean()
        loss = loss + nn.functional.cross_entropy(output.trimap_logits.float(), batch.trimap)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def time_rounds(jobs: dict[str, Callable[[], object]], rounds: int, device: torch.device) -> dict[str, list[float]]:
    """Seconds of every job in every round, after one round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(rounds + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def operation_job(
    operation: Callable[[Tensor, Tensor, Tensor], Tensor], image: Tensor, key: Tensor
) -> Callable[[], object]:
    """One run of one operation at the strongest level that the default AugMix draws."""
    return lambda: operation(image, torch.full_like(key, 0.3, dtype=torch.float32), key)


def jobs_for(rows: int, size: int, device: torch.device) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    layers = layer_batch(rows, size * 5 // 4, device)
    pipelines = {
        "pipeline: warp": Pipeline(size, Warp()),
        "pipeline: warp, camera blur, AugMix": Pipeline(size, Warp(), blur=CameraBlur(), augmix=AugMix()),
        "pipeline: everything": Pipeline(
            size, Warp(), LayerGaps(0.5, 0.5, 0.5, 0.5), CameraBlur(), AugMix(), Phone(0.5, 0.5)
        ),
    }
    batch = pipelines["pipeline: warp"](layers)
    model = AttentionUNet(pretrained=False).to(device)
    optimizer = torch.optim.AdamW(model.parameters())
    pictures = [(image * 255).byte().permute(1, 2, 0).cpu().numpy() for image in batch.image]
    rng, augmix, kornia, key = np.random.default_rng(0), AugMix(), KorniaAugMix().to(device), layers.seed
    return {
        "training step, ResNet-34": lambda: training_step(model, optimizer, batch),
        **{name: lambda pipeline=pipeline: pipeline(layers) for name, pipeline in pipelines.items()},
        "AugMix: this package, batched": lambda: augmix(batch.image, key, layers.severity),
        "AugMix: Pillow and NumPy, per image, one core": lambda: [augmix_per_image(image, rng) for image in pictures],
        "AugMix: Kornia's containers, per sample": lambda: kornia(batch.image),
        **{
            f"one run of {operation.__name__}": operation_job(operation, batch.image, key)
            for operation in ARTICLE_OPERATIONS
        },
    }


def table(seconds: dict[str, list[float]], rows: int) -> str:
    """Markdown: time, pictures per second and share of a training step."""
    step = seconds["training step, ResNet-34"]
    lines = ["| | ms a batch | pictures/s | share of a step |", "|---|---:|---:|---:|"]
    for name, times in seconds.items():
        share = statistics.median(mine / whole for mine, whole in zip(times, step, strict=True))
        median = statistics.median(times)
        lines.append(f"| {name} | {1e3 * median:.0f} | {rows / median:.1f} | {100 * share:.1f} % |")
    ours = seconds["AugMix: this package, batched"]
    for name in ("AugMix: Pillow and NumPy, per image, one core", "AugMix: Kornia's containers, per sample"):
        ratio = statistics.median(other / mine for other, mine in zip(seconds[name], ours, strict=True))
        lines.append(f"\n{name}: takes {ratio:.2f} times as long as this package's.")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Time, print and write ``table_cpu.md`` or ``table_cuda.md``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--size", type=int, help="side of the pictures; 256 on a CPU, 512 on a GPU")
    parser.add_argument("--rows", type=int, help="batch size; 8 on a CPU, 32 on a GPU")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch and OpenCV")
    parser.add_argument("-o", "--output", type=Path, default=FOLDER, help="folder of the table")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    size, rows = (
        (options.size or 512, options.rows or 32) if device.type == "cuda" else (options.size or 256, options.rows or 8)
    )
    name = (
        torch.cuda.get_device_name() if device.type == "cuda" else f"{platform.machine()}, {options.threads} thread(s)"
    )
    found = table(time_rounds(jobs_for(rows, size, device), options.rounds, device), rows)
    head = f"{rows} pictures of {size}x{size}, {name}, torch {torch.__version__}, medians of {options.rounds} rounds"
    if device.type == "cpu":
        head += f", load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores at the end"
    text = f"{head}\n\n{found}\n"
    print(text)
    (options.output / f"table_{device.type}.md").write_text(text)


if __name__ == "__main__":
    main()
