"""The book as one PDF: one long page by Sphinx, printed by Chromium."""

import re
import shutil

from analysis import storage
from publishing import site
from publishing.forms import front_and_back, plain

_PRINT_STYLE = """
@page { size: A4; margin: 18mm 17mm 20mm; }
html, body { font-size: 10.5pt; background: #fff; }
.bd-sidebar, .bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, .bd-footer,
.prev-next-footer, .toggle-button, .headerlink, .skip-link, .bd-header, .bd-header-announcement,
#pst-skip-link, .pst-async-banner-revealer, .cbd-downloads { display: none !important; }
.bd-main, .bd-content, .bd-article-container, .bd-article, .bd-container, .bd-container__inner {
  max-width: none !important; width: auto !important; padding: 0 !important; margin: 0 !important;
  display: block !important; }
#jb-print-docs-body > h1 { display: none; }
.cbd-title-page { box-sizing: border-box; height: 235mm; display: flex; flex-direction: column;
  justify-content: center; break-after: page; }
.cbd-title-page h1 { font-size: 26pt; }
.cbd-title-page div { margin-top: 3rem; font-size: 9.5pt; }
#cbd-solutions { break-before: page; }
section > h1 { margin-top: 2.2rem; }
h1, h2, h3, h4 { break-after: avoid; break-inside: avoid; }
figure:has(.cbd-table), .cbd-table, table, .cell, .cell_output, .output, div.solution {
  break-inside: auto !important; }
figure:not(:has(.cbd-table)), tr, .admonition-title, mjx-container, div.math, .cell_input {
  break-inside: avoid; }
figcaption { break-before: avoid; }
figure img { max-height: 105mm; object-fit: contain; }
p, li { orphans: 2; widows: 2; }
.toggle-hidden, .dropdown .toggle-hidden { display: block !important; visibility: visible; }
.admonition.toggle-hidden > * { display: block !important; }
.cbd-table { overflow: visible !important; font-size: 8.5pt; }
.cbd-table th, .cbd-table td { padding: 0.15rem 0.35rem !important; }
.cbd-table { container-type: normal; background: none !important; }
pre { white-space: pre-wrap; font-size: 8pt; }
a { color: #0a4f9e; text-decoration: none; }
"""


def make(build, *, progress=print):
    """
    Write ``_build/<profile>/book.pdf``.

    Parameters
    ----------
    build : publishing.stamps.Build
        Folders of a profile that has been built.
    progress : callable
        Receives progress.

    Returns
    -------
    file : Path

    Raises
    ------
    FormFailed, SphinxFailed
        If the profile has not been built, or Sphinx or the browser is missing or fails.
    """
    work = build.folder / "pdf"
    stage = plain.plain_copy(plain.staged(build), work / "stage")
    progress("One long page ...")
    front = front_and_back.title_page(build.profile)
    page = one_page(site.build(stage, work, "singlehtml", strict=False), front)
    target = build.folder / "book.pdf"
    progress("Printing ...")
    with storage.atomic(target) as temporary:
        printed(page, temporary)
    progress(f"The book as PDF: {target} ({target.stat().st_size / 1e6:.1f} MB)")
    return target


def one_page(output, front):
    """
    Move the single page to the root of its folder, where its pictures are looked for.

    It gets the title page `front`, and its solutions come last.

    Sphinx writes ``book/index.html`` with addresses that begin at the root when the root page
    lies in a folder; without the move pictures, styles and mathematics are lost.
    """
    nested, page = output / "book" / "index.html", output / "index.html"
    source = nested if nested.exists() else page
    text = source.read_text(encoding="utf-8")
    text = re.sub(r'((?:src|href)=")(?:\.\./)+', r"\1", text)
    text = re.sub(r'href="(?:book/)?(?:index\.html)?#', 'href="#', text)
    text = front_and_back.rearranged(text, front)
    text = text.replace("</head>", f"<style>{_PRINT_STYLE}</style></head>")
    for folder in ("_images", "_static"):
        inner = output / "book" / folder
        if inner.is_dir():
            shutil.copytree(inner, output / folder, dirs_exist_ok=True)
    page.write_text(text, encoding="utf-8")
    return page


def printed(page, target):
    """Print a page, with outline, tags and page numbers."""
    number = '<div style="font-size:8px;width:100%;text-align:center">' + (
        '<span class="pageNumber"></span></div>'
    )
    with plain.browser_page() as browser:
        browser.goto(page.as_uri(), wait_until="load", timeout=180_000)
        browser.evaluate("() => window.MathJax?.startup?.promise?.then(() => true)")
        browser.evaluate(
            """() => {
              document.documentElement.dataset.theme = "light";
              document.querySelectorAll("details").forEach(e => { e.open = true; });
              document.querySelectorAll(".toggle-hidden").forEach(
                e => e.classList.remove("toggle-hidden"));
            }"""
        )
        browser.emulate_media(media="print")
        browser.set_default_timeout(300_000)
        browser.pdf(
            path=str(target),
            format="A4",
            prefer_css_page_size=True,
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=number,
            outline=True,
            tagged=True,
        )
