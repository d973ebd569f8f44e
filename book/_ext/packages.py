"""Sphinx extension: ``.. package-uses::`` is the table of what each package does here.

It is made whenever the pages are, from the imports of that moment.
"""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from publishing.packages import REASONS, uses

MOST_MODULES = 4  # that are named; the others are counted


def rows():
    """One line for each package: what it does, its version, chapters and modules."""
    for use in uses():
        numbers = [name.split("_")[0] for name in use.chapters]
        modules = [f"``{name.removesuffix('.py').replace('/', '.')}``" for name in use.modules]
        more = len(modules) - MOST_MODULES
        where = ", ".join(modules[:MOST_MODULES]) + (f" and {more} more" if more > 0 else "")
        yield use.package, use.version, REASONS[use.package], ", ".join(numbers) or "–", where


class PackageUses(SphinxDirective):
    """A table with a line for each package of ``pyproject.toml``."""

    def run(self):
        """Nodes of the table."""
        self.env.note_reread()
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 14 8 36 16 26", ""]
        for row in (
            ("package", "version", "what it does, and why it", "chapters", "modules"),
            *rows(),
        ):
            lines += [f"   {'*' if k == 0 else ' '} - {text}" for k, text in enumerate(row)]
        holder = nodes.Element()
        holder.document = self.state.document
        self.state.nested_parse(StringList(lines, source="package-uses"), 0, holder)
        return holder.children


def setup(app):
    """Register the directive."""
    app.add_directive("package-uses", PackageUses)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
