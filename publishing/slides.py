"""Slides: one deck for each part of the book, made of the pages that were built.

A deck takes from each chapter what it says one will learn, its first figures with their captions,
and what to notice; from the last page of the part its take-away and its questions. Numbers and
figures are those of the run, since they come from its pages. A deck is one HTML file; only
mathematics asks for the site's own script beside it.
"""

import base64
import html
import mimetypes
import shutil
from pathlib import Path
from urllib.parse import unquote

import yaml

from analysis import storage

FIGURES = 2  # of each chapter
_SCRIPT = "_static/mathjax/tex-svg.js"


def make(site, root):
    """
    Write the decks of all parts and a page that lists them to the folder ``slides`` of a site.

    Parameters
    ----------
    site : Path
        Folder of the built site.
    root : Path
        Folder with ``_toc.yml``.

    Returns
    -------
    files : list of Path
        The decks, in the order of the book.
    """
    site = Path(site)
    folder = site / "slides"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    files, titles = [], []
    for number, (caption, documents) in enumerate(parts(root), 1):
        pages = [site / Path(name).with_suffix(".html") for name in documents]
        slides = deck([page for page in pages if page.is_file()], caption)
        file = folder / f"part-{number}.html"
        with storage.atomic(file) as temporary:
            temporary.write_text(_whole(caption, slides), encoding="utf-8")
        files.append(file)
        titles.append(caption)
    entries = "".join(
        f'<li><a href="{file.name}">{html.escape(title)}</a></li>'
        for file, title in zip(files, titles, strict=True)
    )
    back = '<p><a href="../index.html">The book</a></p>'
    (folder / "index.html").write_text(
        _page("Slides", f"<main><h1>Slides, one deck a part</h1><ul>{entries}</ul>{back}</main>"),
        encoding="utf-8",
    )
    return files


def parts(root):
    """
    Parts of the book that have numbered chapters: caption and documents.

    Returns
    -------
    parts : list of (str, list of str)
    """
    toc = yaml.safe_load((Path(root) / "_toc.yml").read_text(encoding="utf-8"))
    return [
        (part["caption"], [entry["file"] for entry in part["chapters"]])
        for part in toc.get("parts", [])
        if part.get("numbered")
    ]


def deck(pages, caption):
    """
    The slides of a part.

    Parameters
    ----------
    pages : list of Path
        Built pages of its chapters.
    caption : str
        Title of the part.

    Returns
    -------
    slides : list of str
        HTML of each slide.
    """
    from bs4 import BeautifulSoup

    slides = [f"<h1>{html.escape(caption)}</h1>"]
    for page in pages:
        article = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").find("article")
        for unwanted in article.select(".headerlink, .caption-number, a.download, script, style"):
            unwanted.decompose()
        title = _inner(article.find("h1"))
        goals = article.select_one(".admonition ul")
        if goals is not None:
            slides.append(f"<h2>{title}</h2>{_list(goals)}")
        slides += [f"<h2>{title}</h2>{figure}" for figure in _figures(article, page)]
        notice = article.find("section", id=lambda name: name and name.startswith("what-to-notice"))
        if notice is not None and notice.find("ul") is not None:
            slides.append(f"<h2>{title}: what to notice</h2>{_list(notice.find('ul'))}")
        if page.stem.startswith("review_"):
            slides += _questions(article)
    return slides


def _figures(article, page):
    """The first figures of a chapter that are pictures, with their captions."""
    found = []
    for figure in article.find_all("figure"):
        image = figure.find("img")
        caption = figure.find("figcaption")
        if image is None or caption is None or image["src"].startswith("data:"):
            continue
        file = (page.parent / unquote(image["src"])).resolve()
        kind = mimetypes.guess_type(file.name)[0] or "image/png"
        data = base64.b64encode(file.read_bytes()).decode("ascii")
        alt = html.escape(image.get("alt", ""), quote=True)
        text = _inner(caption.find(class_="caption-text") or caption)
        found.append(
            f'<figure><img alt="{alt}" src="data:{kind};base64,{data}">'
            f"<figcaption>{text}</figcaption></figure>"
        )
        if len(found) == FIGURES:
            break
    return found


def _questions(article):
    """Each question on a slide, its answer on the next."""
    slides = []
    answers = article.select("div.solution")
    for question, answer in zip(article.select("div.exercise"), answers, strict=False):
        title = _inner(question.select_one("p.admonition-title"))
        body = question.select_one("section, .exercise-content") or question
        slides.append(f"<h2>{title}</h2>{_paragraphs(body)}")
        slides.append(f"<h2>Answer</h2>{_paragraphs(answer)}")
    return slides


def _paragraphs(element):
    rows = [p for p in element.find_all("p") if "admonition-title" not in p.get("class", [])]
    return "".join(f"<p>{_inner(row)}</p>" for row in rows)


def _list(element):
    return f"<ul>{''.join(f'<li>{_inner(item)}</li>' for item in element.find_all('li'))}</ul>"


def _inner(element):
    """Text of an element with its emphasis and mathematics, without links that lead nowhere."""
    if element is None:
        return ""
    for link in element.find_all("a"):
        link.unwrap()
    return "".join(str(child) for child in element.contents).strip()


def _whole(title, slides):
    body = "".join(
        f'<section aria-label="Slide {n} of {len(slides)}">{slide}<footer>{html.escape(title)} · '
        f"{n}/{len(slides)}</footer></section>"
        for n, slide in enumerate(slides, 1)
    )
    math = f'<script defer src="../{_SCRIPT}"></script>' * ('class="math' in body)
    return _page(title, f"<main>{body}</main>{math}<script>{_KEYS}</script>")


def _page(title, body):
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}'
        '</title><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>{body}</body></html>\n"
    )


_STYLE = """
html { scroll-snap-type: y mandatory; scroll-behavior: smooth; }
body { margin: 0; font: 1.35rem/1.45 system-ui, sans-serif; color: #1b1f27; background: #fff; }
main > h1, main > ul, main > p { margin: 1.5rem 2.5rem; }
section { box-sizing: border-box; min-height: 100vh; padding: 2.2rem 4rem 3.2rem;
  position: relative; scroll-snap-align: start; display: flex; flex-direction: column;
  justify-content: center; }
section h1 { font-size: 3rem; }
section h2 { font-size: 1.7rem; margin: 0 0 0.8rem; color: #0a4f9e; }
section li { margin-bottom: 0.7rem; }
figure { margin: 0; min-height: 0; }
figure img { max-width: 100%; max-height: 66vh; display: block; margin: 0 auto; }
figcaption { font-size: 1rem; max-width: 60rem; margin: 0.6rem auto 0; }
footer { position: absolute; bottom: 0.9rem; right: 2rem; font-size: 0.85rem; color: #4b5563; }
@media (max-width: 50rem) {
  body { font-size: 1.05rem; }
  section { padding: 1.2rem 1.2rem 2.4rem; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print {
  section { break-after: page; min-height: 0; height: 100vh; }
  @page { size: 16in 9in; }
}
"""

_KEYS = """(function () {
  const slides = Array.from(document.querySelectorAll("section"));
  const here = () => slides.reduce((best, slide, n) =>
    Math.abs(slide.getBoundingClientRect().top) <
    Math.abs(slides[best].getBoundingClientRect().top) ? n : best, 0);
  document.addEventListener("keydown", event => {
    const step = {ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1,
                  ArrowLeft: -1, ArrowUp: -1, PageUp: -1}[event.key];
    const end = {Home: 0, End: slides.length - 1}[event.key];
    if (step === undefined && end === undefined) return;
    event.preventDefault();
    const next = end !== undefined ? end : Math.min(Math.max(here() + step, 0), slides.length - 1);
    slides[next].scrollIntoView();
  });
})();"""
