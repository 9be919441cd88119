"""Small random networks of transformers beside ours, model folders on disk, and the folders of a user."""

from pathlib import Path

import pytest
from reference_networks import *  # noqa: F403


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of models; there is none yet."""
    monkeypatch.setenv("TEXTGEN_MODELS", str(tmp_path / "data" / "shelf"))
    return tmp_path / "data" / "shelf"


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    place = tmp_path / "workplace"
    place.mkdir()
    monkeypatch.chdir(place)
    return place
