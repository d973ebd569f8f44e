"""What the cells of a chapter name is there: no cell waits for a run to find out that it is not."""

import ast
import builtins
import importlib
from types import ModuleType

import pytest

from publishing.chapters import CHAPTERS, ROOT
from publishing.fingerprint import code_cells

GIVEN = set(dir(builtins)) | {"get_ipython", "display"}  # by Python and by the kernel


def tree_of(chapter):
    """Code of all cells of a chapter as one syntax tree; lines of notebook magic are left out."""
    text = "\n".join(code_cells(chapter.source))
    return ast.parse("\n".join(line for line in text.split("\n") if line.lstrip()[:1] not in "%!"))


def bound(tree):
    """Names that the cells themselves make."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not _loads(node):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return names


def undefined(tree):
    """Names that are used and that nothing makes."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and _loads(node)}
    return sorted(used - bound(tree) - GIVEN)


def _loads(name):
    return isinstance(name.ctx, ast.Load)


def missing(tree):
    """What is taken from the package and is not in it."""
    modules, absent = {}, []
    other = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not _loads(n)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "analysis":
            module = importlib.import_module(node.module)
            for alias in node.names:
                try:
                    found = importlib.import_module(f"{node.module}.{alias.name}")
                except ImportError:
                    found = getattr(module, alias.name, None)
                if found is None:
                    absent.append(f"{node.module}.{alias.name}")
                elif isinstance(found, ModuleType):
                    modules[alias.asname or alias.name] = found
    for name in other & set(modules):  # the name stands for something else, too
        del modules[name]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            if module is not None and not hasattr(module, node.attr):
                absent.append(f"{module.__name__}.{node.attr}")
    return absent


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_every_name_of_a_cell_is_made_somewhere(chapter):
    assert undefined(tree_of(chapter)) == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_what_cells_take_from_the_package_is_in_it(chapter):
    assert missing(tree_of(chapter)) == []


def test_a_name_and_an_attribute_that_are_not_there_are_found():
    tree = ast.parse("from analysis.figures import style\nstyle.nothing\nx = y\nfor z in x: z")
    assert undefined(tree) == ["y"]
    assert missing(tree) == ["analysis.figures.style.nothing"]
    tree = ast.parse("from analysis.phases import Phase, Nothing\n[a for a in Phase]")
    assert undefined(tree) == [] and missing(tree) == ["analysis.phases.Nothing"]


MODULES = sorted((ROOT / "analysis").rglob("*.py")) + sorted((ROOT / "publishing").rglob("*.py"))


def test_what_modules_take_from_each_other_is_in_them():
    """A function that moved is missed here, not by a chapter after an hour."""
    absent = {}
    for file in MODULES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        nodes = [n for n in tree.body if isinstance(n, ast.ImportFrom)]  # those of the whole module
        imported = {a.asname or a.name for n in nodes for a in n.names}
        local = {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg)}
        found = [name for name in missing(tree) if name.split(".")[-2] in imported - local]
        if found:
            absent[file.relative_to(ROOT).as_posix()] = found
    assert not absent
