import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_benchmark_runs_and_writes_its_table(tmp_path: Path) -> None:
    tiny = ["--size", "64", "--rows", "2", "--rounds", "1", "-o", str(tmp_path)]
    command = [sys.executable, "experiments/augment_speed/benchmark.py", *tiny]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    table = (tmp_path / "table_cpu.md").read_text()
    assert "| training step, ResNet-34 |" in table and "times as long as this package's" in table
    assert "| own, ms | Kornia's, ms | ratio |" in table and "| posterize" in table
