"""Imports inside the package go down the list of layers, never up or sideways."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "analysis"

# Lower rank is deeper; rooms of one rank do not import each other, except where noted.
RANKS = {
    "_names": 0,
    "phases": 0,
    "profiles": 0,
    "electrodes": 1,
    "opengl": 1,
    "paper": 1,
    "processes": 1,
    "progress": 1,
    "storage": 1,
    "tomogram": 2,
    "figures": 2,
    "descriptors": 3,
    "instruments": 4,
    "specimen": 4,
    "segmentation": 4,
    "electrochemistry": 4,
    "kernels": 5,
    "simulation": 6,
    "study": 9,
    "record": 10,
    "challenge": 10,
    "__main__": 11,
}

HEAVY = {"keras", "jax", "fipy", "porespy", "pyvista", "distributed", "dask"}


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py"))


def room(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imported_names(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "use absolute imports"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path):
    here = room(path)
    if here == "__init__":
        return
    assert here in RANKS, f"give the room {here!r} a place among the layers"
    for name in imported_names(ast.parse(path.read_text(encoding="utf-8"))):
        parts = name.split(".")
        if parts[0] != "analysis" or len(parts) == 1 or parts[1] not in RANKS:
            continue
        there = parts[1]
        assert there == here or RANKS[there] < RANKS[here], f"{path.name} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_libraries_are_imported_where_they_are_used(path):
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        loaded = {name.split(".")[0] for name in names} & HEAVY
        assert not loaded, f"import {', '.join(loaded)} inside the function that needs it"


def test_no_room_for_odds_and_ends():
    names = {path.stem for path in modules()}
    assert not names & {"utils", "helpers", "misc", "common", "_funcs"}


def is_compiled(function):
    return any(
        "jit" in ast.unparse(mark) or "kernel" in ast.unparse(mark)
        for mark in function.decorator_list
    )


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_compiled_function_is_a_generator(path):
    # Loaded from its cache, a generator raises KeyError in a kernel that is yet to be compiled.
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and is_compiled(node):
            found = [n for n in ast.walk(node) if isinstance(n, (ast.Yield, ast.GeneratorExp))]
            assert not found, f"{node.name} yields; return a list"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_hands_over_to_publishing(path):
    """`python -m analysis book` is the one way up: the science knows nothing of the book."""
    names = set(imported_names(ast.parse(path.read_text(encoding="utf-8"))))
    assert room(path) == "__main__" or not any(name.split(".")[0] == "publishing" for name in names)
