"""Slides are made of the pages: their goals, figures, captions, what to notice, questions."""

import base64
import re

import pytest

from publishing import slides

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
TOC = """
format: jb-book
root: book/index.ipynb
parts:
  - caption: Images & fractions
    numbered: true
    chapters:
      - file: book/01_a.ipynb
      - file: book/review_x
  - caption: Reference
    chapters:
      - file: book/glossary
"""
FIGURE = (
    '<figure id="fig-{0}"><img alt="Alt text {0}" src="../_images/a.png"><figcaption><p>'
    '<span class="caption-number">Fig. {0} </span><span class="caption-text">Caption {0} with '
    '<a href="#x">a link</a>.</span></p></figcaption></figure>'
)
CHAPTER = (
    '<article><h1>2. A chapter<a class="headerlink" href="#">#</a></h1>'
    '<div class="admonition tip"><p class="admonition-title">In this chapter</p><ul>'
    "<li>Goal one</li><li>Goal two</li></ul></div>"
    + "".join(FIGURE.format(n) for n in (1, 2, 3))
    + '<section id="what-to-notice"><h2>What to notice</h2><ul><li>Notice <em>this</em></li></ul>'
    "</section></article>"
)
REVIEW = (
    "<article><h1>3. Take-away</h1>"
    '<div class="exercise admonition"><p class="admonition-title">Exercise 1 (Why?)</p>'
    '<section id="exercise-content"><p>Why so?</p></section></div>'
    '<div class="solution admonition"><p class="admonition-title">Solution</p>'
    "<section><p>Because.</p></section></div></article>"
)


@pytest.fixture
def site(tmp_path):
    (tmp_path / "site" / "book").mkdir(parents=True)
    (tmp_path / "site" / "_images").mkdir()
    (tmp_path / "site" / "_images" / "a.png").write_bytes(PNG)
    (tmp_path / "site" / "book" / "01_a.html").write_text(CHAPTER)
    (tmp_path / "site" / "book" / "review_x.html").write_text(REVIEW)
    (tmp_path / "_toc.yml").write_text(TOC)
    return tmp_path


def test_a_deck_for_each_numbered_part_in_the_order_of_the_book(site):
    (file,) = slides.make(site / "site", site)
    deck = file.read_text()
    order = ["Images &amp; fractions", "Goal one", "Caption 1", "Caption 2", "Notice <em>this</em>"]
    order += ["Why so?", "Because."]
    places = [deck.index(text) for text in order]
    assert places == sorted(places)
    assert "Caption 3" not in deck and "headerlink" not in deck and "Fig. 1" not in deck
    assert deck.count("<section") == 7  # title, goals, two figures, notice, question, answer
    index = (site / "site" / "slides" / "index.html").read_text()
    assert 'href="part-1.html"' in index and "Reference" not in index


def test_a_deck_is_one_file(site):
    (file,) = slides.make(site / "site", site)
    deck = file.read_text()
    images = re.findall(r'<img alt="([^"]+)" src="data:image/png;base64,([^"]+)"', deck)
    assert [alt for alt, _ in images] == ["Alt text 1", "Alt text 2"]
    assert all(base64.b64decode(data) == PNG for _, data in images)
    assert not re.search(r'(?:src|href)="(?!data:)', deck)


def test_mathematics_asks_for_the_script_of_the_site(site):
    page = site / "site" / "book" / "01_a.html"
    page.write_text(CHAPTER.replace("Goal one", '<span class="math notranslate">\\(x\\)</span>'))
    (file,) = slides.make(site / "site", site)
    assert 'src="../_static/mathjax/tex-svg.js"' in file.read_text()


def test_an_old_deck_does_not_stay(site):
    (file,) = slides.make(site / "site", site)
    (file.parent / "part-9.html").write_text("old")
    slides.make(site / "site", site)
    assert [f.name for f in sorted(file.parent.iterdir())] == ["index.html", "part-1.html"]
