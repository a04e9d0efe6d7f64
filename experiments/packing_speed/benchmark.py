"""Time reads of a packed set and of loose files: ``python experiments/packing_speed/benchmark.py``.

Every case reads the same items in the same random order, image and matte of each, without decoding them. Cold: the
system was told to drop what it holds of the files. Warm: it has them, but the process does not. The S3 server is that
of moto, on this machine and written in Python: the table shows the cost of requests, not that of a network.
"""

import argparse
import logging
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from matting import shards
from matting.data.formats import Source, hf_dataset, pairs
from matting.data.packing import pack
from matting.data.verify import find_format
from matting.extras import require
from matting.shards import read_bytes

FOLDER = Path(__file__).parent
KEY = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


def write_pairs(root: Path, items: int, side: int) -> None:
    """Write noisy images as JPEG and soft discs as PNG; only their sizes matter here."""
    (root / "image").mkdir(parents=True)
    (root / "alpha").mkdir()
    rows, columns = np.mgrid[:side, :side]
    for k in range(items):
        rng = np.random.default_rng(k)
        coarse = rng.integers(0, 256, (16, 16, 3), np.uint8)
        image = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC) + rng.normal(0, 6, (side, side, 3))
        distance = np.hypot(rows - side / 2, columns - side / 2) + rng.normal(0, 2, (side, side))
        alpha = np.clip((side * 0.3 - distance) * 4 + 128, 0, 255).astype(np.uint8)
        cv2.imwrite(str(root / f"image/{k:05d}.jpg"), np.clip(image, 0, 255).astype(np.uint8))
        cv2.imwrite(str(root / f"alpha/{k:05d}.png"), alpha)


def drop(folder: Path) -> None:
    """Tell the system to drop what it holds of the files in memory."""
    for path in folder.rglob("*"):
        if path.is_file():
            number = os.open(path, os.O_RDONLY)
            os.fsync(number)
            os.posix_fadvise(number, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(number)


def read_all(source: Source, order: np.ndarray) -> int:
    """Read image and matte of each item, and return the number of bytes."""
    items = [source.items[k] for k in order]
    return sum(len(read_bytes(path)) for item in items for path in (item.photo, item.alpha) if path)


def measure(name: str, open_set: Callable[[], Source], folder: Path | None, rounds: int) -> list[list[str]]:
    """Return the lines of the table for a set: cold and warm, or one for a store, which is never cold."""
    states = ("cold", "warm") if folder else ("",)
    wall: dict[str, list[float]] = {state: [] for state in states}
    processor: dict[str, list[float]] = {state: [] for state in states}
    opened: dict[str, list[float]] = {state: [] for state in states}
    size = count = 0
    for turn in range(rounds):
        if folder:
            drop(folder)
        for state in states:
            shards.forget()
            start = time.perf_counter()
            source = open_set()
            opened[state].append(time.perf_counter() - start)
            order = np.random.default_rng(turn).permutation(len(source))
            start, used = time.perf_counter(), time.process_time()
            size, count = read_all(source, order), len(source)
            wall[state].append((time.perf_counter() - start) / count)
            processor[state].append((time.process_time() - used) / count)
    lines = []
    for state in states:
        first, spent, used = (statistics.median(times[state]) for times in (opened, wall, processor))
        rates = [f"{1 / spent:,.0f}", f"{size / count / spent / 1e6:,.0f}"]
        lines.append([name, state, f"{1000 * first:.0f}", f"{1000 * spent:.2f}", f"{1000 * used:.2f}", *rates])
    return lines


def train_of(shown: Callable[..., Source], root: Path | str) -> Callable[[], Source]:
    """Return the call that opens the training split."""
    return lambda: shown(root, "train")


def serve(folder: Path) -> tuple[str, Callable[[], None]]:
    """Start moto's S3 server with the shards of a folder in it; return their address and the call that ends it."""
    server = require_moto()(port=0)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line per request
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    os.environ |= {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ |= {name.upper(): value for name, value in KEY.items()}
    store = require("fsspec", "the benchmark").filesystem("s3")
    store.mkdir("bench")
    store.put(str(folder), "bench/shards", recursive=True)
    return "s3://bench/shards", server.stop


def require_moto() -> Callable[..., object]:
    """Return moto's server."""
    try:
        from moto.server import ThreadedMotoServer
    except ImportError as error:
        raise SystemExit(f"the S3 server needs another package: pip install 'moto[server]' s3fs ({error})") from error
    return ThreadedMotoServer


def main() -> None:
    """Measure all cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--side", type=int, default=768, help="pixels")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-s3", action="store_true", help="without the S3 server, which needs moto and s3fs")
    options = parser.parse_args()
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory(dir=".") as place:
        loose, packed = Path(place) / "loose", Path(place) / "shards"
        write_pairs(loose, options.items, options.side)
        start = time.perf_counter()
        files = pack(find_format("pairs"), loose, packed, lambda items, label: items, workers=1)
        spent, size = time.perf_counter() - start, sum(path.stat().st_size for path in files)
        lines += measure("loose files", train_of(pairs, loose), loose, options.rounds)
        lines += measure("packed", train_of(hf_dataset, packed), packed, options.rounds)
        if not options.no_s3:
            address, stop = serve(packed)
            lines += measure("packed, S3 server on this machine", train_of(hf_dataset, address), None, options.rounds)
            stop()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    each = f"{options.side} x {options.side} pixels and {size / options.items / 1e6:.2f} MB"
    text = [
        f"{options.items} synthetic pairs of {each}; the training split is read in random order by one process; "
        f"wall time, median of {options.rounds} rounds. Packing took {spent:.1f} s ({size / spent / 1e6:.0f} MB/s).",
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {load}: other programs ran.",
        "",
        "| case | state | ms to open | ms per pair | of which processor | pairs/s | MB/s |",
        "|---|---|---:|---:|---:|---:|---:|",
        *(f"| {' | '.join(line)} |" for line in lines),
    ]
    print("\n".join(text))
    (FOLDER / "table.md").write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
