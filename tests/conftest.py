"""A miniature demo corpus for everything that needs pictures, drawn once a session."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # how long an example takes says nothing on a shared machine
settings.load_profile("untimed")

MINIATURE = ("corpus.people=16", "corpus.image_size=96", "model=tiny", "data.size=64", "data.crop_size=72")
"""Overrides for a run of seconds: few small people, a small network, no download."""


@pytest.fixture(scope="session", autouse=True)
def project_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder of the session's own, for this process and those it starts."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["MATTING_CACHE"] = str(folder)
    return folder
