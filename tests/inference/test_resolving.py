"""From names, paths and hub repositories to weights; a local server stands in for the hub."""

import shutil

import huggingface_hub.constants
import pytest
import torch

from matting.inference import load, resolve, shipped_models, trained_network
from matting.inference.records import APACHE, OTHER, RENDERED, RESEARCH, licence
from matting.models import load_checkpoint
from tests.inference.hub import serving


def test_a_shipped_name_is_found_before_a_file_of_that_name(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert list(shipped_models()) == ["portrait", "portrait-research"]
    (tmp_path / "portrait").mkdir()
    assert resolve("portrait") == shipped / "portrait"
    assert resolve(tmp_path / "portrait") == tmp_path / "portrait"


@pytest.mark.parametrize(("typed", "meant"), [("portait", "portrait"), ("portrait_research", "portrait-research")])
def test_a_mistyped_name_gives_one_line_with_the_nearest(shipped, typed, meant):
    with pytest.raises(
        FileNotFoundError, match=rf"shipped model \(portrait, portrait-research\).*did you mean '{meant}'"
    ):
        resolve(typed)


def test_an_installation_without_models_reports_it(tmp_path, monkeypatch):
    monkeypatch.setattr("matting.inference.resolving.PRETRAINED", tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=r"portrait: expected a run folder.*none in this installation"):
        load()


def test_a_model_describes_itself_and_its_licence(shipped):
    model = load(device="cpu")
    assert str(model).startswith(f"portrait ({model.digest}): Apache-2.0; trained on: tiny")
    assert ": research only, non-commercial;" in str(load("portrait-research", device="cpu"))


def test_a_shipped_network_is_trained_further(shipped):
    network = trained_network("portrait")
    assert network.training and all(parameter.requires_grad for parameter in network.parameters())
    expected = load_checkpoint(shipped / "portrait").model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"a": RENDERED, "encoder": "started from ImageNet weights: Apache-2.0"}, APACHE),
        ({"a": RENDERED, "b": "CC BY-NC 2.0"}, RESEARCH),
        ({"a": "non-commercial; on request"}, RESEARCH),
        ({"a": RENDERED, "b": "yours"}, OTHER),
        ({"a": "unknown"}, OTHER),
    ],
)
def test_the_strictest_terms_apply(terms, words):
    assert licence(terms) == words


@pytest.fixture
def hub(shipped, tmp_path, monkeypatch):
    """A server with one repository, someone/model, and a separate cache."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with serving() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_TOKEN", "secret")
        files = {file.name: file.read_bytes() for file in (shipped / "portrait").iterdir()}
        server.repositories["someone/model"] = files | {"pickled.bin": b"harm"}
        yield server


def test_a_model_on_the_hub_is_fetched_once_and_without_pickles(hub, shipped):
    there = load("hf:someone/model", device="cpu")
    assert there.digest == load("portrait", device="cpu").digest and there.name == "hf:someone/model"
    assert any("model.safetensors" in path for path in hub.asked) and not any("pickled" in path for path in hub.asked)
    shutil.rmtree(shipped)
    hub.close()
    assert load("hf:someone/model", device="cpu").digest == there.digest


@pytest.mark.parametrize("name", ["hf:someone/nothing", "hf:", "hf:a/b/c"])
def test_a_model_missing_on_the_hub_gives_one_line(hub, name):
    with pytest.raises(OSError, match=f"{name}: expected a model folder on the Hugging Face hub, found: ") as caught:
        resolve(name)
    assert "\n" not in str(caught.value)
