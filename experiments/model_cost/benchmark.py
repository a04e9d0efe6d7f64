"""Time the network and a plain U-Net: ``python experiments/model_cost/benchmark.py``.

Everything is timed in turn, round after round, in one run, so that other load on the machine affects all of it equally;
times are medians over the rounds, ratios are medians of the rounds' ratios. On one CPU thread CPU time is taken instead
of wall time, for the same reason.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from matting.augment import Pipeline
from matting.augment.portrait import render_portrait
from matting.batch import LayerBatch, TrainingBatch
from matting.config import build, load_config
from matting.losses import Criterion
from matting.models import AttentionUNet, MattingOutput, cost

FOLDER = Path(__file__).parent
WIDTHS = (256, 128, 64, 32, 16)
REFERENCE = "U-Net of segmentation-models-pytorch"


class Job(NamedTuple):
    """A function to time, and the name of the job that it is compared with."""

    run: Callable[[], object]
    reference: str


def networks() -> dict[str, nn.Module]:
    """Build the networks to compare, with the same encoder, decoder widths and four output channels."""
    return {
        REFERENCE: smp.Unet("resnet34", encoder_weights=None, decoder_channels=WIDTHS, classes=4),
        "without gates": AttentionUNet(pretrained=False, decoder_channels=WIDTHS, gates=False),
        "attention U-Net": AttentionUNet(pretrained=False, decoder_channels=WIDTHS),
    }


def heads(output: Tensor | MattingOutput) -> Tensor:
    """Reduce the output to a scalar that depends on both heads."""
    if isinstance(output, Tensor):
        return output.sigmoid().mean()
    return output.alpha.mean() + output.trimap_logits.mean()


def training(model: nn.Module, image: Tensor, device: torch.device) -> Callable[[], object]:
    """Build a forward and backward pass, in bf16 on a GPU."""

    def run() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            output = model(image)
        heads(output).backward()
        model.zero_grad(set_to_none=True)

    return run


def inference(model: nn.Module, image: Tensor, device: torch.device) -> Callable[[], object]:
    """Build a forward pass in evaluation mode."""

    def run() -> None:
        model.eval()
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            model(image)
        model.train()

    return run


def training_batch(rows: int, size: int, device: torch.device) -> TrainingBatch:
    """Render a batch of portraits in pairs."""
    layers = [(layer * 255).round().to(torch.uint8).expand(rows, -1, -1, -1) for layer in render_portrait(size)]
    ids = torch.arange(rows)
    fields = (*layers, torch.zeros_like(layers[2]), ids // 2, ids % 2, torch.zeros(rows), ids // 2, ids // 2, ids)
    return Pipeline.plain(size)(LayerBatch(*(field.contiguous().to(device) for field in fields)))


def criterion_job(criterion: Criterion, output: MattingOutput, batch: TrainingBatch) -> Callable[[], object]:
    """Build a forward and backward pass of a criterion on given outputs."""
    leaves = MattingOutput(*(part.detach().requires_grad_() for part in output))
    return lambda: criterion([leaves], batch)["loss"].backward()


def jobs_for(rows: int, size: int, device: torch.device) -> dict[str, Job]:
    """List the jobs by name."""
    batch, jobs = training_batch(rows, size, device), {}
    models = {name: model.to(device, memory_format=torch.channels_last) for name, model in networks().items()}
    for kind, make in (("training", training), ("inference", inference)):
        for name, model in models.items():
            jobs[f"{kind}: {name}"] = Job(make(model, batch.image, device), f"{kind}: {REFERENCE}")
    contiguous = AttentionUNet(pretrained=False, decoder_channels=WIDTHS).to(device)
    whole = "training: attention U-Net"
    jobs[f"{whole}, channels first"] = Job(training(contiguous, batch.image, device), whole)
    output = models["attention U-Net"](batch.image)
    for loss in ("baseline", "full"):
        criterion = build(load_config([f"loss={loss}", "folder=."]).loss)
        jobs[f"criterion: {loss}"] = Job(criterion_job(criterion, output, batch), whole)
    return jobs


def time_rounds(jobs: dict[str, Job], rounds: int, device: torch.device) -> dict[str, list[float]]:
    """Time every job in every round, in seconds, after one round to warm up."""
    clock = time.process_time if device.type == "cpu" and torch.get_num_threads() == 1 else time.perf_counter
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(rounds + 1):
        for name, job in jobs.items():
            start = clock()
            job.run()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if turn:
                seconds[name].append(clock() - start)
    return seconds


def table(jobs: dict[str, Job], seconds: dict[str, list[float]], rows: int) -> str:
    """Format time, images per second, and the ratio to each job's reference as Markdown."""
    lines = ["| | ms a batch | images/s | ratio | to |", "|---|---:|---:|---:|---|"]
    for name, times in seconds.items():
        others, median = seconds[jobs[name].reference], statistics.median(times)
        ratio = statistics.median(mine / other for mine, other in zip(times, others, strict=True))
        to = "" if name == jobs[name].reference else jobs[name].reference
        lines.append(f"| {name} | {1e3 * median:.0f} | {rows / median:.1f} | {ratio:.2f} | {to} |")
    return "\n".join(lines)


def sizes() -> str:
    """Format parameters and MACs of the networks as Markdown."""
    lines = ["| | parameters | GMACs at 512x512 |", "|---|---:|---:|"]
    for name, model in networks().items():
        counted = cost(model, 512)
        lines.append(f"| {name} | {counted.parameters / 1e6:.2f} M | {counted.macs / 1e9:.2f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Count, time, print, and write ``table_cpu.md`` or ``table_cuda.md``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--size", type=int, help="side of the images; 256 on a CPU, 512 on a GPU")
    parser.add_argument("--rows", type=int, help="batch size; 4 on a CPU, 32 on a GPU")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("-o", "--output", type=Path, default=FOLDER, help="folder of the table")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    on_gpu = device.type == "cuda"
    size, rows = options.size or (512 if on_gpu else 256), options.rows or (32 if on_gpu else 4)
    jobs = jobs_for(rows, size, device)
    found = table(jobs, time_rounds(jobs, options.rounds, device), rows)
    name = torch.cuda.get_device_name() if on_gpu else f"{platform.machine()}, {options.threads} thread(s)"
    head = f"{rows} images of {size}x{size}, {name}, torch {torch.__version__}, medians of {options.rounds} rounds"
    if not on_gpu:
        head += f", load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores at the end"
    text = f"{sizes()}\n\n{head}. Networks in channels-last unless said otherwise.\n\n{found}\n"
    print(text)
    (options.output / f"table_{device.type}.md").write_text(text)


if __name__ == "__main__":
    main()
