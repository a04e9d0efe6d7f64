"""From names, paths and hub repositories to weights; a local server stands in for the hub."""

import hashlib
import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import huggingface_hub.constants
import pytest
import torch

from matting.inference import load, resolve, shipped_models, trained_network
from matting.inference.records import APACHE, OTHER, RENDERED, RESEARCH, licence
from matting.models import load_checkpoint

COMMIT = "0123456789abcdef0123456789abcdef01234567"


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
    """A server with one repository, someone/model, that answers like the hub, and a separate cache."""
    root, asked = shipped / "portrait", []
    (root / "pickled.bin").write_bytes(b"harm")

    class Hub(BaseHTTPRequestHandler):
        def log_message(self, *values):
            pass

        def reply(self, content, **headers):
            self.send_response(200)
            for name, value in {"Content-Length": len(content), **headers}.items():
                self.send_header(name.replace("_", "-"), str(value))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def do_GET(self):
            path = self.path.partition("?")[0]
            asked.append(path)
            files = {file.name: file.read_bytes() for file in root.iterdir()}
            name = path.removeprefix(f"/someone/model/resolve/{COMMIT}/")
            if path == "/api/models/someone/model/revision/main":
                listing = {"id": "someone/model", "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]}
                self.reply(json.dumps(listing).encode(), Content_Type="application/json")
            elif path == f"/api/models/someone/model/tree/{COMMIT}":
                tree = [{"type": "file", "path": name, "size": len(files[name]), "oid": "0" * 40} for name in files]
                self.reply(json.dumps(tree).encode(), Content_Type="application/json")
            elif name in files:
                tag = hashlib.sha256(files[name]).hexdigest()
                self.reply(files[name], ETag=f'"{tag}"', X_Repo_Commit=COMMIT)
            else:
                self.send_error(404)

        do_HEAD = do_GET  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    yield server, asked
    server.shutdown()
    server.server_close()


def test_a_model_on_the_hub_is_fetched_once_and_without_pickles(hub, shipped):
    server, asked = hub
    there = load("hf:someone/model", device="cpu")
    assert there.digest == load("portrait", device="cpu").digest and there.name == "hf:someone/model"
    assert any("model.safetensors" in path for path in asked) and not any("pickled" in path for path in asked)
    shutil.rmtree(shipped)
    server.shutdown()
    server.server_close()
    assert load("hf:someone/model", device="cpu").digest == there.digest


@pytest.mark.parametrize("name", ["hf:someone/nothing", "hf:", "hf:a/b/c"])
def test_a_model_missing_on_the_hub_gives_one_line(hub, name):
    with pytest.raises(OSError, match=f"{name}: expected a model folder on the Hugging Face hub, found: ") as caught:
        resolve(name)
    assert "\n" not in str(caught.value)
