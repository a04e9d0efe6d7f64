"""What training on a million pairs with eight H100 needs, on paper: ``python experiments/million_pairs/estimate.py``.

Times of processors, file sizes and memory are measured here or read from tables of other experiments. The speed of a
GPU is not measured: two limits are computed from NVIDIA's data sheet.
"""

import pickle
import platform
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from matting.data.formats import Item, Source, rwp
from matting.data.formats.approximate import approximate_matte
from matting.foreground import estimate_foreground
from matting.images import Pixels, read_alpha, read_rgb
from matting.models import AttentionUNet
from matting.models.cost import cost
from matting.synthetic import ensure_corpus

FOLDER = Path(__file__).parent
PAIRS, GPUS, SIZE = 1_000_000, 8, 512
CORES, MEMORY = 112, 2e12
"""Processor cores and bytes of memory of a machine with eight H100 (DGX H100, data sheet)."""
PEAK, BANDWIDTH = 989e12, 3.35e12
"""Dense bfloat16 operations and bytes of memory per second of one H100 SXM (data sheet)."""
REACHED = 0.4, 0.7
"""Shares of both that training of large convolutions may reach: assumptions."""
LARGE = 1080, 1920
CACHED = 768
"""Side of decoded squares, one and a half crops."""
CURATED = 4.9
"""Pairs of 1080 x 1920 per second and core through gate 1 and the annotation rules (experiments/curation/speed.py)."""


def memory_traffic(model: nn.Module, size: int) -> float:
    """Estimate the bytes that a training step moves per image: inputs and outputs of layers, and twice that back."""
    moved = 0

    def count(_: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        nonlocal moved
        moved += sum(tensor.numel() for tensor in (*inputs, output) if isinstance(tensor, torch.Tensor))

    shadow = model.to("meta").eval()
    for layer in shadow.modules():
        if not list(layer.children()):
            layer.register_forward_hook(count)
    with torch.no_grad():
        shadow(torch.empty(1, 3, size, size, device="meta"))
    return 3 * 2.0 * moved  # bfloat16 has two bytes


def table_rate(table: str, case: str) -> float:
    """Read draws per second of a case from the table of ``decoding_speed``."""
    lines = (FOLDER.parent / "decoding_speed" / table).read_text().splitlines()
    found = next(line for line in lines if line.startswith(f"| {case} |"))
    return float(found.split("|")[3].replace(",", ""))


def seconds(job: Callable[[], object]) -> float:
    """Return processor seconds of a call."""
    start = time.process_time()
    job()
    return time.process_time() - start


def portraits(side: int, count: int = 3) -> list[tuple[Pixels, Pixels]]:
    """Return synthetic portraits and mattes of 9:16, with a sensor's noise, which decides the size of a JPEG."""
    found = []
    for k, item in enumerate(rwp(ensure_corpus(people=40, image_size=512) / "RWP").items[:count]):
        assert item.photo is not None
        photo = cv2.resize(read_rgb(item.photo), LARGE, interpolation=cv2.INTER_CUBIC).astype(np.float32)
        noisy = np.clip(photo + np.random.default_rng(k).normal(0, 3, photo.shape), 0, 255).astype(np.uint8)
        matte = cv2.resize(read_alpha(item.alpha), LARGE, interpolation=cv2.INTER_CUBIC)
        size = side, side * LARGE[1] // LARGE[0]
        smaller = (cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in (noisy, matte))
        found.append(tuple(np.asarray(image, np.uint8) for image in smaller))
    return found


def files(pairs: list[tuple[Pixels, Pixels]]) -> list[Pixels]:
    """Return the images of pairs as a JPEG of quality 92 and a PNG each."""
    options = [cv2.IMWRITE_JPEG_QUALITY, 92]
    return [f for p, a in pairs for f in (cv2.imencode(".jpg", p, options)[1], cv2.imencode(".png", a)[1])]


def decode(stored: list[Pixels]) -> None:
    """Decode files a few times."""
    for file in 5 * stored:
        cv2.imdecode(file, cv2.IMREAD_UNCHANGED)


def item_costs(count: int = 50_000) -> tuple[float, float]:
    """Return bytes per item that each process keeps, and seconds per item to send a source to a worker."""
    root = Path("/datasets/portraits")
    tracemalloc.start()
    names = (f"{k:08d}" for k in range(count))
    source = Source("own", [Item(n, root / "alpha" / f"{n}.png", photo=root / "image" / f"{n}.jpg") for n in names])
    kept = tracemalloc.get_traced_memory()[0] / count
    tracemalloc.stop()
    return kept, seconds(lambda: pickle.loads(pickle.dumps(source))) / count


def prepared(pairs: list[tuple[Pixels, Pixels]]) -> list[tuple[str, float]]:
    """Return processor seconds per pair of what is done once."""
    small = [(cv2.resize(p, None, fx=0.5, fy=0.5), cv2.resize(a, None, fx=0.5, fy=0.5) > 127) for p, a in pairs]
    return [
        ("curation: gate 1 and annotation rules", 1 / CURATED),
        (
            "refining a mask at 540 x 960",
            np.mean([seconds(lambda p=p, m=m: approximate_matte(p, m)) for p, m in small]),
        ),
        (
            "estimating a foreground",
            np.mean([seconds(lambda p=p, a=a: estimate_foreground(p, a / np.float32(255))) for p, a in pairs]),
        ),
    ]


def main() -> None:
    """Measure, compute and write ``table.md``."""
    cv2.setNumThreads(1)
    model = AttentionUNet(pretrained=False)
    operations = 3 * 2 * cost(model, SIZE).macs  # a multiply-accumulate is two; back is twice the way forward
    traffic = memory_traffic(model, SIZE)
    limits = {
        f"arithmetic: {operations / 1e9:.0f} GFLOP an image at {REACHED[0]:.0%} of the peak": REACHED[0]
        * PEAK
        / operations,
        f"memory: {traffic / 1e9:.2f} GB an image at {REACHED[1]:.0%} of the bandwidth": REACHED[1]
        * BANDWIDTH
        / traffic,
    }
    per_gpu = min(limits.values())
    speed = GPUS * per_gpu
    pairs = portraits(LARGE[0])
    large, small = files(pairs), files(portraits(CACHED))
    size, small_size = (2 * np.mean([len(file) for file in stored]) for stored in (large, small))
    ratio = seconds(lambda: decode(small)) / seconds(lambda: decode(large))
    decoded, cached = (
        table_rate("table.md", "1080p JPEG + PNG matte"),
        table_rate("table.md", f"from the cache of {CACHED}-pixel squares"),
    )
    kept, sent = item_costs()
    square = CACHED**2 * 5  # three channels, alpha and what is ignored
    processes = CORES + GPUS
    lines = [
        f"ResNet-34 attention U-Net, {SIZE} x {SIZE}; {PAIRS:,} pairs of {LARGE[0]} x {LARGE[1]}; "
        f"{GPUS} H100 with {CORES} cores. "
        f"Processor times: {platform.machine()}, one thread, torch {torch.__version__}.",
        "",
        "| limit of one GPU, not measured | images/s |",
        "| --- | ---: |",
        *(f"| {name} | {rate:,.0f} |" for name, rate in limits.items()),
        "",
        f"| needed at {speed:,.0f} images/s, {GPUS} times the smaller | | of what there is |",
        "| --- | ---: | ---: |",
        f"| an epoch of {PAIRS:,} views | {PAIRS / speed / 60:.1f} min | |",
        f"| cores that decode 1080p files | {speed / decoded:.0f} | {speed / decoded / CORES:.0%} |",
        f"| cores that decode a copy of {CACHED} pixels on the short side, in {ratio:.2f} times the time | "
        f"{speed * ratio / decoded:.0f} | {speed * ratio / decoded / CORES:.0%} |",
        f"| cores that read decoded squares of {CACHED} pixels | {speed / cached:.0f} | {speed / cached / CORES:.0%} |",
        f"| bytes read, {size / 1e6:.2f} MB a pair | {speed * size / 1e9:.1f} GB/s | |",
        f"| bytes read, {small_size / 1e6:.2f} MB a pair of the copy | {speed * small_size / 1e9:.1f} GB/s | |",
        f"| bytes read as decoded squares, {square / 1e6:.1f} MB each | {speed * square / 1e9:.1f} GB/s | |",
        f"| list of pairs in {CORES} workers and {GPUS} ranks, {kept:.0f} bytes a pair, if nothing is shared | "
        f"{processes * kept * PAIRS / 1e9:.0f} GB | {processes * kept * PAIRS / MEMORY:.1%} |",
        f"| sending that list to a worker that is not forked | {sent * PAIRS:.0f} s | |",
        f"| plans of {GPUS} ranks while an epoch is planned, 290 bytes a view | {GPUS * 290 * PAIRS / 1e9:.1f} GB | "
        f"{GPUS * 290 * PAIRS / MEMORY:.1%} |",
        "",
        f"| once, on {CORES} cores | s of one core a pair | hours |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {cpu:.2f} | {cpu * PAIRS / CORES / 3600:.1f} |" for name, cpu in prepared(pairs)),
        f"| bytes on disk: files | | {size * PAIRS / 1e9:,.0f} GB |",
        f"| bytes on disk: decoded squares | | {square * PAIRS / 1e9:,.0f} GB |",
    ]
    text = "\n".join(lines) + "\n"
    (FOLDER / "table.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
