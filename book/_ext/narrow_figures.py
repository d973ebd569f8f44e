"""Sphinx extension: on a phone a figure is shown in the form that was laid out for one.

The narrow form lies beside the SVG and the PDF of a figure (see ``publishing/downloads.py``). The
browser chooses: ``<picture>`` holds both, and only the one that fits is loaded.
"""

from pathlib import Path

from docutils import nodes
from sphinx.util.osutil import relative_uri

WIDEST = "40rem"


def narrow_form(source, page, figure):
    """
    Path of the narrow form of a figure, relative to the source folder.

    Parameters
    ----------
    source : Path
        Folder of the staged book.
    page : str
        Document, ``book/07_agreement``.
    figure : docutils.nodes.figure
        Its names are looked for.

    Returns
    -------
    path : str or None
    """
    folder = Path(page).parent / "figures" / Path(page).name
    for name in figure.get("names", []):
        path = folder / f"{name}.narrow.png"
        if (Path(source) / path).is_file():
            return path.as_posix()
    return None


def _offer(app, doctree, page):
    if app.builder.name != "html":
        return
    folder = relative_uri(app.builder.get_target_uri(page), app.builder.imagedir)
    for figure in doctree.findall(nodes.figure):
        path = narrow_form(app.srcdir, page, figure)
        image = next(iter(figure.findall(nodes.image)), None)
        if path is None or image is None:
            continue
        # the builder copies what stands here; names of other pages' figures may be the same
        app.builder.images[path] = f"{Path(page).name}-{Path(path).name}"
        source = (
            f'<source media="(max-width: {WIDEST})" srcset="{folder}/{app.builder.images[path]}">'
        )
        around = [
            nodes.raw("", text, format="html") for text in (f"<picture>{source}", "</picture>")
        ]
        image.replace_self([around[0], image.deepcopy(), around[1]])


def setup(app):
    """Listen when a page is about to be written."""
    app.connect("doctree-resolved", _offer)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
