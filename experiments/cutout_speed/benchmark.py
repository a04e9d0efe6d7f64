"""Measure time and memory of a cutout, and the accuracy and speed of detail and foreground colours."""

import argparse
import csv
import io
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from pymatting import estimate_foreground_ml

from matting.evaluation.provenance import hardware
from matting.foreground import estimate_foreground
from matting.images import encode_image, list_images, read_alpha, read_photo, read_rgb, write_png
from matting.inference import (
    Predictor,
    Style,
    fastest_precision,
    finish,
    refine,
    resize,
    working_shape,
)
from matting.inference.onnx_network import OnnxNetwork, parity, write_onnx
from matting.models import AttentionUNet
from matting.synthetic import ensure_corpus
from matting.trimap import trimap_from_alpha

FOLDER = Path(__file__).parent
WORKING = 512
Row = tuple[str, str, str]


class Spent(NamedTuple):
    """Seconds of one task: wall time, which other programs lengthen, and CPU time of all threads together."""

    wall: float
    processor: float

    def __str__(self) -> str:
        return f"{1000 * self.wall:.0f} ms ({1000 * self.processor:.0f} ms of processors)"


def seconds(task: Callable[[], object], repeats: int = 5, warm: bool = True) -> Spent:
    """Return the best times of a task, after one run to warm up if `warm`."""
    if warm:
        task()
    spent = []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        task()
        spent.append((time.perf_counter() - wall, time.process_time() - processor))
    return Spent(min(wall for wall, _ in spent), min(processor for _, processor in spent))


def composites(root: Path) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield image, alpha and true foreground of the synthetic corpus's studio people on its backgrounds."""
    scenes = list_images(root / "VOC2012/JPEGImages")
    for number, file in enumerate(sorted(root.glob("Combined_Dataset/*/*/fg/*"))):
        foreground = read_rgb(file)
        alpha = read_alpha(next((file.parent.parent / "alpha").glob(f"{file.stem}.*"))).astype(np.float32) / 255
        for scene in scenes[number % 2 : 4 : 2]:
            ground = cv2.resize(read_rgb(scene), foreground.shape[1::-1], interpolation=cv2.INTER_CUBIC)
            image = np.rint(alpha[..., None] * foreground + (1 - alpha[..., None]) * ground).astype(np.uint8)
            yield image, alpha, foreground


def large(root: Path, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Enlarge a rendered image and its matte and add sensor noise, which slows decoding and encoding."""
    image, alpha, _ = next(composites(root))
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, 3, (height, width, 1)).astype(np.float32)
    image = np.rint(np.clip(image + noise, 0, 255)).astype(np.uint8)
    return image, np.clip(cv2.resize(alpha, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)


def twelve_megapixels(root: Path, network: AttentionUNet) -> Iterator[Row]:
    """Time the steps of one cutout, with the true matte and with one that is soft everywhere."""
    image, alpha = large(root, 4000, 3000)
    coarse = resize(alpha, working_shape(4000, 3000, WORKING))
    soft = np.random.default_rng(0).uniform(0.1, 0.9, coarse.shape).astype(np.float32)  # every tile has work
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "photo.jpg"
        cv2.imwrite(str(file), cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
        predictor = Predictor(network, WORKING, "cpu", fastest_precision(torch.device("cpu")))
        common = {
            "decode": seconds(lambda: read_photo(file).rgb),
            f"network, {predictor.precision}": seconds(lambda: predictor.coarse_mattes([image])),
        }
    for name, matte in {"true matte": coarse, "soft everywhere": soft}.items():
        full = refine(image, matte)
        rgba = finish(image, full, Style())
        steps = common | {
            "detail": seconds(lambda matte=matte: refine(image, matte)),
            "foreground": seconds(lambda full=full: finish(image, full, Style())),
            "encode PNG": seconds(lambda rgba=rgba: encode_image(rgba, ".png"), repeats=3),
        }
        together = Spent(*(sum(times) for times in zip(*steps.values(), strict=True)))
        for step, spent in (steps | {"together": together}).items():
            yield f"12 MP, {name}", step, str(spent)


def networks(network: AttentionUNet) -> Iterator[Row]:
    """Time the network alone on one thread, and compare the ONNX graph with torch."""
    image = np.random.default_rng(0).integers(0, 256, (WORKING, WORKING, 3), np.uint8)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for precision in ("float32", "bfloat16"):
        predictor = Predictor(network, WORKING, "cpu", precision)
        spent = seconds(lambda predictor=predictor: predictor.coarse_mattes([image]))
        yield "network at 512 x 512, one thread", f"torch {precision}", str(spent)
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        write_onnx(network, file, {"size": str(WORKING)})
        graph = OnnxNetwork(file)
        for shape, difference in parity(network, graph).items():
            yield "ONNX against torch, alpha", f"{shape[0]} x {shape[1]}", f"{difference:.1g}"
        for shape in ((512, 512), (1024, 1536)):
            tensor = torch.rand(1, 3, *shape)
            with torch.inference_mode():
                times = {"torch float32": seconds(lambda tensor=tensor: network(tensor), 3)}
            times["ONNX Runtime"] = seconds(lambda tensor=tensor: graph(tensor), 3)
            for name, spent in times.items():
                yield f"network at {shape[0]} x {shape[1]}, all threads", name, str(spent)


def colours(root: Path) -> Iterator[Row]:
    """Compare error and speed of the foreground with PyMatting's, where 0 < alpha < 1.

    Errors are means over an image's pixels, of colours in [0, 1], and then over the images. Both methods take turns
    in one process; PyMatting's time is its solver's alone, without the conversions to and from 8 bits.
    """
    errors: dict[str, list[tuple[float, float, float]]] = {"PyMatting": [], "ours": []}
    ratios: dict[str, list[float]] = {"wall": [], "processor": []}
    for image, alpha, truth in composites(root):
        scaled = image.astype(np.float32) / 255
        solved = np.rint(np.clip(estimate_foreground_ml(scaled, alpha), 0, 1) * 255)
        mixed = (alpha > 0) & (alpha < 1)
        for name, found in (("PyMatting", solved), ("ours", estimate_foreground(image, alpha))):
            difference = np.abs(found[mixed].astype(np.float32) - truth[mixed]) / 255
            seen = alpha[mixed][:, None]
            errors[name].append(tuple(float(x.mean()) for x in (difference, difference**2, seen * difference)))
        theirs, mine = side_by_side(scaled, image, alpha)
        ratios["wall"].append(theirs.wall / mine.wall)
        ratios["processor"].append(theirs.processor / mine.processor)
    means = {name: np.mean(values, axis=0) for name, values in errors.items()}
    topic = f"foreground on {len(errors['ours'])} demo composites of 1080p, where 0 < alpha < 1"
    for index, measure in enumerate(("mean absolute error", "mean squared error", "mean absolute error times alpha")):
        theirs, mine = means["PyMatting"][index], means["ours"][index]
        yield topic, measure, f"PyMatting {theirs:.5f}, ours {mine:.5f}: {mine / theirs:.2f} x"
    for clock, values in ratios.items():
        spread = f"{min(values):.1f} to {max(values):.1f}"
        yield topic, f"{clock} time", f"{statistics.median(values):.1f} x faster, the median; {spread}"
    image, alpha = large(root, 4000, 3000)
    theirs, mine = side_by_side(image.astype(np.float32) / 255, image, alpha)
    ratio = f"{theirs.wall / mine.wall:.1f} x faster, {theirs.processor / mine.processor:.1f} x less of processors"
    yield "foreground at 12 MP", "time", f"PyMatting {theirs}, ours {mine}: {ratio}"


def side_by_side(scaled: np.ndarray, image: np.ndarray, alpha: np.ndarray, repeats: int = 4) -> tuple[Spent, Spent]:
    """Return the best times of PyMatting's solver and ours, timed in turn, each with its default threads."""
    tasks = (lambda: estimate_foreground_ml(scaled, alpha), lambda: estimate_foreground(image, alpha))
    turns = [[seconds(task, 1, warm=False) for task in tasks] for _ in range(repeats)]
    theirs, mine = (Spent(*(min(times) for times in zip(*spent, strict=True))) for spent in zip(*turns, strict=True))
    return theirs, mine


def detail(name: str, pairs: list[tuple[np.ndarray, np.ndarray]]) -> Iterator[Row]:
    """Compare guided detail with plain enlarging of the true matte at the working size, in the unknown region."""
    for working in (512, 256):
        ratios = []
        for image, alpha in pairs:
            stored = np.rint(alpha * 255).astype(np.uint8)
            stored[stored < 8], stored[stored > 247] = 0, 255  # mattes that were stored as JPEG
            unknown = trimap_from_alpha(stored, max(1, round(0.01 * max(alpha.shape)))) == 128
            truth = stored.astype(np.float32) / 255
            coarse = resize(truth, working_shape(*alpha.shape, working))
            plain = np.clip(resize(coarse, alpha.shape), 0, 1)
            ratios.append(np.abs(refine(image, coarse) - truth)[unknown].mean() / np.abs(plain - truth)[unknown].mean())
        better = sum(ratio < 1 for ratio in ratios)
        text = f"{np.mean(ratios):.2f} x the error of plain enlarging; better on {better} of {len(ratios)}"
        yield f"detail, {name}, {working} px", "MAD in the unknown region", text


def memory() -> Iterator[Row]:
    """Measure the peak memory of a 24-megapixel cutout above the loaded network, in a process of its own."""
    code = f"import sys; sys.path.insert(0, {str(FOLDER)!r}); import benchmark; benchmark.measure_memory()"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    yield "peak memory at 24 MP", "above the loaded network", f"{float(found[-1]) / 1e6:.0f} MB"


def measure_memory() -> None:
    """Print the bytes; the child process of `memory`."""
    predictor = Predictor(AttentionUNet(pretrained=False), WORKING, "cpu", fastest_precision(torch.device("cpu")))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "photo.jpg"
        small = np.random.default_rng(0).integers(0, 256, (60, 40, 3), np.uint8)
        cv2.imwrite(str(file), cv2.resize(small, (4000, 6000), interpolation=cv2.INTER_CUBIC))
        predictor.predict(small)
        start = _resident()
        peak = _peak_while(lambda: encode_image(finish_file(predictor, file), ".png"))
    print(peak - start)


def finish_file(predictor: Predictor, file: Path) -> np.ndarray:
    """Decode, predict and finish a photo."""
    image = read_photo(file).rgb
    return finish(image, predictor.predict(image), Style())


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _peak_while(task: Callable[[], object]) -> int:
    import threading

    peak, running = [0], threading.Event()

    def watch() -> None:
        while not running.wait(0.002):
            peak[0] = max(peak[0], _resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    task()
    running.set()
    watcher.join()
    return peak[0]


def cold(run: Path, root: Path) -> Iterator[Row]:
    """Time one photo from the command line, including imports."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.png"
        write_png(photo, next(composites(root))[0])
        command = [sys.executable, "-m", "matting.cli", "cutout", "--checkpoint", run, "-o", f"{folder}/out", photo]
        start = time.perf_counter()
        subprocess.run(list(map(str, command)), check=True, capture_output=True)
        yield "cold matting cutout of one photo", "wall time", f"{time.perf_counter() - start:.1f} s"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*map(str, command), "--overwrite"], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        yield "cold matting cutout of one photo", "processor time", f"{spent:.1f} s"


def main() -> None:
    """Measure everything and write results.csv and table.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="run folder, for the cold start")
    parser.add_argument("--pairs", type=Path, help="folder of NAME/image.* with NAME/alpha.png, for detail")
    arguments = parser.parse_args()
    root = ensure_corpus(people=24, seed=7, image_size=1080)
    network = AttentionUNet(pretrained=False).to(memory_format=torch.channels_last).eval()
    parts = [twelve_megapixels(root, network), networks(network), colours(root), memory()]
    parts.append(detail("demo composites of 1080p", [(image, alpha) for image, alpha, _ in composites(root)]))
    if arguments.pairs:
        pairs = real_pairs(arguments.pairs)
        parts.append(detail(f"{len(pairs)} real pairs with a long side of 1080 px or more", pairs))
    if arguments.run:
        parts.append(cold(arguments.run, root))
    rows = []
    for row in chain.from_iterable(parts):
        print(": ".join(row), flush=True)
        rows.append(row)
    write(rows)


def real_pairs(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Yield photos and mattes that are larger than the working size."""
    files = [(next(file.parent.glob("image.*")), file) for file in sorted(folder.glob("*/alpha.png"))]
    pairs = [(read_rgb(image), read_alpha(alpha).astype(np.float32) / 255) for image, alpha in files]
    return [pair for pair in pairs if max(pair[1].shape) >= 1080]


def write(rows: list[Row]) -> None:
    """Write the table."""
    head = ("what", "measure", "figure")
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([head, *rows])
    (FOLDER / "results.csv").write_text(table.getvalue())
    machine = ", ".join(f"{name}: {value}" for name, value in hardware().items() if value)
    lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * 3, *rows)]
    text = "\n".join([*lines, "", f"{machine}; best of several runs on a shared machine.", ""])
    (FOLDER / "table.md").write_text(text)


if __name__ == "__main__":
    main()
