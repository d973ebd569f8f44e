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


PAGE = (
    "---\nkernelspec:\n  display_name: Python 3\n  name: python3\n---\n\n"
    "# A\n\n```{code-cell} ipython3\n:tags: [hide-input]\n\n1 + 1\n```\n\nThe end.\n"
)


@pytest.fixture
def pair(tmp_path):
    """A chapter in step with its notebook, and another that nobody touches."""
    (tmp_path / "book").mkdir()
    for name in ("01_a", "02_b"):
        (tmp_path / "book" / f"{name}.md").write_text(PAGE)
    pairs.sync(tmp_path)
    return tmp_path / "book" / "01_a.md"


def edit(target, change):
    notebook = nbformat.read(target, as_version=4)
    change(notebook)
    nbformat.write(notebook, target)


def add_cell(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell("mine = 42"))


def change_prose(notebook):
    notebook.cells[0].source += "\n\nMy words."


def delete_cell(notebook):
    del notebook.cells[1]


def change_tag(notebook):
    notebook.cells[1].metadata["tags"] = ["remove-cell"]


@pytest.mark.parametrize("change", [add_cell, change_prose, delete_cell, change_tag])
@pytest.mark.parametrize("both", [False, True])
def test_an_edit_of_the_notebook_stops_sync_with_a_choice(pair, change, both):
    target = pair.with_suffix(".ipynb")
    edit(target, change)
    if both:
        pair.write_text(pair.read_text().replace("The end.", "The very end."))
    before = target.read_text(), pair.read_text()
    for _ in range(2):
        with pytest.raises(pairs.NotebookEdited, match="01_a.ipynb: edited(?s:.*)FROM=ipynb"):
            pairs.sync(pair.parents[1])
    assert (target.read_text(), pair.read_text()) == before


@pytest.mark.parametrize("change", [add_cell, change_prose, delete_cell, change_tag])
def test_the_notebook_wins_if_it_is_told_to(pair, change):
    target, other = pair.with_suffix(".ipynb"), pair.with_name("02_b.md")
    edit(target, change)
    wanted = nbformat.read(target, as_version=4)
    other.write_text(PAGE.replace("# A", "# B"))
    changed = pairs.sync(pair.parents[1], winner="ipynb")
    assert pair in changed and other not in changed
    assert "# B" in other.read_text()  # where no notebook was edited, the source wins
    assert pairs.out_of_step(pair.parents[1]) == []
    found = nbformat.read(target, as_version=4)
    assert [cell.source for cell in found.cells] == [cell.source for cell in wanted.cells]
    assert [cell.metadata for cell in found.cells] == [cell.metadata for cell in wanted.cells]
    assert pairs.sync(pair.parents[1]) == []


def test_the_source_wins_if_it_is_told_to(pair):
    target = pair.with_suffix(".ipynb")
    before = target.read_text()
    edit(target, add_cell)
    assert pairs.sync(pair.parents[1], winner="md") == [target]
    assert target.read_text() == before and pair.read_text() == PAGE


def test_running_a_notebook_is_no_edit(pair):
    def run(notebook):
        notebook.cells[1].execution_count = 7
        notebook.cells[1].metadata["execution"] = {"iopub.status.busy": "now"}
        notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="2")]
        notebook.metadata["language_info"] = {"name": "python"}

    target = pair.with_suffix(".ipynb")
    before = target.read_text()
    edit(target, run)
    assert pairs.sync(pair.parents[1]) == [target]
    assert target.read_text() == before


def test_a_notebook_of_unknown_past_is_not_thrown_away(pair):
    target = pair.with_suffix(".ipynb")

    def forget(notebook):
        del notebook.metadata["cbd_compendium"]

    edit(target, forget)
    assert pairs.sync(pair.parents[1]) == [target]  # its cells are those of the source
    edit(target, forget)
    edit(target, add_cell)
    with pytest.raises(pairs.NotebookEdited, match="not known"):
        pairs.sync(pair.parents[1])


def test_a_broken_notebook_is_said(pair):
    pair.with_suffix(".ipynb").write_text("<<<<<<< ours")
    with pytest.raises(pairs.NotebookEdited, match="cannot be read"):
        pairs.sync(pair.parents[1])
    with pytest.raises(ValueError, match="FROM=md"):
        pairs.sync(pair.parents[1], winner="ipynb")
    assert pairs.sync(pair.parents[1], winner="md")
    with pytest.raises(ValueError, match="expected md or ipynb"):
        pairs.sync(pair.parents[1], winner="theirs")


@pytest.mark.parametrize("source", pairs.sources(), ids=lambda path: path.stem)
def test_a_chapter_comes_back_from_its_notebook(source, tmp_path):
    copy = tmp_path / source.name
    copy.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    copy.with_suffix(".ipynb").write_text(pairs.paired_notebook(source), encoding="utf-8")
    copy.write_text(pairs._source_text(copy), encoding="utf-8")
    assert pairs.paired_notebook(copy) == pairs.paired_notebook(source)
