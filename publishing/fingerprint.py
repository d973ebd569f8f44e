"""What a chapter depends on: its code cells and the part of the package that they import.

Prose, captions and tags are left out on purpose: they are merged into the page when the book
is staged, so that editing them needs no execution.
"""

import ast
import functools
import hashlib
from pathlib import Path

import jupytext

from publishing.chapters import ROOT

PACKAGE = "analysis"


def fingerprint(source, *, parameters, root=ROOT):
    """
    Everything but result files that decides what a chapter's execution gives.

    Parameters
    ----------
    source : Path
        The MyST notebook.
    parameters : dict
        What papermill passes to it.
    root : Path
        The folder that holds the package.

    Returns
    -------
    fingerprint : dict
        ``cells`` (hash), ``parameters``, and ``modules`` (path -> hash).
    """
    cells = code_cells(source)
    return {
        "cells": _hash("\0".join(cells).encode()),
        "parameters": {key: str(value) for key, value in sorted(parameters.items())},
        "modules": {
            str(path.relative_to(root)): _hash(path.read_bytes())
            for path in sorted(import_closure("\n".join(cells), root))
        },
    }


def code_cells(source):
    """Source text of the code cells of a MyST notebook."""
    notebook = jupytext.read(source)
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def import_closure(code, root=ROOT):
    """
    Files of the package that some code imports, directly or through others.

    Imports inside functions count too. A data file counts when a module names it, or its folder,
    by a string; a string that begins with ``book/`` names one of the repository's.

    Parameters
    ----------
    code : str
        Python source; lines of notebook magic are skipped.
    root : Path
        The folder that holds the package.

    Returns
    -------
    files : set of Path
    """
    plain = "\n".join("" if line.lstrip()[:1] in "%!" else line for line in code.split("\n"))
    seen = set()
    pending = list(_imported_files(ast.parse(plain), Path(root), package=""))
    while pending:
        file = pending.pop()
        if file in seen:
            continue
        seen.add(file)
        tree = ast.parse(file.read_text(encoding="utf-8"))
        parts = file.relative_to(root).with_suffix("").parts
        package = ".".join(parts if file.name == "__init__.py" else parts[:-1])
        pending.extend(_imported_files(tree, Path(root), package.removesuffix(".__init__")))
        seen.update(_named_data(tree, file.parent, Path(root)))
    return seen


def _imported_files(tree, root, package):
    bound = {}  # what a name in this source stands for, if it is a module
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_files(alias.name, root)
                first = alias.name.partition(".")[0]
                bound[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            yield from _module_files(base, root)
            for alias in node.names:
                names = _handed_on(base, root) if alias.name == "*" else [alias.name]
                for name in names:
                    found = _owner(base, name, root)
                    yield from _module_files(found, root)
                    bound[alias.asname or name] = found
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield from _attribute_files(node, bound, root)


def _attribute_files(node, bound, root):
    """Files of the modules that ``room.module.name`` passes through."""
    chain = []
    while isinstance(node, ast.Attribute):
        chain.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return
    module = bound.get(node.id, "")
    for name in reversed(chain):
        if not _is_module(module, root):
            return
        module = _owner(module, name, root)
        yield from _module_files(module, root)


def _owner(base, name, root):
    """Dotted name that a name in a module leads to; a room may hand on names of its modules."""
    if _is_module(f"{base}.{name}", root):
        return f"{base}.{name}"
    return _handed_on(base, root).get(name, f"{base}.{name}")


def _handed_on(base, root):
    """What a room hands on by :func:`analysis._names.lazily`: name -> dotted name."""
    room = root.joinpath(*base.split("."), "__init__.py")
    if base.split(".")[0] != PACKAGE or not room.is_file():
        return {}
    return {
        name: f"{base}.{there}"
        for name, there in _lazy_names(room.read_text(encoding="utf-8")).items()
    }


@functools.lru_cache(maxsize=256)
def _lazy_names(source):
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "lazily":
            for module, names in ast.literal_eval(node.args[1]).items():
                found |= {name: f"{module}.{name}" for name in names.split()}
                if not names:
                    found[module.rpartition(".")[2]] = module
    return found


def _is_module(name, root):
    stem = root.joinpath(*name.split("."))
    inside = name.split(".")[0] == PACKAGE
    return inside and ((stem / "__init__.py").is_file() or stem.with_suffix(".py").is_file())


def _module_files(name, root):
    """The file of a module of the package, and the ``__init__`` files on the way to it."""
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return
    for depth in range(1, len(parts) + 1):
        stem = root.joinpath(*parts[:depth])
        for file in (stem / "__init__.py", stem.with_suffix(".py")):
            if file.is_file():
                yield file


def _named_data(tree, folder, root):
    """Data files that a module names, beside it or in a folder of the book."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value
            if (
                not name
                or len(name) > 80
                or name.startswith((".", "/"))
                or set(name) & {"\n", "\0"}
            ):
                continue
            target = (root if name.startswith("book/") else folder) / name
            if target.is_file() and target.suffix != ".py":
                yield target
            elif target.is_dir():
                yield from (
                    file
                    for file in target.rglob("*")
                    if file.is_file() and file.suffix not in (".py", ".pyc", ".nbi", ".nbc")
                )


def _hash(data):
    return hashlib.sha256(data).hexdigest()[:16]
