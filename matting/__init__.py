"""Trimap-free portrait matting: the structure of the training data, made explicit.

Example:
    >>> import matting
    >>> model = matting.load("portrait")  # doctest: +SKIP
    >>> rgba = model.cutout("photo.jpg")  # doctest: +SKIP
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matting.inference import load as load

__version__ = "0.1.0"

# OpenMP's threads spin while they wait for each other. Where another process wants the cores that made a training
# step ten times slower; on a free machine sleeping instead costs about a tenth. Read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# PyMatting's compiled loops run in Numba's own threads. Through OpenMP they would set the whole process's number of
# threads to that of the cores, and a training after them (the next job of a sweep) would differ in the last bits.
os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")


def __getattr__(name: str) -> Any:
    """Import `load` when it is first used: it needs torch, which takes seconds."""
    if name == "load":
        from matting.inference import load

        return load
    raise AttributeError(f"module 'matting' has no attribute '{name}'")
