"""Optional packages: the table is that of pyproject.toml, and a missing one ends in one line with its cure."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

from matting.errors import MattingError
from matting.extras import EXTRAS, require
from tests.syntax import parse

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def project_name(requirement: str) -> str:
    return re.split(r"[\[<>=~ ]", requirement, maxsplit=1)[0].lower().replace("-", "_")


def test_each_package_is_in_the_extra_that_the_error_names():
    for package, extra in EXTRAS.items():
        assert package in map(project_name, PROJECT["optional-dependencies"][extra])
        assert package not in map(project_name, PROJECT["dependencies"])


@pytest.mark.parametrize("module", [*EXTRAS, "pyarrow.parquet"])
def test_a_missing_package_is_one_line_with_its_cure(module, monkeypatch):
    package = module.partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    cure = rf"a test needs the package {package}\b.*pip install 'portrait-matting\[{EXTRAS[package]}\]'"
    with pytest.raises(MattingError, match=cure) as caught:
        require(module, "a test")
    assert "\n" not in str(caught.value)


def test_a_package_that_is_broken_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "onnx.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "onnx", raising=False)
    with pytest.raises(ImportError, match=r"libGL\.so\.1"):
        require("onnx", "a test")


def imported(tree: ast.AST) -> set[str]:
    """Packages that a module imports when it is run: what only type checkers see is left out."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        found |= {name.partition(".")[0] for name in names} | imported(node)
    return found


def test_no_module_imports_an_optional_package_by_itself():
    found = {
        f"{path}: {package}; use matting.extras.require"
        for path in sorted((ROOT / "matting").rglob("*.py"))
        for package in imported(parse(path.read_text())) & EXTRAS.keys()
    }
    # The page is built by callbacks of Gradio, whose module is loaded by then.
    assert found - {f"{ROOT}/matting/inference/page.py: gradio; use matting.extras.require"} == set()


def test_opencv_needs_no_windows():
    """What only opencv-python has, and opencv-python-headless lacks."""
    graphical = {"imshow", "namedWindow", "waitKey", "waitKeyEx", "destroyAllWindows", "createTrackbar", "selectROI"}
    for path in sorted((ROOT / "matting").rglob("*.py")):
        used = {node.attr for node in ast.walk(parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert not used & graphical, path
