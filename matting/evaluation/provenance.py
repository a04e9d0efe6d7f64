"""Where figures come from: what a result file says next to its numbers."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("portrait-matting", "torch", "lightning", "timm", "kornia", "numpy", "opencv-python-headless", "pillow")


def commit() -> str | None:
    """Return the commit this code stands at, with ``+changes`` where files differ from it; None outside a checkout."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    revision = _git(folder, "rev-parse", "HEAD")
    return revision and revision + ("+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")


def hardware() -> dict[str, Any]:
    """Return processor, number of usable cores and accelerator."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on; those not installed are left out."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def measurement_facts(results: Mapping[str, Any]) -> dict[str, str]:
    """Say in words how figures were measured.

    Args:
        results: Content of a `results.json`.

    Returns:
        What to print, by name: protocol, methods, notes, commit, hardware, versions, times.
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
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
