"""The house is easy to find one's way in: small rooms, short modules, calls that can be read."""

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LARGEST_ROOM, LONGEST_MODULE, MOST_PARAMETERS = 15, 350, 10

HOUSE = ("analysis", "publishing", "book/_ext")
# Rooms whose map names the private modules too
ROOMS = ("analysis/electrochemistry", "analysis/simulation")
# What is still to be done. An entry that no longer holds has to go.
LONG = set()
MANY_PARAMETERS = set()
SAME_NAME = set()

# Inside electrochemistry; rooms of one rank do not import each other.
RANKS = {
    "constants": 0,
    "parameter": 0,
    "half_cycle": 0,
    "open_circuit": 1,
    "electrolyte": 1,
    "materials": 2,
    "conditions": 2,
    "current_profile": 3,
    "transport": 3,
    "porous_electrode": 4,
    "resolved": 4,
    "target_curve": 4,
    "gamma_fit": 5,
    "fipy_voxels": 5,
    "measured_curve": 6,
    "kramers_kronig": 0,
    "transmission_line": 0,
    "spectrum": 1,
    "spectrum_file": 0,
    "pybamm_reference": 7,
}
NAMES_FOR_SCRIPTS = {"structure", "calibration", "halfcell"}


# Parts of the study; each may import those before it. The modules that serve all come first.
PARTS = ("finding", "catalogue", "current", "kept_tables", "imaging", "trinarization", "limit")
PARTS += ("morphology", "cells", "consistency", "own_data", "book")


def modules(rooms=HOUSE):
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def name_of(path):
    return str(path.relative_to(ROOT)).removeprefix("analysis/electrochemistry/")


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def test_rooms_are_small():
    rooms = Counter(path.parent for path in modules() if path.name != "__init__.py")
    # modules of one line that keep a name for scripts are no doors to go through
    rooms[ROOT / "analysis/electrochemistry"] -= len(NAMES_FOR_SCRIPTS)
    assert not {str(room): n for room, n in rooms.items() if n > LARGEST_ROOM}


def test_every_room_says_what_is_in_it():
    for path in modules(ROOMS):
        if path.name != "__init__.py" or path.parent.name == "pybamm_reference":
            continue
        map_of_room = ast.get_docstring(tree_of(path))
        inside = {one.stem for one in path.parent.glob("*.py")} - {"__init__"} - NAMES_FOR_SCRIPTS
        inside |= {one.parent.name for one in path.parent.glob("*/__init__.py")}
        missing = {one for one in inside if f"``{one}``" not in map_of_room}
        assert not missing, f"{name_of(path)} does not mention {sorted(missing)}"


def test_modules_are_short():
    long = {
        name_of(path)
        for path in modules()
        if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_MODULE
    }
    assert long == LONG


def test_no_function_takes_more_than_ten_parameters():
    found = set()
    for path in modules():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                args = node.args
                names = [one.arg for one in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
                if len([name for name in names if name not in ("self", "cls")]) > MOST_PARAMETERS:
                    found.add(f"{name_of(path)}: {node.name}")
    assert found == MANY_PARAMETERS


def test_no_two_public_classes_of_one_name():
    names = Counter(
        node.name
        for path in modules()
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert {name for name, n in names.items() if n > 1} == SAME_NAME


def imports(path):
    """Modules of ours that a file imports, also inside functions."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                stem = ROOT.joinpath(*inner.split("."))
                is_module = stem.with_suffix(".py").is_file() or (stem / "__init__.py").is_file()
                yield inner if is_module else node.module


def dotted(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_modules_import_each_other_in_a_circle():
    house = {dotted(path): path for path in modules(("analysis", "publishing"))}
    arrows = {name: (set(imports(path)) & set(house)) - {name} for name, path in house.items()}
    assert sum(map(len, arrows.values())) > 2 * len(house), "imports are not read"
    list(TopologicalSorter(arrows).static_order())  # raises CycleError, which names the circle


def test_parts_of_the_study_are_read_in_the_order_of_the_book():
    base = ROOT / "analysis/study"
    inside = {one.stem for one in base.iterdir() if (one / "__init__.py").is_file()}
    inside |= {one.stem for one in base.glob("*.py")} - {"__init__"}
    assert inside == set(PARTS)
    for path in modules(("analysis/study",)):
        here = path.relative_to(base).with_suffix("").parts[0]
        for name in imports(path):
            if name.startswith("analysis.study.") and here != "__init__":
                there = name.split(".")[2]
                assert PARTS.index(there) <= PARTS.index(here), f"{name_of(path)}: {name}"


@pytest.mark.parametrize("room", sorted(RANKS))
def test_imports_inside_electrochemistry_go_down(room):
    base = ROOT / "analysis/electrochemistry"
    paths = (
        [base / f"{room}.py"] if (base / f"{room}.py").is_file() else (base / room).rglob("*.py")
    )
    for path in paths:
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.ImportFrom):
                continue
            for name in (node.module, *(f"{node.module}.{one.name}" for one in node.names)):
                parts = name.split(".")
                if parts[:2] != ["analysis", "electrochemistry"] or len(parts) < 3:
                    continue
                there = parts[2]
                assert there not in NAMES_FOR_SCRIPTS, f"{name_of(path)}: the module itself"
                assert there == room or RANKS[there] < RANKS[room], f"{name_of(path)}: {name}"


def test_names_for_scripts_lead_to_the_modules():
    from analysis.electrochemistry import calibration, gamma_fit, halfcell, structure
    from analysis.electrochemistry.porous_electrode import half_cell, homogenization
    from analysis.electrochemistry.resolved import lithiate
    from analysis.electrochemistry.resolved.half_cell import lithiate as on_voxels
    from analysis.electrochemistry.transport import effective, effective_conductivity

    assert structure.from_labels is homogenization.from_labels
    assert calibration.fit_gamma is gamma_fit.fit_gamma
    assert calibration.simulate is gamma_fit.simulate
    assert halfcell.lithiate is half_cell.lithiate
    assert lithiate is on_voxels
    assert effective_conductivity is effective.effective_conductivity
