"""A chapter runs again when anything it is vouched for by, or vouches for, was touched."""

import json
import os

import pandas as pd
import pytest

from analysis import storage
from publishing import stamps

PRINT = {"cells": "c", "parameters": {"profile": "smoke"}, "modules": {"analysis/a.py": "1"}}


@pytest.fixture
def build(results, tmp_path, monkeypatch):
    """A chapter that has run: it wrote one table and read another."""
    made = stamps.Build("smoke", tmp_path / "build")
    log = tmp_path / "record.jsonl"
    storage.save_table("read", pd.DataFrame({"x": [1]}), profile="smoke")
    monkeypatch.setenv(storage.RECORD_VARIABLE, str(log))
    storage.load_table("read", profile="smoke")
    storage.save_table("written", pd.DataFrame({"x": [2]}), profile="smoke")
    monkeypatch.delenv(storage.RECORD_VARIABLE)
    made.executed("01_a").parent.mkdir(parents=True)
    made.executed("01_a").write_text('{"cells": []}')
    reads, writes = stamps.collect_record(log)
    stamp = {"fingerprint": PRINT, "reads": reads, "writes": writes}
    stamps.write_stamp(made, "01_a", {**stamp, "seconds": 1.5, "peak_memory_MB": 3})
    return made


def reason(build):
    return stamps.reason_to_run(build, "01_a", PRINT)


def test_nothing_touched_nothing_runs(build):
    assert reason(build) == ""


@pytest.mark.parametrize("content", ["{}", "garbage", "", "[]", "null", '{"checksum": 1}', "{"])
def test_a_stamp_that_is_none_is_named(build, content):
    build.stamp("01_a").write_text(content)
    assert stamps.read_stamp(build, "01_a") is None
    assert reason(build) == "its stamp 01_a.json was changed or damaged"


@pytest.mark.parametrize(("old", "new"), [("1.5", "1.4"), ('"x"', '"y"'), ("smoke", "demo ")])
def test_a_stamp_with_one_value_changed_is_none(build, old, new):
    text = build.stamp("01_a").read_text()
    assert old in text
    build.stamp("01_a").write_text(text.replace(old, new, 1))
    assert "stamp 01_a.json was changed" in reason(build)


def test_binary_garbage_in_a_stamp(build):
    build.stamp("01_a").write_bytes(os.urandom(300))
    assert "stamp 01_a.json was changed" in reason(build)


def test_an_executed_copy_that_was_touched_is_named(build):
    build.executed("01_a").write_text('{"cells": [1]}')
    assert reason(build) == "its executed copy 01_a.ipynb was changed or damaged"
    build.executed("01_a").unlink()
    assert reason(build) == "not run yet"


@pytest.mark.parametrize("name", ["read", "written"])
def test_a_touched_table_is_named(build, name):
    file = storage.path("tables", f"{name}.csv", profile="smoke")
    file.write_text("x\n9\n")
    assert reason(build) == f"smoke/tables/{name}.csv changed"


def test_a_result_without_checksum_is_made_anew_for_its_readers_would_be_refused(build, results):
    for entry in (results / "smoke/.sha256/tables").glob("written*"):
        entry.unlink()
    assert reason(build).startswith("smoke/tables/written.csv has no checksum")


def test_a_touched_manifest_is_named(build, results):
    assert stamps.trouble_of_manifest(build) == ""
    manifest = stamps.write_manifest(build, ["01_a"])
    assert stamps.trouble_of_manifest(build) == ""
    for damage in (lambda text: text.replace("1.5", "1.6"), lambda text: text[:40]):
        manifest.write_text(damage(manifest.read_text()))
        line = stamps.trouble_of_manifest(build)
        assert line.startswith("smoke/manifest.json was changed or damaged")
        with pytest.raises(storage.Damaged, match="manifest.json"):
            storage.record_read(manifest)
        stamps.write_manifest(build, ["01_a"])
        assert json.loads(manifest.read_text())["chapters"]["01_a"]["seconds"] == 1.5
