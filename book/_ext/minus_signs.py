"""Sphinx extension: a negative number in the prose has a minus sign, not a hyphen.

Numbers of a run reach the prose through ``glue``, formatted by Python, which writes a hyphen. Code,
mathematics, addresses and the pages of the package keep what they hold.
"""

import re

from docutils import nodes

_NEGATIVE = re.compile(r"(?<![\w.)\]/=-])-(?=\.?\d)")
_LEFT_ALONE = (nodes.FixedTextElement, nodes.literal, nodes.math, nodes.math_block, nodes.raw)
PACKAGE = "book/api"  # docstrings quote code


def with_minus_signs(text):
    """
    Text whose negative numbers have a minus sign; ranges, dates and names stay.

    Examples
    --------
    >>> with_minus_signs("-0.25 to +3, 2026-11-28, 10-15 and NMC-622, 1e-08")
    '−0.25 to +3, 2026-11-28, 10-15 and NMC-622, 1e-08'
    """
    return _NEGATIVE.sub("−", text)


def _quoted(node):
    while node is not None:
        if isinstance(node, _LEFT_ALONE):
            return True
        node = node.parent
    return False


def _mend(app, doctree, page):
    if page.startswith(PACKAGE):
        return
    for text in list(doctree.findall(nodes.Text)):
        mended = with_minus_signs(str(text))
        if mended != str(text) and not _quoted(text.parent):
            text.parent.replace(text, nodes.Text(mended))


def setup(app):
    app.connect("doctree-resolved", _mend, priority=900)  # when numbers of other pages are in
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
