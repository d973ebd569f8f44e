"""The built book in a real browser without a network.

The tests take the newest site below ``_build``; if none is built they build a small one by the
same functions, so that they never run on nothing. Chromium comes from Debian
(``apt install chromium``), axe-core from npm (``npm install --no-save axe-core``).
"""

import os
import shutil
from pathlib import Path

import pytest

from analysis.publish import build, execute
from analysis.publish.stage import stage

ROOT = Path(__file__).resolve().parents[2]
SMALL_BOOK = Path(__file__).with_name("small_book")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Folder of a built site: `CBD_SITE`, the newest of ``_build``, or a small one."""
    if os.environ.get("CBD_SITE"):
        return Path(os.environ["CBD_SITE"]).resolve()
    built = [page.parent for page in (ROOT / "_build").glob("*/html/index.html")]
    if built:
        return max(built, key=lambda folder: (folder / "index.html").stat().st_mtime)
    return build_small_book(tmp_path_factory.mktemp("book"))


def build_small_book(target):
    """Execute, stage and build the two pages of ``small_book`` as a chapter is."""
    root = target / "root"
    shutil.copytree(SMALL_BOOK, root)
    for folder in ("_static", "_templates"):
        shutil.copytree(ROOT / "book" / folder, root / "book" / folder)
    shutil.copy(ROOT / "_config.yml", root)
    for name in ("references.bib", "glossary.md", "bibliography.md"):
        shutil.copy(ROOT / "book" / name, root / "book")
    small = build.stamps.Build("smoke", target / "build")
    execute.run_chapter(root / "book" / "chapter.md", "chapter", build=small, parameters={})
    return build.build_site(stage(small, root=root), small).parent


@pytest.fixture(scope="session")
def pages(site):
    """Pages of the book; the search page and the index of words are no pages."""
    found = sorted((site / "book").rglob("*.html"))
    assert found, f"no pages in {site}"
    return found


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium, or a skip that says how to get it."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("no Chromium found: apt install chromium, or set CHROMIUM to its path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe():
    """Source of axe-core, or a skip that says how to get it."""
    places = [
        Path(os.environ.get("AXE_CORE", "")),
        ROOT / "node_modules" / "axe-core" / "axe.min.js",
    ]
    for place in places:
        place = place / "axe.min.js" if place.is_dir() and place.name else place
        if place.is_file():
            return place.read_text(encoding="utf-8")
    pytest.skip("no axe-core: npm install --no-save axe-core, or set AXE_CORE to axe.min.js")


class Visit:
    """A page opened at one width, with what went wrong while it loaded."""

    def __init__(self, browser, width, color_scheme="light"):
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            offline=True,
            color_scheme=color_scheme,
            reduced_motion="no-preference",
        )
        self.page = self.context.new_page()
        self.problems = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("requestfailed", lambda request: self._request(request, "failed"))
        self.page.on("request", lambda request: self._request(request, "left the disk"))

    def open(self, file, query=""):
        """Load a page of the site from ``file://`` and wait for its mathematics."""
        self.problems.clear()
        self.page.goto(Path(file).as_uri() + query, wait_until="load")
        self.page.evaluate("() => window.MathJax?.startup?.promise?.then(() => true)")
        # leaving while the icon still loads would abort it and look like a failed request
        self.page.wait_for_load_state("networkidle")
        return self.page

    def _heard(self, message):
        if message.type == "error":
            self.problems.append(f"console: {message.text}")

    def _request(self, request, what):
        outside = not request.url.startswith(("file:", "data:", "blob:", "about:"))
        if what == "failed" or outside:
            self.problems.append(f"request {what}: {request.url[:120]}")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.context.close()


@pytest.fixture
def visit(browser):
    """Opens a :class:`Visit`: ``with visit(1400) as tab: tab.open(page)``."""
    return lambda width, **options: Visit(browser, width, **options)
