"""Each chapter twice in git: MyST source ``.md`` and its ``.ipynb`` without outputs.

A pair's ``.ipynb`` remembers, as a hash, the cells that both sides had when they were last in
step. So it can be told which side was edited since, and no edit is thrown away without a choice.
"""

import hashlib
import json

import jupytext
import nbformat

from analysis import storage
from publishing.chapters import ROOT

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}

MEMORY = "in_step"  # key in the notebook's metadata

# What Jupyter writes into a cell by being used; no edit of ours
_TRACES = ("execution", "collapsed", "scrolled", "ExecuteTime", "jupyter", "papermill", "trusted")


class NotebookEdited(RuntimeError):
    """A notebook was edited beside its source, and nobody said which side wins."""


def paired_notebook(source):
    """
    The ``.ipynb`` text that belongs to a MyST notebook.

    Cell ids are made from the position of the cell, so that equal sources give equal bytes.
    """
    notebook = jupytext.read(source)
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "cbd_compendium": {MEMORY: _digest(notebook)}}
    )
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


def sync(root=ROOT, *, winner=""):
    """
    Bring every pair in step.

    Parameters
    ----------
    root : Path
        Folder with ``book``.
    winner : {"", "md", "ipynb"}
        Which side wins where the notebook was edited. Where it was not, the source always does.

    Returns
    -------
    changed : list of Path
        Files that were written.

    Raises
    ------
    NotebookEdited
        If a notebook was edited and `winner` is empty; nothing is written then.
    ValueError
        If `winner` is something else, or a notebook that is to win cannot be read.
    """
    if winner not in ("", "md", "ipynb"):
        raise ValueError(f"FROM={winner!r}; expected md or ipynb: the side that wins.")
    found = sources(root)
    edited = {source: how for source in found if (how := _edited(source))}
    if edited and not winner:
        listed = "\n".join(f"  {source.with_suffix('.ipynb')}: {how}" for source, how in
                           edited.items())  # fmt: skip
        raise NotebookEdited(
            f"Notebooks were edited beside their sources:\n{listed}\nNothing was written. Say "
            "which side wins: `make sync FROM=ipynb` takes the notebooks' edits over into their "
            ".md (and drops edits of those .md), `make sync FROM=md` drops the notebooks' edits."
        )
    texts = {}
    if winner == "ipynb":
        texts = {source: _source_text(source) for source in edited}
    changed = []
    for source in found:
        if source in texts and _write(source, texts[source]):
            changed.append(source)
        if _write(source.with_suffix(".ipynb"), paired_notebook(source)):
            changed.append(source.with_suffix(".ipynb"))
    return changed


def out_of_step(root=ROOT):
    """Pairs that are missing or do not match their source."""
    return [
        source.with_suffix(".ipynb")
        for source in sources(root)
        if not source.with_suffix(".ipynb").exists()
        or source.with_suffix(".ipynb").read_text(encoding="utf-8") != paired_notebook(source)
    ]


def _edited(source):
    """How a notebook was edited since it was in step with its source; empty if it was not."""
    target = source.with_suffix(".ipynb")
    if not target.exists():
        return ""
    try:
        notebook = nbformat.read(target, as_version=4)
    except (ValueError, KeyError, AttributeError, nbformat.ValidationError):
        return "cannot be read as a notebook"
    now, in_source = _digest(notebook), _digest(jupytext.read(source))
    if now == in_source:
        return ""
    memory = notebook.metadata.get("cbd_compendium", {}).get(MEMORY)
    if now == memory:
        return ""
    if memory is None:
        return "differs from its source; which was edited is not known"
    return "edited" if in_source == memory else "edited, and so was its .md"


def _source_text(source):
    """The ``.md`` text that belongs to an edited notebook, with the header of the old one."""
    target = source.with_suffix(".ipynb")
    try:
        edited = nbformat.read(target, as_version=4)
    except (ValueError, KeyError, AttributeError, nbformat.ValidationError) as error:
        raise ValueError(
            f"{target} cannot be read as a notebook ({error}), so it cannot win. Restore it, or "
            "call `make sync FROM=md`."
        ) from None
    notebook = jupytext.read(source)
    cells = []
    for cell in edited.cells:
        kept = nbformat.from_dict(
            {"cell_type": cell.cell_type, "source": cell.source, "metadata": _metadata(cell)}
        )
        if cell.cell_type == "code":
            kept |= {"outputs": [], "execution_count": None}
        cells.append(nbformat.from_dict(kept))
    notebook.cells = cells
    return jupytext.writes(notebook, fmt="md:myst")


def _digest(notebook):
    """Hash of what an author writes into a notebook: its cells, their texts and metadata."""
    cells = [
        [cell.cell_type, cell.source.rstrip(), _metadata(cell)]
        for cell in notebook.cells
    ]  # fmt: skip
    text = json.dumps(cells, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _metadata(cell):
    return {key: value for key, value in cell.metadata.items() if key not in _TRACES}


def _write(target, text):
    if target.exists() and target.read_text(encoding="utf-8") == text:
        return False
    with storage.atomic(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return True
