"""What PDF and ePub share: a staged book without folds, sliders and downloads, and a browser.

Sphinx cannot write hidden cells into one long page, paper has no sliders, and e-readers run no
scripts. So these forms are built from a copy of the staged book in which hidden cells are gone,
sliders are still pictures, and mathematics is set by the browser that prints the page. The pages
of the package stay on the site.
"""

import os
import shutil
from contextlib import contextmanager

import nbformat
import yaml

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Buttons and repository links that only a site has
_SITE_ONLY = ("repository", "launch_buttons")
_REFERENCE = "book/api"  # pages of the package: as long as the book, and of use where one can click


class FormFailed(RuntimeError):
    """A PDF or ePub could not be made."""


def plain_copy(stage, target):
    """
    Copy a staged book and make it fit for paper.

    Parameters
    ----------
    stage : Path
        Staged book, see :func:`publishing.stage.stage`.
    target : Path
        Folder to write; an old one is replaced.

    Returns
    -------
    target : Path
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(stage, target, ignore=shutil.ignore_patterns("*.svg.gz", "figures"))
    for file in sorted((target / "book").glob("*.ipynb")):
        notebook = nbformat.read(file, as_version=4)
        for cell in notebook.cells:
            _plain_cell(cell)
        nbformat.write(notebook, file)
    contents = yaml.safe_load((target / "_toc.yml").read_text(encoding="utf-8"))
    (target / "_toc.yml").write_text(
        yaml.safe_dump(_without_reference(contents), sort_keys=False), encoding="utf-8"
    )
    for page in target.glob(f"{_REFERENCE}*.md"):
        page.unlink()
    config = yaml.safe_load((target / "_config.yml").read_text(encoding="utf-8"))
    for name in _SITE_ONLY:
        config.pop(name, None)
    config["html"] = {
        key: value for key, value in config.get("html", {}).items() if "button" not in key
    }
    settings = config.setdefault("sphinx", {}).setdefault("config", {})
    settings["project"] = config["title"]
    settings["version"] = settings["release"] = _version()
    (target / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return target


def _without_reference(contents):
    """
    A table of contents without the pages of the package.

    Examples
    --------
    >>> _without_reference({"chapters": [{"file": "book/a"}, {"file": "book/api_b"}]})
    {'chapters': [{'file': 'book/a'}]}
    """
    if isinstance(contents, dict):
        return {key: _without_reference(value) for key, value in contents.items()}
    if isinstance(contents, list):
        kept = (
            entry
            for entry in contents
            if not str(isinstance(entry, dict) and entry.get("file")).startswith(_REFERENCE)
        )
        return [_without_reference(entry) for entry in kept]
    return contents


def _plain_cell(cell):
    """Fold nothing, move nothing: hidden parts go, a still picture replaces a slider."""
    tags = cell.metadata.get("tags", [])
    cell.metadata["tags"] = [tag.replace("hide-", "remove-") for tag in tags]
    figure = cell.metadata.get("mystnb", {}).get("figure")
    if figure and "{download}" in figure.get("caption", ""):
        figure["caption"] = figure["caption"].split(" {download}")[0]
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "text/html" in data and "image/png" in data:
            del data["text/html"]
        elif "text/html" in data:
            text = data["text/html"]
            data["text/html"] = _without_links("".join(text) if isinstance(text, list) else text)


def _without_links(table):
    """A table without its CSV link, as well-formed XML."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(table, "html.parser")
    for link in soup.select(".cbd-downloads, script, style"):
        link.decompose()
    for region in soup.select("[tabindex]"):
        del region["tabindex"]
    return str(soup)


@contextmanager
def browser_page():
    """
    A page of a headless browser.

    Raises
    ------
    FormFailed
        If there is no browser or no playwright; the message says how to get them.
    """
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise FormFailed(
            "PDF and ePub need Chromium to set the mathematics. "
            "Install it (Debian: apt install chromium) or set CHROMIUM to its path."
        )
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise FormFailed(
            "The Python package playwright is missing. Run: pip install -r requirements.txt"
        ) from None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser.new_page()
        finally:
            browser.close()


def staged(build):
    """
    The staged book of a profile.

    Raises
    ------
    FormFailed
        If the profile has not been built.
    """
    folder = build.folder / "stage"
    if not (folder / "_toc.yml").exists():
        raise FormFailed(
            f"The book of profile {build.profile!r} has not been built (looked for {folder}). "
            f"Run first: make book PROFILE={build.profile}"
        )
    return folder


def _version():
    from analysis import __version__

    return __version__
