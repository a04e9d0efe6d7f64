"""Models go to a stand-in for the hub and come back; the card's metadata is in the hub's format."""

import json
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from huggingface_hub import ModelCard

import matting
from matting.inference import push_to_hub
from matting.inference.card import model_card
from matting.inference.resolving import PRETRAINED
from matting.models import RECORDS, AttentionUNet
from tests.inference.hub import COMMIT, serving

OPTIONS = {"encoder": "test_resnet", "decoder_channels": [16, 16, 8, 8, 8]}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with serving() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_TOKEN", "secret")
        yield server


@pytest.fixture
def run_folder(tmp_path) -> Path:
    model = AttentionUNet(**OPTIONS, pretrained=False)
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    content = {
        "state_dict": {f"model.{key}": value for key, value in model.state_dict().items()},
        "hyper_parameters": {"model": OPTIONS, "size": 64, "corpus": "synthetic corpus, not real data"},
    }
    torch.save(content, tmp_path / "run/checkpoints/last.ckpt")
    return tmp_path / "run"


def test_a_run_goes_to_the_hub_and_comes_back(hub, run_folder):
    model = matting.load(run_folder, device="cpu", precision="float32")
    assert model.push_to_hub("someone/new", private=True) == f"{hub.address}/someone/new/commit/{COMMIT}"
    assert hub.private == {"someone/new": True}
    files = hub.repositories["someone/new"]
    assert files.keys() == {"README.md", "config.json", "model.safetensors", RECORDS}
    assert b"--checkpoint hf:someone/new" in files["README.md"] and b"THIS_FOLDER" not in files["README.md"]
    there = matting.load("hf:someone/new", device="cpu", precision="float32")
    photo = torch.randint(0, 256, (40, 50, 3), dtype=torch.uint8).numpy()
    assert there.digest == model.digest and (there.alpha(photo) == model.alpha(photo)).all()


def test_a_model_folder_is_uploaded_as_it_is(hub, run_folder, tmp_path):
    folder = tmp_path / "model"
    matting.inference.model_folder.export_model(run_folder, folder, graph=False, terms={"own": "CC0"})
    (folder / "model.onnx").write_bytes(b"a graph")
    (folder / "notes.txt").write_text("private")
    push_to_hub(folder, "someone/folder")
    files = hub.repositories["someone/folder"]
    expected = {
        path.name: path.read_bytes() for path in folder.iterdir() if path.name not in ("notes.txt", "README.md")
    }
    assert {name: files[name] for name in files if name != "README.md"} == expected
    assert "CC0" in json.loads(files[RECORDS])["licence_of_data"].values()


@pytest.mark.parametrize("token", ["wrong", None])
def test_a_refusal_of_the_hub_is_one_line(hub, run_folder, monkeypatch, token):
    monkeypatch.setenv("HF_TOKEN", token or "")
    with pytest.raises(OSError, match=r"someone/new: expected a repository OWNER/NAME .*run 'hf auth login'") as caught:
        push_to_hub(run_folder, "someone/new")
    assert "\n" not in str(caught.value) and not hub.repositories


def test_a_hub_that_cannot_be_reached_is_one_line(hub, run_folder):
    hub.close()
    with pytest.raises(OSError, match=r"someone/new: expected a repository"):
        push_to_hub(run_folder, "someone/new")


def records(**more: object) -> dict[str, object]:
    return {"size": 64, "corpus": "tiny", "digest": "0123456789ab", "licence_of_data": {"PPM-100": "CC BY-NC"}} | more


def test_the_cards_metadata_is_in_the_hubs_format():
    cells = {
        f"own{label}/{region}/mad": {"mean": mean, "low": 0, "high": 1, "images": 3}
        for label in ("", ".hat")
        for region, mean in (("whole", 0.0123456), ("unknown", 0.2))
    }
    scores = [{"images": "images: of own, 'quoted'", "weights": "0123456789ab", "protocol": {}, "cells": cells}]
    data = ModelCard(model_card(records(scores=scores))).data
    assert (data.license, data.license_name) == ("other", "research-only-non-commercial")
    assert (data.library_name, data.pipeline_tag) == ("portrait-matting", "image-segmentation")
    found = {(one.dataset_name, one.metric_name): one.metric_value for one in data.eval_results}
    name = "images: of own, 'quoted'"
    assert found == {(name, "MAD, whole"): 0.01235, (name, "MAD, unknown"): 0.2}


def test_a_card_without_scores_has_no_metrics():
    assert ModelCard(model_card(records())).data.eval_results is None


@pytest.mark.parametrize("folder", sorted(PRETRAINED.glob("*/")), ids=lambda folder: folder.name)
def test_the_card_of_a_shipped_model_is_made_from_its_records(folder):
    assert (folder / "README.md").read_text() == model_card(json.loads((folder / RECORDS).read_text()))
