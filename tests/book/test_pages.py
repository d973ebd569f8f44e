"""Downloads, numbering, descriptions, and the forms for paper: on notebooks made by hand."""

import base64
import zipfile

import nbformat
import pages
import pytest

from publishing import downloads
from publishing.forms import epub, plain

SVG = "<svg xmlns='http://www.w3.org/2000/svg'/>"


def notebook(**data):
    cell = nbformat.v4.new_code_cell("plot()")
    cell.metadata["tags"] = ["hide-input"]
    cell.metadata["mystnb"] = {"figure": {"name": "fig-a", "caption": "A caption."}}
    cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
    return nbformat.v4.new_notebook(cells=[cell])


def figure_bundle():
    return {
        "image/png": "cG5n",
        "image/svg+xml": SVG,
        "application/pdf": base64.b64encode(b"%PDF").decode(),
    }


def test_other_forms_of_a_figure_become_files_linked_in_its_caption():
    files = {}
    book = notebook(**figure_bundle())
    assert downloads.offer(book, "03_x", lambda path, content: files.update({path: content})) == [
        "fig-a"
    ]
    assert {path.as_posix(): content for path, content in files.items()} == {
        "book/figures/03_x/fig-a.svg": SVG.encode(),
        "book/figures/03_x/fig-a.pdf": b"%PDF",
    }
    assert list(book.cells[0].outputs[0].data) == ["image/png"]
    caption = book.cells[0].metadata["mystnb"]["figure"]["caption"]
    assert caption.startswith("A caption. {download}`SVG <figures/03_x/fig-a.svg>`")


def test_without_links_only_the_picture_stays():
    book = notebook(**figure_bundle())
    downloads.offer(book, "03_x", None, links=False)
    assert list(book.cells[0].outputs[0].data) == ["image/png"]
    assert book.cells[0].metadata["mystnb"]["figure"]["caption"] == "A caption."


def test_paper_gets_stills_tables_without_links_and_no_folds(tmp_path):
    stage = tmp_path / "stage"
    (stage / "book").mkdir(parents=True)
    (stage / "_config.yml").write_text(
        "title: T\nrepository: {url: x}\nhtml: {use_repository_button: true, favicon: f}\n"
    )
    (stage / "_toc.yml").write_text(
        "root: book/a\nparts: [{caption: C, chapters: [{file: book/b}, {file: book/api_cell}]}]\n"
    )
    (stage / "book" / "api_cell.md").write_text("# The cell\n")
    slider = notebook(**{"text/html": "<div>slider</div>", "image/png": "cG5n"})
    slider.cells[0].metadata["mystnb"]["figure"]["caption"] = "Text. {download}`SVG <a.svg>`"
    table = notebook(
        **{"text/html": '<div tabindex="0"><table></table></div><p class="cbd-downloads">CSV</p>'}
    )
    nbformat.write(slider, stage / "book" / "a.ipynb")
    nbformat.write(table, stage / "book" / "b.ipynb")
    target = plain.plain_copy(stage, tmp_path / "plain")
    cell = nbformat.read(target / "book" / "a.ipynb", 4).cells[0]
    assert list(cell.outputs[0].data) == ["image/png"]
    assert cell.metadata["tags"] == ["remove-input"]
    assert cell.metadata["mystnb"]["figure"]["caption"] == "Text."
    html = nbformat.read(target / "book" / "b.ipynb", 4).cells[0].outputs[0].data["text/html"]
    assert html == "<div><table></table></div>"
    assert "repository" not in (target / "_config.yml").read_text()
    contents = (target / "_toc.yml").read_text()
    assert "book/b" in contents and "api" not in contents
    assert not (target / "book" / "api_cell.md").exists()


def test_epub_begins_with_its_type_uncompressed(tmp_path):
    folder = tmp_path / "unpacked"
    (folder / "book").mkdir(parents=True)
    (folder / "mimetype").write_text("application/epub+zip")
    (folder / "book" / "a.xhtml").write_text("<html/>")
    epub.pack(folder, tmp_path / "b.epub")
    with zipfile.ZipFile(tmp_path / "b.epub") as archive:
        first = archive.infolist()[0]
        assert first.filename == "mimetype" and first.compress_type == zipfile.ZIP_STORED
        assert archive.namelist() == ["mimetype", "book/a.xhtml"]


def test_a_book_that_is_not_built_has_no_other_form(tmp_path):
    from publishing.stamps import Build

    with pytest.raises(plain.FormFailed, match="make book PROFILE=smoke"):
        plain.staged(Build("smoke", tmp_path))


def test_descriptions_end_at_a_word():
    text = pages.shortened("word " * 100)
    assert len(text) <= pages.LONGEST_DESCRIPTION + 2 and text.endswith("word …")


def test_outputs_named_tab_are_numbered_as_tables():
    from docutils import nodes
    from docutils.utils import new_document
    from numbering import FiguresToTables, tabular

    document = new_document("page")
    for name in ("tab-a", "fig-b"):
        figure = nodes.figure("", nodes.caption("", "Caption"), names=[name], ids=[name])
        document += figure
        document.ids[name] = figure
    FiguresToTables(document).apply()
    assert [type(node) for node in document.children] == [tabular, nodes.figure]
    assert isinstance(document.ids["tab-a"], tabular)
