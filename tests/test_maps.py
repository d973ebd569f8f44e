"""The docstring of a room is a map of it: it names every module that one may open."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = sorted(
    file.parent
    for package in ("segmentation", "specimen", "instruments", "descriptors", "figures", "study")
    for file in (ROOT / "analysis" / package).rglob("__init__.py")
) + [ROOT / "publishing"]


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
