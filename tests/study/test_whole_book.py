"""The colophon reads what a run has left, and makes nothing up where it left nothing."""

import json
import subprocess

import pytest

from analysis import profiles, storage
from analysis.study.book import colophon

SMOKE = profiles.get("smoke")


@pytest.fixture
def manifest(results):
    entry = {"seconds": 2.5, "peak_memory_MB": 300, "inputs": {"a": "1"}}
    chapters = {
        "02_tomography": entry | {"outputs": {"smoke/b.nc": {"bytes": 5, "sha256": "ff"}}},
        "03_thresholding": entry | {"outputs": {}},
    }
    with storage.atomic(results / "smoke" / "manifest.json") as temporary:
        temporary.write_text(json.dumps({"chapters": chapters}))


def test_chapters_and_checksums_are_those_of_the_manifest(manifest):
    table = colophon.chapters(SMOKE)
    assert list(table.chapter) == ["02_tomography", "03_thresholding"]
    assert list(table.files_written) == [1, 0] and list(table.peak_memory_GB) == [0.3, 0.3]
    (row,) = colophon.checksums(SMOKE).itertuples(index=False)
    assert tuple(row) == ("smoke/b.nc", "02_tomography", 5, "ff")


def test_a_profile_that_has_not_run_is_named_with_the_command(results):
    with pytest.raises(FileNotFoundError, match="'smoke'.*make book PROFILE=smoke"):
        colophon.manifest(SMOKE)


def test_the_run_names_its_profile_and_commit():
    lines = colophon.run(SMOKE).set_index("what").value
    assert lines["profile"] == "smoke" and lines["root seed"] == str(SMOKE.seed)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=colophon.ROOT, capture_output=True, text=True
    )
    if head.returncode == 0:
        assert lines["commit"].startswith(head.stdout.strip())


def test_versions_are_those_of_the_project_file():
    table = colophon.versions().set_index("package").version
    assert "numpy" in table and "pytest" not in table
    assert (table != "not installed").all()


def test_outside_git_there_is_no_commit(tmp_path):
    assert colophon.commit(tmp_path).startswith("unknown")
