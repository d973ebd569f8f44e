"""What a chapter depends on: its code cells and the part of the package that they import.

Prose, captions and tags are left out on purpose: they are merged into the page when the book
is staged, so that editing them needs no execution.
"""

import ast
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
    by a string.

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
        seen.update(_named_data(tree, file.parent))
    return seen


def _imported_files(tree, root, package):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_files(alias.name, root)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            yield from _module_files(base, root)
            for alias in node.names:
                yield from _module_files(f"{base}.{alias.name}", root)


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


def _named_data(tree, folder):
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
            target = folder / name
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
