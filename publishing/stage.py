"""A folder that Sphinx can build with execution off: sources as they are now, outputs of the run.

Each staged notebook takes its text, captions and tags from the MyST source of this moment and
its outputs from the executed copy, cell by cell. So prose can be edited without running anything.
"""

import shutil
from pathlib import Path

import jupytext
import nbformat

from analysis import storage
from publishing import downloads
from publishing.chapters import ROOT, table_of_contents
from publishing.pairs import KERNEL

# What Sphinx needs below ``book/`` beside the pages.
BESIDE_THE_PAGES = (
    "*.bib", "_static/**/*", "images/**/*", "_templates/**/*", "_ext/*.py", "_inventories/*.txt",
)  # fmt: skip


def stage(build, *, root=ROOT):
    """
    Lay out everything the book needs below ``_build/<profile>/stage``.

    Files whose content has not changed are left alone, so that Sphinx rebuilds only what it must.

    Parameters
    ----------
    build : Build
        Folders of the profile; executed copies must exist.
    root : Path
        Folder with ``_config.yml``, ``_toc.yml`` and ``book``.

    Returns
    -------
    folder : Path
        The staged book.
    """
    folder = build.folder / "stage"
    wanted = set()

    def put(relative, text):
        wanted.add(relative)
        write_if_changed(folder / relative, text.encode() if isinstance(text, str) else text)

    put(Path("_config.yml"), (root / "_config.yml").read_text(encoding="utf-8"))
    put(Path("_toc.yml"), (root / "_toc.yml").read_text(encoding="utf-8"))
    for document in table_of_contents(root):
        relative = Path(document)
        if relative.suffix == ".ipynb":
            put(relative, merged_notebook(root / relative.with_suffix(".md"), build, put))
        else:
            source = _with_ending(root / relative)
            put(source.relative_to(root), source.read_bytes())
    for pattern in BESIDE_THE_PAGES:
        for file in (root / "book").glob(pattern):
            if file.is_file():
                put(file.relative_to(root), file.read_bytes())
    _sweep(folder, wanted)
    return folder


def merged_notebook(source, build, put=None):
    """
    Text of a notebook with the prose of its source and the outputs of its executed copy.

    With `put`, a function of a path and its content, figures can be downloaded as SVG and PDF.

    Raises
    ------
    ValueError
        If the code cells of the two are not the same: the chapter must run again.
    """
    notebook = jupytext.read(source)
    executed = nbformat.read(build.executed(source.stem), as_version=4)
    ran = [cell for cell in executed.cells if cell.cell_type == "code"]
    injected = [cell for cell in ran if "injected-parameters" in cell.metadata.get("tags", [])]
    ran = [cell for cell in ran if cell not in injected]
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if [cell.source for cell in cells] != [cell.source for cell in ran]:
        raise ValueError(
            f"The code of {source.name} changed since it was executed. Run `make book` again."
        )
    for cell, with_outputs in zip(cells, ran, strict=True):
        cell.outputs = with_outputs.outputs
        cell.execution_count = with_outputs.execution_count
    merged = []
    for cell in notebook.cells:
        merged.append(cell)
        if "parameters" in cell.metadata.get("tags", []):
            cell.metadata["tags"] = [*cell.metadata["tags"], "remove-cell"]
            merged.extend(_shown_parameters(cell) for cell in injected)
    notebook.cells = merged
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    notebook.metadata["kernelspec"] = KERNEL
    notebook.metadata.pop("jupytext", None)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    downloads.offer(notebook, source.stem, put, links=put is not None)
    return nbformat.writes(notebook, indent=1)


def write_if_changed(target, content):
    """Write bytes unless the file holds them already."""
    if target.exists() and target.read_bytes() == content:
        return
    with storage.atomic(target) as temporary:
        temporary.write_bytes(content)


def _shown_parameters(cell):
    cell.metadata = nbformat.from_dict(
        {
            "tags": ["hide-input"],
            "mystnb": {"code_prompt_show": "Parameters of this run"},
        }
    )
    return cell


def _with_ending(document):
    if document.suffix:
        return document
    return document.with_suffix(".md")


def _sweep(folder, wanted):
    """Remove staged files that the book no longer has."""
    for file in folder.rglob("*"):
        if file.is_file() and file.relative_to(folder) not in wanted:
            file.unlink()
    for directory in sorted(folder.rglob("*"), reverse=True):
        if directory.is_dir() and not any(directory.iterdir()):
            shutil.rmtree(directory)
