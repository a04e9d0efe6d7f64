"""A miniature synthetic corpus for all tests that need images, rendered once per session, and shipped models."""

import json
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # on a shared machine the time of an example is no criterion
settings.load_profile("untimed")

# In the background of a script, programs are started deaf to Ctrl-C, and so are those that they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

MINIATURE = ("corpus.people=16", "corpus.image_size=96", "model=tiny", "data.size=64", "data.crop_size=72")
"""Overrides for a run of a few seconds: few small people, a small network, no download."""


@pytest.fixture(scope="session", autouse=True)
def project_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder for this test session, used by this process and its children."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["MATTING_CACHE"] = str(folder)
    return folder


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of tiny shipped models that replaces the package's own."""
    import torch

    from matting.inference import records, resolving
    from matting.models import AttentionUNet, weights_digest

    terms = {"portrait": {"images": records.RENDERED}, "portrait-research": {"PPM-100": "mattes CC BY-NC-SA 4.0"}}
    for seed, (name, data) in enumerate(terms.items()):
        torch.manual_seed(seed)
        model = AttentionUNet("test_resnet", False, decoder_channels=(16, 16, 8, 8, 8))
        torch.nn.init.constant_(model.alpha_head.bias, 1.0)  # alpha is high everywhere
        model.save_pretrained(tmp_path / "pretrained" / name)
        known = {"size": 64, "corpus": "tiny", "digest": weights_digest(model), "licence": records.licence(data)}
        text = json.dumps(known | {"licence_of_data": data})
        (tmp_path / "pretrained" / name / "training.json").write_text(text)
    monkeypatch.setattr(resolving, "PRETRAINED", tmp_path / "pretrained")
    return tmp_path / "pretrained"
