"""The docstring of a room is a map of it: it names every module that one may open."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("challenge", "descriptors", "figures", "instruments", "segmentation", "specimen", "storage", "study")
ROOMS = sorted(
    file.parent
    for package in PACKAGES
    for file in (ROOT / "analysis" / package).rglob("__init__.py")
) + [ROOT / "publishing", ROOT / "publishing/forms", ROOT / "publishing/challenge"]


def modules(room):
    """Public modules and rooms in a folder."""
    files = {file.stem for file in room.glob("*.py")}
    files |= {folder.parent.name for folder in room.glob("*/__init__.py")}
    return {name for name in files if not name.startswith("_")}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_the_map_names_every_module(room):
    text = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    named = set(re.findall(r"``([\w./]+)``", text))
    assert modules(room) <= named, sorted(modules(room) - named)
    assert len(text.splitlines()) <= 30, "half a page"


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_the_map_leads_to_modules_that_are_there(room):
    """First words of the map's lines are modules of the room."""
    text = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    entries = set(re.findall(r"^``(\w+)``  +\S", text, flags=re.MULTILINE))
    assert entries and entries <= modules(room), sorted(entries - modules(room))


CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(
    r"^\| ([^|]+\?) \| `([^`]+)` \| `([^`]+)` \|$", CONTRIBUTING, flags=re.MULTILINE
)


def test_the_map_of_the_house_has_every_room():
    """A line a room; parts of the study and compiled loops stand in the line of their room."""
    text = CONTRIBUTING[CONTRIBUTING.index("## Map of the house") :].split("### ")[0]
    rooms = {
        file.parent
        for top in ("analysis", "publishing")
        for file in (ROOT / top).rglob("__init__.py")
    }
    for room in rooms - {ROOT / "analysis"}:
        name = room.relative_to(ROOT)
        line = next((one for one in text.splitlines() if f"`{name}/`" in one), None)
        inside = next((one for one in text.splitlines() if f"`{name.parent}/`" in one), "")
        assert line or f"`{name.name}/`" in inside, f"{name} has no line in CONTRIBUTING"
    for name in re.findall(r"`((?:analysis|publishing|book)/[\w/]+)/?`", text):
        assert (ROOT / name).is_dir() or (ROOT / f"{name}.py").is_file(), name


def test_there_are_at_least_ten_questions():
    assert len({question for question, _, _ in QUESTIONS}) >= 10


@pytest.mark.parametrize(("question", "file", "name"), QUESTIONS)
def test_a_newcomers_question_is_answered_by_the_file_that_is_named(question, file, name):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {getattr(node, "name", "") for node in tree.body}, question
