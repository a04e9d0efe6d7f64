"""Notebooks are thin and clean, can be opened in Colab, and run from the first cell to the last as they are."""

import ast
import subprocess
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

from tests.syntax import parse

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_contains_no_output_and_defines_nothing(path: Path) -> None:
    cells = code_cells(nbformat.read(path, as_version=4))
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    found = [node for cell in cells for node in ast.walk(parse(cell.source)) if isinstance(node, defined)]
    assert not found, "functions and classes belong in matting/"
    assert cells[0].metadata.tags == ["parameters"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_opens_with_its_own_badge_of_colab(path: Path) -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text().replace("!!python/name:", ""))
    repository = site["repo_url"].removeprefix("https://github.com/").rstrip("/")
    notebook = nbformat.read(path, as_version=4)
    first, install = notebook.cells[0], code_cells(notebook)[1]
    assert f"(https://colab.research.google.com/github/{repository}/blob/main/notebooks/{path.name})" in first.source
    assert f"git+https://github.com/{repository}" in install.source


def test_the_address_of_the_repository_is_nowhere_else() -> None:
    """CONTRIBUTING.md has the command that changes it in these files."""
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text().replace("!!python/name:", ""))
    address = site["repo_url"].removeprefix("https://")
    found = subprocess.run(["git", "grep", "-lF", address], cwd=ROOT, capture_output=True, text=True)
    if found.returncode > 1:
        pytest.skip("not a checkout")
    assert set(found.stdout.split()) == {"mkdocs.yml", *(f"notebooks/{path.name}" for path in NOTEBOOKS)}


def test_the_page_about_notebooks_lists_them_all() -> None:
    text = (ROOT / "docs" / "notebooks.md").read_text()
    assert len(NOTEBOOKS) == text.count(".ipynb)") and all(path.name in text for path in NOTEBOOKS)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_something(path: Path, tmp_path: Path, project_cache: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    printed = [out for cell in code_cells(notebook) for out in cell.outputs]
    assert "image/png" in {kind for out in printed for kind in out.get("data", {})}
    assert all(out.output_type != "error" for out in printed)
