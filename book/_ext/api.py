"""Sphinx extension: ``.. package-modules:: analysis.descriptors`` documents every public module.

So the page of the package's functions cannot fall behind the package.
"""

import importlib
import pkgutil

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective


def public_modules(name, rooms=True):
    """
    Names of the public modules of a package and, on request, its rooms; or of the module itself.

    Examples
    --------
    >>> public_modules("analysis.phases")
    ['analysis.phases']
    >>> "analysis.figures.style" in public_modules("analysis.figures")
    True
    >>> "analysis.study.imaging.recipes" in public_modules("analysis.study")
    True
    >>> "analysis.study.imaging.recipes" in public_modules("analysis.study", rooms=False)
    False
    """
    module = importlib.import_module(name)
    if not hasattr(module, "__path__"):
        return [name]
    found = []
    for entry in pkgutil.iter_modules(module.__path__):
        if entry.name.startswith("_"):
            continue
        inner = f"{name}.{entry.name}"
        if not entry.ispkg:
            found.append(inner)
        elif rooms:
            found += public_modules(inner)
    return found


class PackageModules(SphinxDirective):
    """Expands to one ``automodule`` per public module."""

    required_arguments = 1
    option_spec = {"without-rooms": directives.flag}  # their pages name them one by one

    def run(self):
        """Nodes of all modules."""
        lines = []
        for name in public_modules(self.arguments[0], "without-rooms" not in self.options):
            lines += [f".. rubric:: {name}", "   :heading-level: 3", ""]
            lines += [f".. automodule:: {name}", "   :members:", ""]
        holder = nodes.Element()
        holder.document = self.state.document
        self.state.nested_parse(StringList(lines, source="package-modules"), 0, holder)
        return holder.children


def _as_code(app, environment, node, content):
    """Names in docstrings that are not documented themselves, constants say, stay plain code."""
    return content if node.get("refdomain") == "py" else None


def setup(app):
    """Register the directive."""
    app.add_directive("package-modules", PackageModules)
    app.connect("missing-reference", _as_code)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
