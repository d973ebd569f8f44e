"""Sphinx extension: what Jupyter Book's own launcher does for Sphinx, and what it leaves out.

Pages are built by ``sphinx-build`` (see :mod:`publishing.site`), which knows nothing of three
habits of Jupyter Book: numbers that run on through the parts of the book, mathematics in one long
page, and extensions that say nothing about parallel reading, which Sphinx takes for a no.
"""


def _declare(app, config):
    # The silent extensions change one page at a time or run when all pages are read.
    for extension in app.extensions.values():
        if extension.parallel_read_safe is None:
            extension.parallel_read_safe = True


def _scripts_on_every_page(app):
    # or the single page, whose sections come from other pages, would lose its mathematics
    if app.builder.name == "singlehtml":
        app.set_html_assets_policy("always")


def setup(app):
    """Number through the parts, listen to the builder, declare what extensions do not."""
    app.setup_extension("sphinx_multitoc_numbering")
    app.connect("config-inited", _declare, priority=900)
    app.connect("builder-inited", _scripts_on_every_page)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
