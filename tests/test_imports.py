"""The layers of the package: each room imports only from lower floors, also inside functions."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.syntax import parse

PACKAGE = Path(__file__).parent.parent / "matting"

# From top to bottom. Rooms of one floor do not import each other.
FLOORS = (
    ("cli",),
    ("commands",),
    ("training", "curation"),
    ("config", "studies"),
    ("evaluation.report",),
    ("evaluation",),
    ("inference",),
    ("data",),
    ("plan", "synthetic"),
    ("losses",),
    ("metrics", "models", "augment"),
    ("images",),
    ("mattes",),
    ("closed_form", "decoding", "foreground", "processes"),
    (
        "arguments",
        "batch",
        "cache",
        "cluster",
        "files",
        "image_formats",
        "options",
        "overrides",
        "tags",
        "tiles",
        "trimap",
    ),
    ("shards",),
    ("extras",),
    ("errors",),
)
FLOOR = {room: len(FLOORS) - number for number, floor in enumerate(FLOORS) for room in floor}


def name_of(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str, modules: set[str]) -> Iterator[str]:
    """Yield every module of `modules` that the source imports, at any level of nesting."""
    tree = parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports must use the full name, so that they can be searched for"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield from {inner if inner in modules else str(node.module)} & modules


def graph(package: Path) -> dict[str, set[str]]:
    """Return the modules that each module of a package imports."""
    files = {name_of(path, package): path for path in package.rglob("*.py")}
    return {name: set(imports(path.read_text(), set(files))) for name, path in files.items()}


def room(module: str) -> str:
    """Return the room of `FLOORS` that a module belongs to."""
    inner = module.partition(".")[2]
    return max((name for name in FLOOR if f"{inner}.".startswith(f"{name}.")), key=len, default="")


def climbing(package: Path) -> list[str]:
    """Return the imports from the same or a higher floor."""
    return [
        f"{module} imports {other}"
        for module, others in sorted(graph(package).items())
        for other in sorted(others)
        if module != "matting" and room(module) != room(other) and FLOOR[room(module)] <= FLOOR[room(other)]
    ]


def test_every_module_has_a_room():
    assert [module for module in graph(PACKAGE) if not room(module) and module != "matting"] == []


def test_rooms_import_lower_floors_only():
    assert climbing(PACKAGE) == []


@pytest.mark.parametrize(
    "line",
    ["from matting.inference import x", "import matting.inference", "def f():\n    from matting import inference"],
)
def test_an_import_that_climbs_is_found(line, tmp_path):
    package = tmp_path / "matting"
    for folder, text in (("", ""), ("data", line + "\n"), ("inference", "from matting import data\n")):
        (package / folder).mkdir(exist_ok=True)
        (package / folder / "__init__.py").write_text(text)
    assert climbing(package) == ["matting.data imports matting.inference"]


def test_modules_import_in_no_circle():
    try:
        TopologicalSorter(graph(PACKAGE)).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("matting.plan.schedule", {"torch", "cv2", "hydra", "lightning"}),
        ("matting.data.corpora", {"torch", "hydra", "lightning"}),
        ("matting.training.schedule", {"torch", "lightning"}),  # of `matting plan`
        ("matting.data.loader", {"lightning", "torchmetrics", "timm", "kornia"}),
        ("matting.cli", {"torch", "cv2", "hydra", "lightning"}),
        ("matting", {"torch", "cv2", "numpy", "PIL", "typer"}),
    ],
)
def test_light_modules_import_no_heavy_library(module, absent):
    script = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert absent & set(loaded) == set()
