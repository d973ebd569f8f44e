"""Sphinx extension: names in code cells lead to their documentation.

A name of this package leads to its page here, one of NumPy, SciPy, pandas, scikit-image or Python
to theirs, by inventories that are stored (``book/_inventories``), so that a build asks the network
for nothing. (sphinx-codeautolink does not see imports in hidden cells, where most chapters have
them, and stops at sections without a title, which sphinx-exercise makes.)
"""

import ast
import functools
import html
import importlib
import re

import nbformat

_BLOCK = re.compile(r'(<div class="highlight-(?:ipython3|python)[^"]*">)(.*?</pre>)', re.DOTALL)
_DOT = '<span class="o">.</span>'
_CHAIN = re.compile(
    rf"(?<!{re.escape(_DOT)})"  # no attribute of something else
    r'<span class="n[a-z]*">(\w+)</span>'
    rf'((?:{re.escape(_DOT)}<span class="n[a-z]*">\w+</span>)*)'
    r'(?!\s*<span class="o">=</span>)'  # no keyword
)


def imported(cells):
    """
    What the names of a notebook stand for, as far as they are imported and nothing else.

    Parameters
    ----------
    cells : iterable of str
        Source of its code cells.

    Returns
    -------
    names : dict of str to str
        Dotted name of each imported name.

    Examples
    --------
    >>> imported(["import numpy as np", "from a.b import c, d as e", "c = 1"])
    {'np': 'numpy', 'e': 'a.b.d'}
    """
    lines = [line for cell in cells for line in cell.split("\n") if line.lstrip()[:1] not in "%!"]
    tree = ast.parse("\n".join(lines))
    names, stored = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                names[name] = alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            stored.add(node.id)
        elif isinstance(node, ast.arg):
            stored.add(node.arg)
    return {name: dotted for name, dotted in names.items() if name not in stored}


@functools.cache
def canonical(dotted):
    """
    Where a name is defined, if it is handed on from there.

    Examples
    --------
    >>> canonical("analysis.figures.plots.dots"), canonical("numpy.abs"), canonical("no.such")
    ('analysis.figures.counts.dots', 'numpy.absolute', 'no.such')
    """
    parts = dotted.split(".")
    for split in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:split]))
        except ImportError:
            continue
        for part in parts[split:]:
            found = getattr(found, part, None)
        name = getattr(found, "__qualname__", None) or getattr(found, "__name__", None)
        if found is None or split == len(parts) or not name:
            return dotted
        return f"{getattr(found, '__module__', None) or parts[0]}.{name}"
    return dotted


def linked(body, names, address):
    """
    The HTML of a page with links in its code blocks.

    Parameters
    ----------
    body : str
        HTML with code highlighted by Pygments.
    names : dict of str to str
        From :func:`imported`.
    address : callable
        Gives the address of a dotted name, or None.

    Returns
    -------
    body : str
    """

    def link(found):
        first, rest = found[1], re.findall(r">(\w+)</span>", found[2])
        if first not in names:
            return found[0]
        dotted = ".".join([names[first], *rest])
        where = address(dotted) or address(canonical(dotted))
        if where is None:
            return found[0]
        title = html.escape(dotted, quote=True)
        return f'<a class="cbd-code-link" href="{where}" title="{title}">{found[0]}</a>'

    return _BLOCK.sub(lambda block: block[1] + _CHAIN.sub(link, block[2]), body)


def _link(app, page, template, context, doctree):
    file = app.srcdir / f"{page}.ipynb"
    if app.builder.name != "html" or "body" not in context or not file.is_file():
        return
    cells = nbformat.read(file, as_version=4).cells
    names = imported(cell.source for cell in cells if cell.cell_type == "code")
    objects = app.env.domains["py"].objects
    outside = {
        name: entry[2]
        for kind, entries in app.env.intersphinx_inventory.items()
        if kind.startswith("py:")
        for name, entry in entries.items()
    }

    def address(dotted):
        if dotted in objects:
            entry = objects[dotted]
            return f"{app.builder.get_relative_uri(page, entry.docname)}#{entry.node_id}"
        return outside.get(dotted)

    context["body"] = linked(context["body"], names, address)


def setup(app):
    """Listen to every page that is written."""
    app.setup_extension("sphinx.ext.intersphinx")
    app.connect("html-page-context", _link, priority=800)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
