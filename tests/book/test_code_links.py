"""Names in code cells lead to their documentation, without asking the network."""

import functools
import importlib
import re
from pathlib import Path

import code_links
import pytest
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from publishing.chapters import CHAPTERS
from publishing.fingerprint import code_cells

INVENTORIES = sorted((Path(__file__).resolve().parents[2] / "book/_inventories").glob("*.txt"))
MODULES = {"python": ("dataclasses", "inspect", "pathlib", "tempfile")}


def entries(file):
    """Names of an inventory of version 1, which is plain text."""
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# Sphinx inventory version 1"
    return [line.split(" ") for line in lines[3:]]


def page(source):
    block = highlight(source, PythonLexer(), HtmlFormatter())
    return f'<div class="highlight-ipython3 notranslate">{block}</div>'


def links(source, known):
    body = code_links.linked(page(source), code_links.imported([source]), known.get)
    found = re.findall(r'<a class="cbd-code-link" href="([^"]+)" title="([^"]+)">(.*?)</a>', body)
    return {title: (href, re.sub("<[^>]*>", "", text)) for href, title, text in found}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import numpy as np\nx = np.mean(y)", {"numpy.mean": ("N", "np.mean")}),
        (
            "import numpy as np\nx = np.linalg.norm(y)",
            {"numpy.linalg.norm": ("L", "np.linalg.norm")},
        ),
        ("import numpy as np\ny.np.mean(x)\nf(np=1)", {}),
        ("import numpy as np\nnp = 3\nnp.mean", {}),
        ("import numpy as np\nx = np.no_such(y)", {}),
        (
            "from analysis.figures import plots\nplots.dots(t)",
            {"analysis.figures.plots.dots": ("D", "plots.dots")},
        ),
        ("from analysis.phases import Phase\nPhase.AM.title", {}),
    ],
)  # fmt: skip
def test_names_are_linked_as_a_whole_and_only_where_they_are_meant(source, expected):
    known = {"numpy.mean": "N", "numpy.linalg.norm": "L", "analysis.figures.counts.dots": "D"}
    assert links(source, known) == expected


def test_text_of_the_code_stays_the_same():
    source = "import numpy as np\nprint(np.mean([1, 2]), 'np.mean')  # np.mean\n"
    body = code_links.linked(page(source), {"np": "numpy"}, {"numpy.mean": "N"}.get)
    assert re.sub("<[^>]*>", "", body) == re.sub("<[^>]*>", "", page(source))
    assert body.count("cbd-code-link") == 1


@pytest.mark.parametrize("file", INVENTORIES, ids=lambda file: file.stem)
def test_an_inventory_names_what_is_there(file):
    for name, kind, place in entries(file):
        parts = name.split(".")
        for split in range(len(parts), 0, -1):
            try:
                found = importlib.import_module(".".join(parts[:split]))
            except ImportError:
                continue
            break
        functools.reduce(getattr, parts[split:], found)
        assert kind in ("function", "class", "data", "mod") and place.endswith(".html")


def test_the_inventories_hold_all_that_the_cells_name():
    known = {name for file in INVENTORIES for name, *_ in entries(file)}
    packages = {file.stem for file in INVENTORIES} | set(MODULES["python"])
    missing = set()
    for chapter in CHAPTERS:
        cells = code_cells(chapter.source)
        names = code_links.imported(cells)
        for first, rest in re.findall(r"(?<![\w.])(\w+)((?:\.\w+)+)", "\n".join(cells)):
            dotted = names.get(first, "") + rest
            if dotted.split(".")[0] not in packages:
                continue
            if not known & {dotted, code_links.canonical(dotted)}:
                missing.add(dotted)
    assert not missing, f"add to book/_inventories: {sorted(missing)}"
