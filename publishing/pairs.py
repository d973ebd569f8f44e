"""Each chapter twice in git: MyST source ``.md`` and its ``.ipynb`` without outputs."""

import jupytext
import nbformat

from analysis import storage
from publishing.chapters import ROOT

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def paired_notebook(source):
    """
    The ``.ipynb`` text that belongs to a MyST notebook.

    Cell ids are made from the position of the cell, so that equal sources give equal bytes.
    """
    notebook = jupytext.read(source)
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return nbformat.writes(notebook, indent=1) + "\n"


def sources(root=ROOT):
    """MyST notebooks below ``book/``: pages whose header names a kernel."""
    return [
        path
        for path in sorted((root / "book").glob("*.md"))
        if "\nkernelspec:" in path.read_text(encoding="utf-8")[:1500]
    ]


def sync(root=ROOT):
    """Write the pair of every notebook; return those that changed."""
    changed = []
    for source in sources(root):
        target = source.with_suffix(".ipynb")
        text = paired_notebook(source)
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            with storage.atomic(target) as temporary:
                temporary.write_text(text, encoding="utf-8")
            changed.append(target)
    return changed


def out_of_step(root=ROOT):
    """Pairs that are missing or do not match their source."""
    return [
        source.with_suffix(".ipynb")
        for source in sources(root)
        if not source.with_suffix(".ipynb").exists()
        or source.with_suffix(".ipynb").read_text(encoding="utf-8") != paired_notebook(source)
    ]
