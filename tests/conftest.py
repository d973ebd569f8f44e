"""Shared fixtures: the data that stays outside the repository, and results in a scratch folder."""

import os
from pathlib import Path

import pytest

from analysis import opengl as can_draw
from analysis import storage

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data():
    """Folder of the reference volumes, or a skip that says how to get them."""
    folder = Path(os.environ.get("CBD_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no reference volumes at {folder}; set CBD_DATA to their folder")
    return folder


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Let storage write to a scratch folder."""
    monkeypatch.setenv(storage.ROOT_VARIABLE, str(tmp_path / "results"))
    monkeypatch.delenv(storage.RECORD_VARIABLE, raising=False)
    return tmp_path / "results"


@pytest.fixture
def opengl():
    """Skip what draws in three dimensions where that would end the process."""
    try:
        can_draw.check()
    except RuntimeError as error:
        pytest.skip(str(error))
