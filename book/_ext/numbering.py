"""Sphinx extension: an output that is named ``tab-…`` counts as a table, not as a figure.

MyST-NB wraps the output of a cell with ``figure`` metadata in a figure node, also when it is a
table. Sphinx numbers by the kind of node, so these become nodes of their own kind.
"""

from docutils import nodes
from sphinx.transforms import SphinxTransform


class tabular(nodes.figure):  # noqa: N801  (docutils names its nodes in lower case)
    """A table made by a cell, with caption and number."""


class FiguresToTables(SphinxTransform):
    """Replace figures named ``tab-…`` before Sphinx collects numbers and targets."""

    default_priority = 200

    def apply(self, **kwargs):
        for figure in list(self.document.findall(nodes.figure)):
            if isinstance(figure, tabular):
                continue
            if not any(str(name).startswith("tab-") for name in figure.get("names", [])):
                continue
            table = tabular("", *figure.children, **figure.attributes)
            table.source, table.line = figure.source, figure.line
            table["classes"] = [*table["classes"], "tabular"]
            figure.replace_self(table)
            for identifier in table["ids"]:  # references look the node up here
                self.document.ids[identifier] = table


def _title(node):
    for child in node.findall(nodes.caption):
        return child.astext()
    return None


def _visit(translator, node):
    translator.visit_figure(node)


def _depart(translator, node):
    translator.depart_figure(node)


def setup(app):
    """Register the node and the transform."""
    app.add_enumerable_node(
        tabular,
        "table",
        _title,
        html=(_visit, _depart),
        latex=(_visit, _depart),
        text=(_visit, _depart),
    )
    app.add_transform(FiguresToTables)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
