"""Where results come from: commit, hardware and versions, for the result files."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

OPENCV = ("opencv-python-headless", "opencv-python")  # one of them is installed
PACKAGES = ("portrait-matting", "torch", "lightning", "timm", "kornia", "numpy", *OPENCV, "pillow")


def commit() -> str | None:
    """Return the commit of this code, with ``+changes`` if tracked files differ from it; None outside a checkout."""
    folder = Path(__file__).resolve().parents[2]
    # Git itself would search the folders above too: in a virtual environment inside another checkout it would find that
    # one's commit.
    if not (folder / ".git").exists():
        return None
    # Untracked files are not counted: outputs of runs in the checkout would mark every result as changed.
    revision = _git(folder, "rev-parse", "HEAD")
    return revision and revision + ("+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")


def hardware() -> dict[str, Any]:
    """Return processor, number of usable cores and accelerator."""
    return {
        "processor": _processor(),
        # The cores this process may use, which under a scheduler are fewer than the machine has.
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on, as far as they are installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def measurement_facts(results: Mapping[str, Any]) -> dict[str, str]:
    """Describe in words how the results were measured.

    Args:
        results: Content of a ``results.json``.

    Returns:
        Text by name: protocol, methods, notes, commit, hardware, versions, times.
    """
    return {
        **results["protocol"],
        **results["methods"],
        **results["notes"],
        "commit": results["commit"] or "not a checkout",
        "hardware": ", ".join(f"{name}: {value}" for name, value in results["hardware"].items() if value),
        "versions": ", ".join(f"{name} {version}" for name, version in results["versions"].items()),
        "wall time": f"{results['wall_seconds']:.0f} s",
        "per image": ", ".join(f"{name} {spent:.3f} s" for name, spent in results["seconds_per_image"].items()),
    }


def _processor() -> str:
    # On Linux `platform.processor` is empty or names the architecture only.
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        # A git that is missing or hangs costs the commit, not the results.
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
