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

__version__ = "0.2.0"

# OpenMP threads spin while they wait for each other. When another process competed for the cores, spinning made a
# training step ten times slower; on an idle machine, sleeping costs about a tenth. Read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Keep PyMatting's compiled loops on Numba's own threads. With OpenMP they would set the thread count of the whole
# process to the number of cores, and a later training (the next job of a sweep) would differ in the last bits.
os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")


def __getattr__(name: str) -> Any:
    """Import `load` on first use: it needs torch, which takes seconds to import."""
    if name == "load":
        from matting.inference import load

        return load
    raise AttributeError(f"module 'matting' has no attribute '{name}'")
