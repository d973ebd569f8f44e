"""The built book in a real browser without a network.

The tests take the newest site below ``_build``; if none is built they build a small one by the
same functions, so that they never run on nothing. Chromium comes from Debian
(``apt install chromium``), axe-core from npm (``npm install --no-save axe-core``).
"""

import os
import shutil
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from publishing import build, execute
from publishing.stage import stage

ROOT = Path(__file__).resolve().parents[2]
SMALL_BOOK = Path(__file__).with_name("small_book")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def site(request):
    """Folder of a built site: `CBD_SITE`, the newest of ``_build``, or a small one."""
    if os.environ.get("CBD_SITE"):
        return Path(os.environ["CBD_SITE"]).resolve()
    built = [page.parent for page in (ROOT / "_build").glob("*/html/index.html")]
    if built:
        return max(built, key=lambda folder: (folder / "index.html").stat().st_mtime)
    small = request.getfixturevalue("small_book")
    return build.build_site(small.folder / "stage", small).parent


@pytest.fixture(scope="session")
def small_book(tmp_path_factory):
    """The pages of ``small_book``, executed and staged as chapters are."""
    folder = tmp_path_factory.mktemp("book")
    root = folder / "root"
    shutil.copytree(SMALL_BOOK, root)
    for name in ("_static", "_templates", "_ext", "_inventories"):
        shutil.copytree(ROOT / "book" / name, root / "book" / name)
    shutil.copy(ROOT / "_config.yml", root)
    for name in ("references.bib", "glossary.md", "bibliography.md"):
        shutil.copy(ROOT / "book" / name, root / "book")
    small = build.stamps.Build("smoke", folder / "build")
    execute.run_chapter(root / "book" / "chapter.md", "chapter", build=small, parameters={})
    stage(small, root=root)
    return small


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
    """Source of axe-core, or None."""
    places = [
        Path(os.environ.get("AXE_CORE", "")),
        ROOT / "node_modules" / "axe-core" / "axe.min.js",
    ]
    for place in places:
        place = place / "axe.min.js" if place.is_dir() and place.name else place
        if place.is_file():
            return place.read_text(encoding="utf-8")
    return None


def on_disk(url):
    """Whether a ``file:`` address names a file that is there."""
    parts = urlsplit(url)
    return parts.scheme == "file" and Path(unquote(parts.path)).is_file()


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
        self.pending = set()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("request", self._asked)
        self.page.on("requestfinished", lambda request: self.pending.discard(request))
        self.page.on("requestfailed", self._failed)

    def open(self, file, query=""):
        """Load a page of the site from ``file://`` with its mathematics and all it asks for."""
        self.problems.clear()
        self.pending.clear()
        self.page.goto(Path(file).as_uri() + query, wait_until="load")
        self.page.evaluate("() => window.MathJax?.startup?.promise?.then(() => true)")
        self.wait_for_requests()
        return self.page

    def wait_for_requests(self, seconds=10):
        """Wait until nothing is under way: leaving earlier would abort it, the icon for one."""
        end = time.monotonic() + seconds
        while self.pending and time.monotonic() < end:
            self.page.wait_for_timeout(5)
        self.problems += [f"request unanswered: {r.url[:120]}" for r in self.pending]

    def _heard(self, message):
        if message.type == "error":
            self.problems.append(f"console: {message.text}")

    def _asked(self, request):
        self.pending.add(request)
        if not request.url.startswith(("file:", "data:", "blob:", "about:")):
            self.problems.append(f"request left the disk: {request.url[:120]}")

    def _failed(self, request):
        self.pending.discard(request)
        if request.failure == "net::ERR_ABORTED" and on_disk(request.url):
            return  # Chromium asked for the icon just as the test went on to the next page
        self.problems.append(f"request failed: {request.url[:120]} ({request.failure})")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.context.close()


@pytest.fixture(scope="session")
def visit(browser):
    """Opens a :class:`Visit`: ``with visit(1400) as tab: tab.open(page)``."""
    return lambda width, **options: Visit(browser, width, **options)
