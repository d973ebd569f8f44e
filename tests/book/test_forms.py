"""PDF and ePub of a book: made by the same functions as `make pdf` and `make epub`, and checked."""

import datetime
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from publishing.forms import front_and_back, pdf, plain

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.book, pytest.mark.slow]


@pytest.fixture(scope="session")
def epubcheck():
    """
    Command that validates an ePub, or a skip that says how to get it.

    Debian's program is a Java archive that not every kernel starts by itself, so Java is called.
    """
    program = os.environ.get("EPUBCHECK") or shutil.which("epubcheck")
    if program is None:
        pytest.skip("no epubcheck: apt install epubcheck, or set EPUBCHECK to epubcheck.jar")
    program = Path(program).resolve()
    if program.suffix != ".jar":
        return [str(program)]
    if shutil.which("java") is None:
        pytest.skip("no Java for epubcheck: apt install default-jre-headless")
    return ["java", "-jar", str(program)]


@pytest.fixture(scope="session")
def made(small_book):
    """Makes a form of the small book: ``made("epub")`` is the file."""
    if not (os.environ.get("CHROMIUM") or any(map(shutil.which, plain.BROWSERS))):
        pytest.skip("no Chromium found: apt install chromium, or set CHROMIUM to its path")

    def make(form):
        # a process of its own: the other tests may keep a browser open, and one process has one
        code = (
            f"import sys; from pathlib import Path; from publishing import stamps\n"
            f"from publishing.forms import {form}\n"
            f"{form}.make(stamps.Build('smoke', Path(sys.argv[1])))"
        )
        command = [sys.executable, "-c", code, str(small_book.folder)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return small_book.folder / f"book.{form}"

    return make


@pytest.fixture(scope="session")
def book_as_epub(made):
    return made("epub")


def test_epub_is_valid(book_as_epub, epubcheck):
    checked = subprocess.run(
        [*epubcheck, str(book_as_epub)], capture_output=True, text=True, check=False
    )
    said = checked.stdout + checked.stderr
    assert checked.returncode == 0, said
    assert re.search(r"\b0 fatals / 0 errors\b", said) or "No errors" in said, said


def test_epub_holds_still_pictures_and_set_mathematics(book_as_epub):
    with zipfile.ZipFile(book_as_epub) as archive:
        pages = {
            name: archive.read(name).decode("utf-8")
            for name in archive.namelist()
            if name.endswith(".xhtml")
        }
    chapter = next(text for name, text in pages.items() if name.endswith("chapter.xhtml"))
    assert "<math" in chapter and "<script" not in chapter and "cbd-control" not in chapter
    assert chapter.count("<img") >= 2, "the figure and the still of the slider"


def test_pdf_is_written_with_its_pictures(made):
    content = made("pdf").read_bytes()
    assert content.startswith(b"%PDF") and content.rstrip().endswith(b"%%EOF")
    assert content.count(b"/Image") >= 2, "pictures are lost"


def solution(label, text, exercise):
    title = f'<p class="admonition-title">Solution to <a href="#{exercise}">Exercise</a></p>'
    return f'<div class="solution dropdown admonition" id="{label}">{title}<p>{text}</p></div>'


BOOK = (
    "<html><head></head><body><article>"
    '<div class="exercise" id="ex-a"><p>Question A</p></div>'
    f"{solution('so-a', 'Answer A', 'ex-a')}<p>Text between</p>"
    '<div class="exercise" id="ex-b"><p>Question B</p></div>'
    f"{solution('so-b', 'Answer B', 'ex-b')}<h2>Last</h2>"
    '<a href="book/index.html#ex-b">there</a></article></body></html>'
)


def test_on_paper_solutions_come_after_the_last_chapter_and_exercises_lead_to_them():
    page = front_and_back.rearranged(BOOK, '<div class="cbd-title-page">T</div>')
    order = ["cbd-title-page", "Question A", "Text between", "Question B", "Last"]
    order += ["Solutions</h1>", "Answer A", "Answer B"]
    places = [page.index(text) for text in order]
    assert places == sorted(places)
    for letter in "ab":
        question = page[page.index(f'id="ex-{letter}"') :].split("</div>")[0]
        assert f'href="#so-{letter}"' in question
        assert page.count(f'id="so-{letter}"') == 1
    assert "dropdown" not in page


def test_a_book_without_solutions_gets_its_title_page_alone():
    page = front_and_back.rearranged("<body><article>x</article></body>", "<div>T</div>")
    assert page == "<body><div>T</div><article>x</article></body>"


@pytest.mark.parametrize("profile", ["smoke", "demo", "paper"])
def test_the_title_page_says_version_date_and_profile(profile):
    from analysis import __version__

    page = front_and_back.title_page(profile, today=datetime.date(2026, 3, 4))
    assert f"Version {__version__}, 04 March 2026" in page and f"profile {profile}" in page
    assert "carbon-binder domain" in page and "10.1002/ente.202200784" in page
    assert "CC BY 4.0" in page and "The compendium&#x27;s authors" in page


def test_links_inside_the_one_page_stay_inside(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "index.html").write_text(BOOK)
    page = pdf.one_page(tmp_path, "<div>T</div>").read_text()
    assert 'href="#ex-b">there' in page and "book/index.html#" not in page
