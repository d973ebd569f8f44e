"""A chapter depends on what it imports, however it imports it, and on nothing else."""

import pytest

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
