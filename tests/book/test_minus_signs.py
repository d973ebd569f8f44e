"""Negative numbers of the prose have minus signs; code, ranges, dates and names stay."""

import sys
from pathlib import Path

import pytest
from docutils import nodes

EXTENSIONS = Path(__file__).resolve().parents[2] / "book" / "_ext"


@pytest.fixture(scope="module")
def minus_signs():
    sys.path.insert(0, str(EXTENSIONS))
    try:
        import minus_signs

        yield minus_signs
    finally:
        sys.path.remove(str(EXTENSIONS))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the gradient of SL, -0.25 in truth", "the gradient of SL, −0.25 in truth"),
        ("lies between -0.147 and -0.140", "lies between −0.147 and −0.140"),
        ("by -3 % (-2 to -4)", "by −3 % (−2 to −4)"),
        ("a bias of -.5", "a bias of −.5"),
        ("1e-08 of 2026-11-28, Tables 2-4, NMC-622, x-1", "1e-08 of 2026-11-28, Tables 2-4, NMC-622, x-1"),
        ("an option --wait 3600", "an option --wait 3600"),
    ],
)  # fmt: skip
def test_text(minus_signs, text, shown):
    assert minus_signs.with_minus_signs(text) == shown


class App:
    """Stands for Sphinx: nothing of it is used."""


@pytest.mark.parametrize("kind", [nodes.literal, nodes.literal_block, nodes.math])
@pytest.mark.parametrize("page", ["book/01_electrodes", "book/api_cell"])
def test_page(minus_signs, kind, page):
    doctree = nodes.section()
    doctree += [nodes.paragraph(text="It is -3 here."), kind(text="a[-3]  -3")]
    minus_signs._mend(App(), doctree, page)
    paragraph, code = (node.astext() for node in doctree.children)
    assert paragraph == ("It is -3 here." if "api" in page else "It is −3 here.")
    assert code == "a[-3]  -3"
