"""Other libraries must keep PyTorch's thread count: sums over another number of threads differ in the last bits."""

import os
import subprocess
import sys

PROGRAM = """
import matting, numpy as np, torch
from matting.closed_form import closed_form
photo = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
trimap = np.repeat(np.repeat(np.uint8([[0, 128, 255]]), 48, 0), 16, 1)
before = torch.get_num_threads()
closed_form(photo, trimap)
print(before, torch.get_num_threads())
"""


def test_pymatting_leaves_the_number_of_threads_alone() -> None:
    """Through OpenMP, Numba raises it to the number of cores, in the middle of a sweep."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.split() == ["1", "1"]
