"""Files that make the project findable and citable are there and well-formed."""

import importlib.util
import json
import re
from pathlib import Path

import pytest
import yaml

from analysis import paper

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def citation():
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_citation_names_the_work_and_the_paper(citation):
    for key in ("cff-version", "message", "title", "authors", "version", "license"):
        assert citation[key], key
    assert citation["references"][0]["doi"] == paper.DOI
    assert len(citation["references"][0]["authors"]) == 13


def test_versions_agree(citation):
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["version"] == project["version"]


@pytest.mark.parametrize("name", ["ci", "pages", "links"])
def test_workflows_run_the_commands_of_the_readme(name):
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["jobs"]
    assert re.search(r"make (book|test)", text)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {word for call in re.findall(r"make ((?:[a-z]+ ?)+)", text) for word in call.split()}
    for target in targets - {"beside", "the"}:
        assert re.search(rf"^[a-z ]*\b{target}\b[a-z ]*:", makefile, re.MULTILINE), target


def test_licenses_are_whole():
    assert "MIT License" in (ROOT / "LICENSE").read_text()
    assert "creativecommons.org/licenses/by/4.0" in (ROOT / "LICENSE-text").read_text()
    assert "Apache License" in (ROOT / "book/_static/mathjax/LICENSE").read_text()


def test_zenodo_metadata_is_json():
    metadata = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    assert metadata["related_identifiers"][0]["identifier"] == paper.DOI


def test_every_citation_is_in_the_bibliography():
    known = set(re.findall(r"@\w+\{(\w+),", (ROOT / "book/references.bib").read_text("utf-8")))
    for page in (ROOT / "book").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]*)`", text):
            for key in keys.split(","):
                assert key.strip() in known, f"{page.name} cites {key}"


def test_contributing_is_short():
    lines = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
    read = [line for line in lines if not line.startswith("|")]  # tables are for looking up
    assert len(" ".join(read).split()) < 700


FLAW = {"id": "PYSEC-1", "fix_versions": ["1.1"]}
CLEAN = {"name": "a", "version": "1", "vulns": []}
FLAWED = {"name": "b", "version": "1.0", "vulns": [FLAW]}
SKIPPED = {"name": "c", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("listed", "status", "said"),
    [
        ([CLEAN, CLEAN], 0, "2 locked packages audited, 0 with known"),
        ([CLEAN, FLAWED], 1, "b 1.0: PYSEC-1, mended in 1.1"),
        ([CLEAN, SKIPPED], 0, "1 of 2 packages could not be audited"),
        ([SKIPPED, SKIPPED], 0, "Nothing was audited"),
        (None, 0, "Nothing was audited"),
    ],
)
def test_an_audit_without_a_list_is_no_clean_bill(listed, status, said):
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    audit = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(audit)
    found, lines = audit.verdict(None if listed is None else {"dependencies": listed})
    assert found == status and said in "\n".join(lines)
