"""The weights in the package, tested on one real photo in the public domain, and their records."""

import importlib.util
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from skimage import data

import matting
from matting.inference.resolving import PRETRAINED
from matting.models import RECORDS

NAMES = ("portrait", "portrait-research")
FACE, CORNERS = (slice(50, 170), slice(180, 265)), ((slice(0, 60), slice(0, 60)), (slice(0, 60), slice(340, 380)))


@pytest.mark.parametrize("name", NAMES)
def test_the_astronaut_is_cut_out(name):
    if not (PRETRAINED / name).is_dir():
        pytest.skip(f"{name} is not in this tree")
    model = matting.load(name, device="cpu", precision="float32")
    alpha = model.alpha(data.astronaut())
    assert alpha[FACE].mean() > 0.95
    assert all(alpha[corner].mean() < 0.1 for corner in CORNERS)
    assert np.asarray(model.cutout(data.astronaut())).shape == (512, 512, 4)


@pytest.mark.parametrize("name", NAMES)
def test_its_folder_is_small_and_states_its_licence(name):
    if not (PRETRAINED / name).is_dir():
        pytest.skip(f"{name} is not in this tree")
    folder = PRETRAINED / name
    assert (folder / "model.safetensors").stat().st_size <= 12e6
    # Of the default model alone, whose start it makes faster.
    graphs = [file.stat().st_size <= 12e6 for file in folder.glob("*.onnx")]
    assert graphs == ([True] if name == "portrait" else [])
    records = json.loads((folder / RECORDS).read_text())
    assert records["scores"] and records["notes"] and records["digest"] == matting.load(name, device="cpu").digest
    assert records["licence"] == {"portrait": "Apache-2.0"}.get(name, "research only, non-commercial")
    assert records["licence"] in (folder / "README.md").read_text()


@pytest.mark.parametrize("file", [path for path in PRETRAINED.rglob("*") if path.is_file()], ids=lambda path: path.name)
def test_no_file_names_folders_of_the_machine_that_wrote_it(file):
    """The exporter of ONNX notes the source line of every node."""
    assert not re.search(rb"site-packages|/(home|root|work|tmp|usr)/", file.read_bytes())


@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="needs the extra 'onnx'")
def test_the_default_model_starts_without_the_slow_imports():
    """timm imports torchvision, which imports torch's compiler: a third of the time of a first cutout."""
    program = "import matting, sys; print(matting.load(device='cpu').backend, *sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    backend, *modules = done.stdout.splitlines()
    assert backend == "ONNX Runtime on CPU" and {"timm", "torchvision", "torch._dynamo", "scipy"}.isdisjoint(modules)


@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="needs the extra 'onnx'")
def test_the_graph_has_the_weights_of_the_default_model():
    exact, graph = (matting.load(device="cpu", **which) for which in ({"precision": "float32"}, {"backend": "onnx"}))
    assert exact.backend == "torch float32 on cpu" and exact.digest == graph.digest and exact.licence == graph.licence
    assert np.abs(exact.alpha(data.astronaut()) - graph.alpha(data.astronaut())).max() < 1e-3
