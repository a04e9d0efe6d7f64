"""The source archive and the wheel: their content, and the commands in a new environment and an empty folder."""

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

import matting
from matting.images import read_rgba, write_png
from tests.conftest import MINIATURE

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow
RUN = ("data.epoch_rows=24", "data.batch_size=4", "data.workers=0", "trainer.accelerator=cpu", "trainer.max_steps=2")
RUN += ("callbacks.progress=null", "hydra.run.dir=outputs/run")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Source archive and wheel; the wheel is built from the unpacked archive. No network is used."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of an environment with the wheel, which takes all else from this environment."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(built[1])]
    subprocess.run(pip, check=True, timeout=300)
    site = subprocess.run(
        [folder / "bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    # The .pth files of these folders are not read there, so that an editable installation of this package is not found.
    others = [entry for entry in sys.path if Path(entry).name == "site-packages"]
    Path(site, "others.pth").write_text("".join(f"{entry}\n" for entry in others))
    return folder / "bin"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("empty")


def call(installed: Path, folder: Path, *arguments: str) -> str:
    """Run ``matting`` without this checkout in reach; return what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(installed / "matting"), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def versioned(*folders: str) -> set[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *folders]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return {name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()}


def test_the_wheel_has_the_package_the_recipe_and_nothing_else(built):
    with zipfile.ZipFile(built[1]) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    configured = "".join((ROOT / name).read_text() for name in versioned("conf"))
    splits = re.findall(r"\$\{recipe:([^}]+)\}", configured)
    recipe = {f"matting/recipe/{name}" for name in {"train.py", *versioned("conf"), *splits}}
    if not versioned("matting"):
        pytest.skip("not a checkout: what belongs to the package is not known")
    assert names == versioned("matting") | recipe
    assert f"portrait_matting-{matting.__version__}-" in built[1].name


def test_the_source_archive_has_code_tests_and_licence(built):
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "train.py", "conf/train.yaml", "tests/test_cli.py"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("outputs", "multirun", ".git/"))]


def test_the_package_is_that_of_the_wheel(installed, empty):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    code = "import matting.config; print(matting.__file__); print(matting.config.RECIPE)"
    shown = subprocess.run(
        [installed / "python", "-c", code], cwd=empty, env=environment, capture_output=True, text=True
    )
    assert shown.stdout.count(str(installed.parent)) == 2, shown.stdout + shown.stderr


def test_a_run_and_its_use_in_an_empty_folder(installed, empty):
    assert "stage 'all'" in call(installed, empty, "plan", *MINIATURE[:2], "trainer.max_epochs=1")
    printed = call(installed, empty, "train", *MINIATURE, *RUN)
    printed += call(installed, empty, "train", "--help") + call(installed, empty, "config", "experiment")
    assert "matting train resume=" in printed and "python train.py" not in printed
    run = empty / "outputs/run"
    assert {"report.md", "results.json", "plan.csv", "checkpoints", ".hydra"} <= {path.name for path in run.iterdir()}
    for name in ("images", "alphas"):
        (empty / name).mkdir(exist_ok=True)
    photo = np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8)
    write_png(empty / "images/a.png", photo)
    write_png(empty / "alphas/a.png", np.pad(np.full((30, 20), 255, np.uint8), 10))
    call(installed, empty, "cutout", "images/a.png", "cut.png", "--checkpoint", "outputs/run")
    assert read_rgba(empty / "cut.png").shape == (50, 40, 4)
    pairs = ("--images", "images", "--alphas", "alphas", "-o", "report")
    call(installed, empty, "evaluate", "--checkpoint", "outputs/run", *pairs)
    assert (empty / "report/report.html").is_file()
    call(installed, empty, "report", "outputs/run", "-o", "study")
    assert (empty / "study/table.md").is_file()


def test_a_sweep_and_fine_tuning_in_an_empty_folder(installed, empty):
    sweep = ("-m", "seed=1,2", *MINIATURE, *RUN[:-1], "hydra.sweep.dir=multirun/sweep")
    call(installed, empty, "train", *sweep)
    jobs = sorted(path for path in (empty / "multirun/sweep").iterdir() if path.is_dir())
    assert [path.name[:2] for path in jobs] == ["0_", "1_"] and all((path / "results.json").is_file() for path in jobs)
    for k in range(24):
        for name, shape in (("image", (50, 40, 3)), ("alpha", (50, 40))):
            (empty / "own" / name).mkdir(parents=True, exist_ok=True)
            image = np.random.default_rng(k).integers(0, 256, shape, np.uint8)
            write_png(empty / "own" / name / f"{k}.png", image)
    start = f"model.path={jobs[0]}"
    sizes = ("data.size=64", "data.crop_size=72")
    call(installed, empty, "train", "experiment=finetune", "corpus.root=own", start, *sizes, *RUN[:-1], "seed=3")
    tuned = [path.parent for path in (empty / "outputs").glob("20*/results.json")]
    assert len(tuned) == 1 and "own" in (tuned[0] / "report.md").read_text()
