"""The book as ePub: Sphinx writes it, Chromium turns its mathematics into MathML."""

import re
import shutil
import zipfile
from xml.etree import ElementTree

from analysis import storage
from publishing import site
from publishing.forms import plain

_NAMESPACES = {"": "http://www.idpf.org/2007/opf", "dc": "http://purl.org/dc/elements/1.1/"}

# Rules whose selectors the checker's parser is too old for
_NEW_SELECTOR = re.compile(r"[^{}]*:has\([^{}]*\{[^{}]*\}")

_TEX = re.compile(r"^\\\(|^\\\[|\\\)$|\\\]$")


def make(build, *, progress=print):
    """
    Write ``_build/<profile>/book.epub``.

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
    work = build.folder / "epub"
    stage = plain.plain_copy(plain.staged(build), work / "stage")
    progress("Pages ...")
    output = site.build(stage, work, "epub", strict=False)
    source = next(output.glob("*.epub"))
    folder = work / "unpacked"
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(source) as archive:
        archive.extractall(folder)
    progress("Mathematics ...")
    repair(folder, stage / "book" / "_static" / "mathjax" / "tex-svg.js")
    target = build.folder / "book.epub"
    with storage.atomic(target) as temporary:
        pack(folder, temporary)
    progress(f"The book as ePub: {target} ({target.stat().st_size / 1e6:.1f} MB)")
    return target


def repair(folder, mathjax):
    """
    Set the mathematics of all pages and declare it; drop what e-readers cannot use.

    Parameters
    ----------
    folder : Path
        Unpacked ePub.
    mathjax : Path
        MathJax in one file.
    """
    from bs4 import BeautifulSoup

    pages = {}
    for file in sorted(folder.rglob("*.xhtml")):
        soup = BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")
        for script in soup.select("script, .cbd-downloads, button.toggle-button"):
            script.decompose()
        pages[file] = soup
    _repair(pages)
    for style in folder.rglob("*.css"):
        rules = style.read_text(encoding="utf-8")
        style.write_text(_NEW_SELECTOR.sub("", rules), encoding="utf-8")
    formulas = [
        element for soup in pages.values() for element in soup.select("span.math, div.math")
    ]
    with_math = {file for file, soup in pages.items() if soup.select_one("span.math, div.math")}
    texts = [_tex(element) for element in formulas]
    for element, markup in zip(formulas, _mathml(texts, mathjax), strict=True):
        number = element.select_one(".eqno")
        shown = f" ({number.get_text(strip=True).strip('()#')})" if number else ""
        element.clear()
        element.append(BeautifulSoup(markup, "html.parser"))
        element.append(shown)
    for file, soup in pages.items():
        file.write_text(_as_xml(soup), encoding="utf-8")
    manifest = next(folder.rglob("content.opf"))
    manifest.write_text(declared(manifest, with_math), encoding="utf-8")


def _repair(pages):
    """Second uses of an id, links to nothing and style sheets that are not in the book."""
    for file, soup in pages.items():
        seen = set()
        for element in soup.find_all(id=True):
            if element["id"] in seen:
                del element["id"]
            else:
                seen.add(element["id"])
        for sheet in soup.select("link[href]"):
            if not (file.parent / sheet["href"]).exists():
                sheet.decompose()
    names = {
        file.resolve(): {element["id"] for element in soup.find_all(id=True)}
        for file, soup in pages.items()
    }
    for file, soup in pages.items():
        for link in soup.select("a[href*='#']"):
            address, _, fragment = link["href"].partition("#")
            if "://" in address:
                continue
            target = (file.parent / address).resolve() if address else file.resolve()
            if fragment not in names.get(target, ()):
                link["href"] = address or file.name


def declared(manifest, with_math):
    """The manifest with the property `mathml` on the pages that need it, scripts left out."""
    for prefix, address in _NAMESPACES.items():
        ElementTree.register_namespace(prefix, address)
    tree = ElementTree.parse(manifest)
    names = {file.relative_to(manifest.parent).as_posix() for file in with_math}
    listing = tree.getroot().find(f"{{{_NAMESPACES['']}}}manifest")
    for item in list(listing):
        address = item.get("href")
        if address.endswith(".js") or "mathjax" in address:
            (manifest.parent / address).unlink(missing_ok=True)
            listing.remove(item)
        elif address in names:
            item.set("properties", "mathml")
        elif item.get("properties") == "scripted":
            del item.attrib["properties"]
    return ElementTree.tostring(tree.getroot(), encoding="unicode", xml_declaration=True)


def pack(folder, target):
    """Zip an unpacked ePub; the file `mimetype` comes first and is not compressed."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        for file in files:
            if file.name != "mimetype":
                archive.write(file, file.relative_to(folder))


def _tex(element):
    """TeX of a formula and whether it stands on a line of its own."""
    number = element.select_one(".eqno")
    text = element.get_text().strip()
    if number:
        text = text.removeprefix(number.get_text().strip()).strip()
    while _TEX.search(text):
        text = _TEX.sub("", text).strip()
    return [text, element.name == "div"]


def _mathml(formulas, mathjax):
    if not formulas:
        return []
    with plain.browser_page() as page:
        page.goto("about:blank")
        page.evaluate("() => { window.MathJax = {startup: {typeset: false}}; }")
        page.add_script_tag(path=str(mathjax))
        page.evaluate("() => MathJax.startup.promise.then(() => true)")
        return page.evaluate(
            "all => Promise.all(all.map(f => MathJax.tex2mmlPromise(f[0], {display: f[1]})))",
            formulas,
        )


def _as_xml(soup):
    """Well-formed XHTML; the parser for HTML forgets the case of a few attributes."""
    text = soup.decode(formatter="minimal")
    if not text.lstrip().startswith("<?xml"):
        text = '<?xml version="1.0" encoding="UTF-8"?>\n' + text
    return text.replace("viewbox=", "viewBox=")
