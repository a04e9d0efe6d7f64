"""Time the rendering of the synthetic corpus: people, then people with backgrounds, by number of workers.

python experiments/corpus_realism/speed.py --people 24 --workers 1 2
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from matting.synthetic import CorpusParameters, build_corpus


def main() -> None:
    """Render the same corpus once for each number of workers and print people per second and core."""
    parser = argparse.ArgumentParser(description="Time the rendering of the synthetic corpus.")
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    print("| workers | wall s | processor s | people / s | people / processor s |")
    print("|---|---|---|---|---|")
    for workers in options.workers:
        with tempfile.TemporaryDirectory() as folder:
            wall, busy = time.perf_counter(), _processor_seconds()
            build_corpus(Path(folder) / "corpus", CorpusParameters(options.people), workers, show_progress=False)
            wall, busy = time.perf_counter() - wall, _processor_seconds() - busy
        print(f"| {workers} | {wall:.1f} | {busy:.1f} | {options.people / wall:.2f} | {options.people / busy:.2f} |")
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"\nPeak memory of one process: {peak / 1024:.0f} MiB")


def _processor_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main()
