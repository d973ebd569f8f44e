"""The RO-Crate says what the manifest says."""

import json

import pytest

from analysis import storage
from publishing import crate

MANIFEST = {
    "package_version": "0.1.0",
    "profile": "smoke",
    "chapters": {
        "02_tomography": {
            "seconds": 3.0,
            "peak_memory_MB": 200,
            "parameters": {"profile": "smoke"},
            "inputs": {},
            "outputs": {
                "smoke/volumes/labels/SL-1-truth.nc": {"bytes": 10, "sha256": "ab"},
            },
        },
        "03_thresholding": {
            "seconds": 1.0,
            "peak_memory_MB": 100,
            "parameters": {"profile": "smoke"},
            "inputs": {"smoke/volumes/labels/SL-1-truth.nc": "ab"},
            "outputs": {"smoke/tables/thresholding.csv": {"bytes": 20, "sha256": "cd"}},
        },
    },
}


@pytest.fixture
def entities(results):
    folder = results / "smoke"
    folder.mkdir(parents=True)
    with storage.atomic(folder / "manifest.json") as temporary:
        temporary.write_text(json.dumps(MANIFEST))
    file = crate.export("smoke", progress=lambda line: None)
    assert file == storage.results_root() / "smoke" / "ro-crate-metadata.json"
    graph = json.loads(file.read_text(encoding="utf-8"))["@graph"]
    return {entity["@id"]: entity for entity in graph}


def test_every_result_is_listed_with_its_checksum(entities):
    table = entities["tables/thresholding.csv"]
    assert table["@type"] == "File"
    assert table["sha256"] == "cd" and table["encodingFormat"] == "text/csv"
    parts = {part["@id"] for part in entities["./"]["hasPart"]}
    assert parts == {"volumes/labels/SL-1-truth.nc", "tables/thresholding.csv"}


def test_chapters_are_actions_with_inputs_and_results(entities):
    action = entities["#03_thresholding"]
    assert action["@type"] == "CreateAction"
    names = {key: action[key] for key in ("object", "result")}
    for key, path in (
        ("object", "volumes/labels/SL-1-truth.nc"),
        ("result", "tables/thresholding.csv"),
    ):
        found = names[key] if isinstance(names[key], list) else [names[key]]
        assert found == [{"@id": path}]


def test_license_and_origin_are_said(entities):
    root = entities["./"]
    assert "creativecommons.org" in str(root["license"])
    assert root["isBasedOn"]["@id"].endswith("10.1002/ente.202200784")


def test_a_profile_that_has_not_run_is_refused(results):
    with pytest.raises(FileNotFoundError, match="make book PROFILE=demo"):
        crate.export("demo")
