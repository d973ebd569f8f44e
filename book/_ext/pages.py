"""Sphinx extension: what every HTML page gets, and what it must lose.

A page gets a description and a preview picture for search engines and messengers. It loses the
scripts of thebe, which nothing here uses and which declare a constant twice, a list role that
assistive technology rejects (docutils puts citations, not list items, into a list), and names of
folded cells that differ from the words one sees (speech control could not open them).
"""

import html
import re

from docutils import nodes

LONGEST_DESCRIPTION = 200

_REPLACED = (
    ('role="doc-biblioentry"', 'role="listitem"'),
    ('<summary aria-label="Toggle hidden content">', "<summary>"),
)


def description(doctree):
    """
    First paragraph of a page that speaks to the reader, shortened at a word.

    Parameters
    ----------
    doctree : docutils.nodes.document

    Returns
    -------
    text : str
        Empty if the page has no paragraph.
    """
    for paragraph in doctree.findall(nodes.paragraph):
        inside = paragraph.parent
        while inside is not None and not isinstance(inside, nodes.Admonition | nodes.figure):
            inside = inside.parent
        text = re.sub(r"\s+", " ", paragraph.astext()).strip()
        if inside is None and len(text) > 40:
            return shortened(text)
    return ""


def shortened(text, length=LONGEST_DESCRIPTION):
    """
    Text cut at a word, with an ellipsis if something was cut.

    Examples
    --------
    >>> shortened("one two three", 9)
    'one two …'
    """
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0] + " …"


def _mend(app, name, template, context, doctree):
    scripts = context.get("script_files", [])
    context["script_files"] = [script for script in scripts if not _is_thebe(script)]
    if "body" in context:
        for theirs, ours in _REPLACED:
            context["body"] = context["body"].replace(theirs, ours)
    if doctree is None:
        return
    title = html.escape(re.sub(r"<[^>]*>", "", context.get("title", "")), quote=True)
    text = html.escape(description(doctree), quote=True)
    base = (app.config.html_baseurl or "").rstrip("/")
    tags = [
        f'<meta property="og:title" content="{title}">',
        '<meta property="og:type" content="article">',
    ]
    if text and 'name="description"' not in context.get("metatags", ""):
        tags.append(f'<meta name="description" content="{text}">')
        tags.append(f'<meta property="og:description" content="{text}">')
    if base:
        tags.append(f'<meta property="og:image" content="{base}/_static/preview.png">')
        tags.append(f'<meta property="og:url" content="{base}/{name}.html">')
    context["metatags"] = context.get("metatags", "") + "\n".join(tags)


def _is_thebe(script):
    attributes = getattr(script, "attributes", {})
    return "thebe" in str(getattr(script, "filename", script)) or "thebe" in str(
        attributes.get("body", "")
    )


def setup(app):
    """Listen to every page that is written, after the others did."""
    app.connect("html-page-context", _mend, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
