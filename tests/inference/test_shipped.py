"""The weights in the package, tested on one real photo in the public domain, and their records."""

import json

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
    assert (folder / "model.safetensors").stat().st_size <= 12e6 and not (folder / "model.onnx").exists()
    records = json.loads((folder / RECORDS).read_text())
    assert records["scores"] and records["notes"] and records["digest"] == matting.load(name, device="cpu").digest
    assert records["licence"] == {"portrait": "Apache-2.0"}.get(name, "research only, non-commercial")
    assert records["licence"] in (folder / "README.md").read_text()
