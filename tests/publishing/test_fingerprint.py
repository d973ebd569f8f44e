"""A chapter depends on what it imports, however it imports it, and on nothing else."""

import pytest

from publishing.chapters import ROOT
from publishing.fingerprint import fingerprint, import_closure


@pytest.fixture
def root(tmp_path):
    package = tmp_path / "analysis"
    for file, text in {
        "__init__.py": "",
        "phases.py": "",
        "paper.py": "TABLE = 'values'\n",
        "values/table.csv": "1\n",
        "deep/__init__.py": "",
        "deep/inner.py": "def f():\n    from analysis import phases\n",
        "deep/other.py": "",
        "study.py": "from analysis.deep import inner\n",
        "_names.py": "",
        "room/__init__.py": "from analysis._names import lazily\n"
        "__getattr__, *_ = lazily(__name__, {'one': 'f g', 'two': '', 'in.three': ''})\n",
        "room/one.py": "def f():\n    pass\n",
        "room/two.py": "from analysis import phases\n",
        "room/in/__init__.py": "",
        "room/in/three.py": "",
    }.items():
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        (package / file).write_text(text)
    return tmp_path


def names(files, root):
    return {str(path.relative_to(root / "analysis")) for path in files}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import numpy", set()),
        ("from analysis import phases", {"__init__.py", "phases.py"}),
        ("import analysis.deep.other", {"__init__.py", "deep/__init__.py", "deep/other.py"}),
        (
            "%matplotlib inline\nfrom analysis.study import x",
            {"__init__.py", "study.py", "deep/__init__.py", "deep/inner.py", "phases.py"},
        ),
        ("from analysis import paper", {"__init__.py", "paper.py", "values/table.csv"}),
    ],
)
def test_import_closure(root, code, expected):
    assert names(import_closure(code, root), root) == expected


ROOM = {"__init__.py", "_names.py", "room/__init__.py"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from analysis import room", set()),
        ("from analysis.room import f", {"one.py"}),
        ("from analysis.room import g as other", {"one.py"}),
        ("from analysis.room import two", {"two.py", "phases.py"}),
        ("from analysis.room import three", {"in/__init__.py", "in/three.py"}),
        (
            "from analysis.room import *",
            {"one.py", "two.py", "phases.py", "in/__init__.py", "in/three.py"},
        ),
        ("from analysis import room\nroom.f()", {"one.py"}),
        ("from analysis import room as r\nx = r.two.anything.at_all", {"two.py", "phases.py"}),
        ("import analysis.room\nanalysis.room.three.f(1)", {"in/__init__.py", "in/three.py"}),
        ("import analysis as a, analysis.room\nprint([a.room.g])", {"one.py"}),
        ("from analysis import room\ndef f(other):\n    return other.two", set()),
    ],
)
def test_names_that_a_room_hands_on_lead_to_their_modules(root, code, expected):
    found = names(import_closure(code, root), root)
    assert found == ROOM | {name if name == "phases.py" else f"room/{name}" for name in expected}


def test_the_public_names_are_followed_in_the_package_itself():
    closure = names(import_closure("import analysis as cbd\ncbd.geodesic_tortuosity(1)"), ROOT)
    assert "descriptors/kernels/geodesic.py" in closure and "descriptors/size.py" not in closure
    closure = names(import_closure("import analysis as cbd\ncbd.resolved.lithiate(1)"), ROOT)
    assert "electrochemistry/resolved/newton.py" in closure


def write(root, prose="Text.", code="from analysis import study", alt="A curve."):
    source = root / "01_a.md"
    source.write_text(
        "---\nkernelspec:\n  display_name: Python 3\n  name: python3\n---\n\n"
        f"{prose}\n\n```{{code-cell}} ipython3\n---\nmystnb:\n  image:\n    alt: {alt}\n---\n"
        f"{code}\n```\n"
    )
    return fingerprint(source, parameters={"profile": "smoke"}, root=root)


def test_prose_and_captions_do_not_count(root):
    assert write(root) == write(root, prose="Other text.", alt="Another curve.")


def test_code_counts(root):
    assert write(root) != write(root, code="from analysis import study, phases")


def test_a_module_counts_only_where_it_is_used(root):
    before = write(root)
    (root / "analysis/deep/other.py").write_text("x = 1\n")
    assert write(root) == before
    (root / "analysis/deep/inner.py").write_text("x = 1\n")
    assert write(root) != before


def test_a_folder_of_the_book_that_a_module_names_counts(root):
    """An entry that is sent in to the challenge makes its chapter run, though no code changed."""
    module = root / "analysis/submissions.py"
    module.write_text("FOLDER = 'book/entries'\n")
    folder = root / "book/entries"
    folder.mkdir(parents=True)
    code = "from analysis import submissions\n"
    assert folder / "one.yml" not in import_closure(code, root)
    (folder / "one.yml").write_text("name: one\n")
    assert folder / "one.yml" in import_closure(code, root)


def test_the_entries_of_the_challenge_count():
    found = import_closure("from analysis.challenge import standings\n")
    assert ROOT / "book/challenge_entries/smoothing.yml" in found
