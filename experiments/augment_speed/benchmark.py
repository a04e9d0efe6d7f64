"""Time the device pipeline and its alternatives: ``python experiments/augment_speed/benchmark.py``.

Everything is timed in turn, round after round, in one run, so that other load on the machine affects all of it equally;
times are medians over the rounds, ratios are medians of the rounds' ratios.
"""

import argparse
import importlib
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import kornia
import numpy as np
import torch
from operations import kept, replaced
from reference import KorniaAugMix, augmix_per_image
from torch import Tensor, nn

from matting import augment
from matting.augment.portrait import render_portrait
from matting.batch import LayerBatch, TrainingBatch
from matting.models import AttentionUNet

FOLDER = Path(__file__).parent
STEP, AUGMIX = "training step, ResNet-34", "AugMix: this package, batched"
PILLOW = "AugMix: Pillow and NumPy, per image, one core"
CONTAINERS = "AugMix: of Kornia's augmentations, per sample"
WHOSE = ("own", "Kornia's")


def layer_batch(rows: int, side: int, device: torch.device) -> LayerBatch:
    """Render portraits at full severity, in the form in which the loader's workers deliver them."""
    layers = [(layer * 255).round().to(torch.uint8).expand(rows, -1, -1, -1) for layer in render_portrait(side)]
    ids = torch.arange(rows)
    ignore, view, severity = torch.zeros_like(layers[2]), torch.zeros_like(ids), torch.ones(rows)
    fields = (*layers, ignore, ids, view, severity, torch.full_like(ids, -1), ids, ids)
    return LayerBatch(*(field.contiguous().to(device) for field in fields))


def training_step(model: nn.Module, optimizer: torch.optim.Optimizer, batch: TrainingBatch) -> None:
    """Build a training step with both heads, in bf16 on a GPU."""
    with torch.autocast(batch.image.device.type, torch.bfloat16, enabled=batch.image.is_cuda):
        output = model(batch.image)
        loss = (output.alpha.float() - batch.alpha).abs().mean()
        loss = loss + nn.functional.cross_entropy(output.trimap_logits.float(), batch.trimap)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def time_rounds(jobs: dict[str, Callable[[], object]], rounds: int, device: torch.device) -> dict[str, list[float]]:
    """Time every job in every round, in seconds, after one round to warm up.

    On a CPU they are the process's own, which other work on the machine lengthens much less than the clock's.
    """
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(rounds + 1):
        for name, job in jobs.items():
            start = clock()
            job()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if turn:
                seconds[name].append(clock() - start)
    return seconds


def operation_job(
    operation: Callable[[Tensor, Tensor, Tensor], Tensor], image: Tensor, key: Tensor
) -> Callable[[], object]:
    """Build a run of one operation at the strongest level of the default AugMix."""
    return lambda: operation(image, torch.full_like(key, 0.3, dtype=torch.float32), key)


def pipeline_of(package: ModuleType, name: str, size: int) -> nn.Module:
    """Build a pipeline from a ``matting.augment``."""
    parts = {"warp": package.Warp()}
    if name != "warp":
        parts |= {"blur": package.CameraBlur(), "augmix": package.AugMix()}
    if name == "everything":
        parts |= {"gaps": package.LayerGaps(0.5, 0.5, 0.5, 0.5), "phone": package.Phone(0.5, 0.5)}
    return package.Pipeline(size, **parts)


def load_earlier(folder: Path) -> ModuleType:
    """Import ``matting.augment`` of another checkout in addition to this one's."""
    ours = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "matting"}
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("matting.augment")
    finally:
        sys.path.pop(0)
        for name in [name for name in sys.modules if name.split(".")[0] == "matting"]:
            del sys.modules[name]
        sys.modules.update(ours)


def jobs_for(rows: int, size: int, device: torch.device, before: ModuleType | None) -> dict[str, Callable[[], object]]:
    """List what is compared with a training step, by name."""
    layers = layer_batch(rows, size * 5 // 4, device)
    packages = {"": augment} if before is None else {"": augment, "before: ": before}
    pipelines = {
        f"{when}pipeline: {name}": pipeline_of(package, name, size)
        for name in ("warp", "warp, camera blur, AugMix", "everything")
        for when, package in packages.items()
    }
    batch = pipelines["pipeline: warp"](layers)
    model = AttentionUNet(pretrained=False).to(device)
    optimizer = torch.optim.AdamW(model.parameters())
    images = [(image * 255).byte().permute(1, 2, 0).cpu().numpy() for image in batch.image]
    rng, augmix, containers, key = np.random.default_rng(0), augment.AugMix(), KorniaAugMix().to(device), layers.seed
    return {
        STEP: lambda: training_step(model, optimizer, batch),
        PILLOW: lambda: [augmix_per_image(image, rng) for image in images],
        CONTAINERS: lambda: containers(batch.image),
        **{name: lambda pipeline=pipeline: pipeline(layers) for name, pipeline in pipelines.items()},
        AUGMIX: lambda: augmix.mix(batch.image, key, layers.severity),
        "AugMix: this package, as Kornia calls it": lambda: augmix(batch.image),
        **{
            f"one run of {operation.__name__}": operation_job(operation, batch.image, key)
            for operation in augment.ARTICLE_OPERATIONS
        },
    }


def share_table(seconds: dict[str, list[float]], rows: int) -> str:
    """Format time, images per second and share of a training step as Markdown."""
    lines = ["| | ms per batch | images/s | share of a step |", "|---|---:|---:|---:|"]
    for name, times in seconds.items():
        median, share = statistics.median(times), ratio(times, seconds[STEP])
        lines.append(f"| {name} | {1e3 * median:.0f} | {rows / median:.1f} | {100 * share:.1f} % |")
    for name in (PILLOW, CONTAINERS):
        lines.append(f"\n{name}: takes {ratio(seconds[name], seconds[AUGMIX]):.2f} times as long as this package's.")
    return "\n".join(lines)


def operation_table(seconds: dict[str, list[float]]) -> str:
    """Format the times of this package's and Kornia's operations as Markdown."""
    lines = ["| | own, ms | Kornia's, ms | ratio |", "|---|---:|---:|---:|"]
    for name in [name for name, whose in seconds if whose == "own"]:
        own, other = seconds[name, "own"], seconds[name, "Kornia's"]
        medians = " | ".join(f"{1e3 * statistics.median(times):.2f}" for times in (own, other))
        lines.append(f"| {name} | {medians} | {ratio(other, own):.2f} |")
    return "\n".join(lines)


def ratio(times: list[float], others: list[float]) -> float:
    """Return the median over the rounds of the ratio of two times."""
    return statistics.median(mine / other for mine, other in zip(times, others, strict=True))


def main(arguments: Sequence[str] | None = None) -> None:
    """Time, print and write ``table_cpu.md`` or ``table_cuda.md``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--size", type=int, help="side of the images; 256 on a CPU, 512 on a GPU")
    parser.add_argument("--rows", type=int, help="batch size; 8 on a CPU, 32 on a GPU")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch and OpenCV")
    parser.add_argument("--before", type=Path, help="checkout of an earlier version to time along")
    parser.add_argument("-o", "--output", type=Path, default=FOLDER, help="folder of the table")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    device, cuda = torch.device(options.device), options.device.startswith("cuda")
    size, rows = options.size or (512 if cuda else 256), options.rows or (32 if cuda else 8)
    before = load_earlier(options.before) if options.before else None
    step = time_rounds(jobs_for(rows, size, device, before), options.rounds, device)
    layers = layer_batch(rows, size * 5 // 4, device)
    image, key = augment.Pipeline.plain(size)(layers).image, layers.seed
    stacked = torch.cat([layers.foreground, layers.background, layers.alpha, layers.ignore], dim=1) / 255
    pairs = {"Kept": kept(image, key)} | ({"Replaced": replaced(before, image, stacked, key)} if before else {})
    tables = [share_table(step, rows)]
    for title, operations in pairs.items():
        jobs = {(name, whose): job for name, pair in operations.items() for whose, job in zip(WHOSE, pair, strict=True)}
        tables.append(f"## {title}\n\n{operation_table(time_rounds(jobs, 2 * options.rounds + 1, device))}")
    machine = torch.cuda.get_device_name() if cuda else f"{platform.machine()}, {options.threads} thread(s)"
    head = f"{rows} images of {size}x{size}, {machine}, torch {torch.__version__}, kornia {kornia.__version__}; medians"
    if not cuda:
        head += f"; CPU time, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores at the end"
    text = "\n\n".join([head, *tables]) + "\n"
    print(text)
    (options.output / f"table_{device.type}.md").write_text(text)


if __name__ == "__main__":
    main()
