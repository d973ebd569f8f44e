"""Every figure as PNG on the page, as SVG and PDF for download.

A notebook keeps each figure in three forms (see :func:`analysis.figures.style.use`). The staged
copy keeps the PNG; the other two become files beside the page, linked in the caption.
"""

import base64
from pathlib import Path

_FORMS = {"image/svg+xml": "svg", "application/pdf": "pdf"}


def offer(notebook, chapter, put, *, links=True):
    """
    Move the SVG and PDF forms of a notebook's figures into files of their own.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Notebook with outputs; changed in place.
    chapter : str
        Name of the chapter, for the folder of the files.
    put : callable
        ``put(relative_path, content)`` writes a file of the staged book.
    links : bool
        Whether to link the files in the captions. PDF and ePub take the figure only.

    Returns
    -------
    names : list of str
        Names of the figures that can be downloaded.
    """
    names = []
    for cell in notebook.cells:
        figure = _figure(cell)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            forms = {_FORMS[kind]: data.pop(kind) for kind in list(data) if kind in _FORMS}
            if not (forms and links and figure.get("name")):
                continue
            name = figure["name"]
            for ending, content in forms.items():
                put(_place(chapter, name, ending), _bytes(content, ending))
            if name not in names:
                names.append(name)
                _link(figure, chapter, name, sorted(forms, reverse=True))
    return names


def _figure(cell):
    """Metadata of the numbered figure that a cell makes, empty if it makes none."""
    return cell.get("metadata", {}).get("mystnb", {}).get("figure", {})


def _link(figure, chapter, name, endings):
    roles = " ".join(
        f"{{download}}`{ending.upper()} <{_place(chapter, name, ending).relative_to('book')}>`"
        for ending in endings
    )
    figure["caption"] = f"{figure.get('caption', '').strip()} {roles}"


def _place(chapter, name, ending):
    return Path("book") / "figures" / chapter / f"{name}.{ending}"


def _bytes(content, ending):
    content = "".join(content) if isinstance(content, list) else content
    return base64.b64decode(content) if ending == "pdf" else content.encode("utf-8")
