"""Every figure as PNG on the page, as SVG and PDF for download, and as a PNG for phones.

A notebook keeps each figure in four forms (see :func:`analysis.figures.style.use`). The staged
copy keeps the wide PNG; the other three become files beside the page. SVG and PDF are linked in the
caption, the narrow PNG is found by its name (``book/_ext/narrow_figures.py``).
"""

import base64
from pathlib import Path

from analysis.figures import narrow

_FORMS = {"image/svg+xml": "svg", "application/pdf": "pdf", narrow.MIME: "narrow.png"}


def offer(notebook, chapter, put, *, links=True):
    """
    Move the SVG, PDF and narrow forms of a notebook's figures into files of their own.

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
                linked = sorted(forms.keys() - {_FORMS[narrow.MIME]}, reverse=True)
                _link(figure, chapter, name, linked)
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
    return content.encode("utf-8") if ending == "svg" else base64.b64decode(content)
