"""The folder of files that can be recomputed."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """Return the cache folder: ``$MATTING_CACHE``, else ``$XDG_CACHE_HOME/matting``, else ``~/.cache/matting``."""
    if folder := os.environ.get("MATTING_CACHE"):
        return Path(folder).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "matting"
