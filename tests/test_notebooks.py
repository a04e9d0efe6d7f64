"""Notebooks stay thin and clean, and run from the first cell to the last on tiny data."""

import ast
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import MINIATURE

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CORPUS = [override for override in MINIATURE if override.startswith("corpus.")]
NETWORK = [override for override in MINIATURE if not override.startswith("corpus.")]


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_contains_no_output_and_defines_nothing(path: Path) -> None:
    cells = code_cells(nbformat.read(path, as_version=4))
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    found = [node for cell in cells for node in ast.walk(ast.parse(cell.source)) if isinstance(node, defined)]
    assert not found, "functions and classes belong in matting/"
    assert cells[0].metadata.tags == ["parameters"]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, project_cache: Path) -> Path:
    """A run as `train.py` leaves it, its configuration included."""
    folder = tmp_path_factory.mktemp("run") / "run"
    short = [
        "data.epoch_rows=8",
        "data.batch_size=4",
        "data.workers=0",
        "trainer.max_epochs=2",
        f"hydra.run.dir={folder}",
    ]
    command = [sys.executable, "train.py", *MINIATURE, *short, "callbacks.progress=null"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=400)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_something(path: Path, run_folder: Path) -> None:
    parameters = {
        "mixture_and_curriculum": {"OVERRIDES": [*CORPUS, "+curriculum=3stage", "trainer.max_epochs=3"]},
        "augmentation": {"OVERRIDES": [*CORPUS, *NETWORK, "data=augmented"], "ROWS": 3},
        "error_gallery": {"RUN": str(run_folder), "OVERRIDES": CORPUS},
        "run_comparison": {"RUNS": [str(run_folder)]},
    }[path.stem]
    notebook = nbformat.read(path, as_version=4)
    code_cells(notebook)[0].source += "".join(f"\n{name} = {value!r}" for name, value in parameters.items())
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    kinds = {kind for cell in code_cells(notebook) for out in cell.outputs for kind in out.get("data", {})}
    assert "image/png" in kinds
