"""Every chapter's .ipynb is what its .md says, and holds no outputs."""

import nbformat
import pytest

from publishing import pairs
from publishing.chapters import CHAPTERS, chapters_in_book


def test_pairs_are_in_step():
    assert pairs.out_of_step() == [], "run `make sync`"


@pytest.mark.parametrize("source", pairs.sources(), ids=lambda path: path.stem)
def test_pair_holds_no_outputs(source):
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code")


def test_every_declared_chapter_is_in_the_book_and_has_a_source():
    names = [chapter.name for chapter in chapters_in_book()]
    assert sorted(names) == sorted(chapter.name for chapter in CHAPTERS)
    assert all(chapter.source.exists() for chapter in CHAPTERS)


def test_a_prose_edit_changes_the_pair_and_a_second_sync_changes_nothing(tmp_path):
    book = tmp_path / "book"
    book.mkdir()
    source = book / "01_a.md"
    source.write_text(
        "---\nkernelspec:\n  display_name: Python 3\n  name: python3\n---\n\n"
        "# A\n\n```{code-cell} ipython3\n1 + 1\n```\n"
    )
    assert pairs.out_of_step(tmp_path) == [book / "01_a.ipynb"]
    pairs.sync(tmp_path)
    assert pairs.out_of_step(tmp_path) == []
    assert pairs.sync(tmp_path) == []
    source.write_text(source.read_text().replace("# A", "# B"))
    assert pairs.out_of_step(tmp_path) == [book / "01_a.ipynb"]
