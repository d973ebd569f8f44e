"""Staged pages: prose of now, outputs of the run, and no file written that is the same."""

import jupytext
import nbformat
import pytest

from publishing.stage import merged_notebook, stage, write_if_changed
from publishing.stamps import Build

PAGE = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# Title

{prose}

```{{code-cell}} ipython3
:tags: [parameters]

profile = "demo"
```

```{{code-cell}} ipython3
{code}
```
"""


@pytest.fixture
def book(tmp_path):
    root = tmp_path / "root"
    (root / "book" / "_static").mkdir(parents=True)
    (root / "book" / "_ext").mkdir()
    (root / "_config.yml").write_text("title: T\n")
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nchapters:\n  - file: book/01_a.ipynb\n"
    )
    (root / "book" / "index.md").write_text("# Index\n")
    (root / "book" / "_ext" / "numbering.py").write_text("x = 1\n")
    source = root / "book" / "01_a.md"
    source.write_text(PAGE.format(prose="Old prose.", code="1 + 1"))
    build = Build("smoke", tmp_path / "build")
    executed = jupytext.read(source)
    given = nbformat.v4.new_code_cell('profile = "smoke"')
    given.metadata["tags"] = ["injected-parameters"]
    executed.cells.insert(-1, given)
    executed.cells[-1].outputs = [nbformat.v4.new_output("stream", text="2")]
    build.executed("01_a").parent.mkdir(parents=True)
    nbformat.write(executed, build.executed("01_a"))
    return root, source, build


def test_prose_is_of_now_and_outputs_are_of_the_run(book):
    root, source, build = book
    source.write_text(PAGE.format(prose="New prose.", code="1 + 1"))
    merged = nbformat.reads(merged_notebook(source, build), 4)
    assert "New prose." in merged.cells[0].source
    assert merged.cells[-1].outputs[0].text == "2"


def test_given_parameters_are_shown_in_place_of_those_of_the_source(book):
    _, source, build = book
    merged = nbformat.reads(merged_notebook(source, build), 4)
    hidden, shown = merged.cells[1:3]
    assert "remove-cell" in hidden.metadata["tags"]
    assert shown.source == 'profile = "smoke"'
    assert shown.metadata["mystnb"]["code_prompt_show"] == "Parameters of this run"


def test_code_that_has_not_run_is_refused(book):
    _, source, build = book
    source.write_text(PAGE.format(prose="Old prose.", code="1 + 2"))
    with pytest.raises(ValueError, match="01_a.md changed since it was executed"):
        merged_notebook(source, build)


def test_a_file_that_is_the_same_keeps_its_time(tmp_path):
    file = tmp_path / "page.md"
    write_if_changed(file, b"text")
    before = file.stat().st_mtime_ns
    write_if_changed(file, b"text")
    assert file.stat().st_mtime_ns == before
    write_if_changed(file, b"other")
    assert file.read_bytes() == b"other"


def test_the_stage_holds_pages_and_extensions_and_forgets_what_the_book_no_longer_has(book):
    root, _, build = book
    leftover = build.folder / "stage" / "book" / "old" / "gone.md"
    leftover.parent.mkdir(parents=True)
    leftover.write_text("# Gone\n")
    folder = stage(build, root=root)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "_config.yml", "_toc.yml", "book/index.md", "book/01_a.ipynb", "book/_ext/numbering.py",
    }  # fmt: skip
    assert not leftover.parent.exists()
