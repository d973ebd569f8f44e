"""What a page of the book must have: checks on its source and on the built HTML.

Each function returns a list of problems, empty if there are none; the tests assert that.
"""

import csv
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

MIN_ALT_LENGTH = 40

_NUMBERS = Path(__file__).with_name("prose_numbers.csv")

# What is no prose: removed before digits are looked for, in this order.
_NOT_PROSE = [
    re.compile(r"\A---\n.*?\n---\n", re.DOTALL),  # front matter
    re.compile(r"^(`{3,}|~{3,}|:{3,})\{(?:code-cell|math|bibliography|eval-rst|glue[^}]*|"
               r"exercise-end|solution-end|toctree|figure|image)\}.*?^\1\s*$",
               re.DOTALL | re.MULTILINE),
    re.compile(r"^(`{3,})(?!\{).*?^\1\s*$", re.DOTALL | re.MULTILINE),  # plain code
    re.compile(r"^[`:]{3,}.*$", re.MULTILINE),  # fences and titles of directives
    re.compile(r"^:[\w-]+:.*$", re.MULTILINE),  # options of directives
    re.compile(r"\$\$.*?\$\$", re.DOTALL),
    re.compile(r"(?<!\\)\$[^$\n]+(?:\n[^$\n]+)*?\$"),
    re.compile(r"\{[a-z:-]+\}`[^`]*`"),  # roles: glued numbers, references, citations
    re.compile(r"`[^`]*`"),
    re.compile(r"^\([\w-]+\)=\s*$", re.MULTILINE),  # targets
    re.compile(r"\]\([^)]*\)|<https?://[^>]*>|https?://\S+"),
    re.compile(r"^\s*\d+\.\s", re.MULTILINE),  # numbered lists
    re.compile(r"<!--.*?-->|<[^>]+>", re.DOTALL),
    re.compile(r"^\s*:label:.*$", re.MULTILINE),
]  # fmt: skip

# References to parts of the paper, licenses and names that end in digits.
_REFERENCE = re.compile(
    r"(?:Sections?|Sec\.|Figures?|Figs?\.|Tables?|[Ee]quations?|[Ee]qs?\.|Chapters?|ref\.|refs\.|"
    r"Python|version|CC BY|Apache License|MathJax|profile)\s*"
    r"\(?[A-Z]?\d+(?:\.\d+)*[a-d]?\)?(?:(?:\s*(?:,|and|to|or|–|-)\s*)[A-Z]?\d+(?:\.\d+)*[a-d]?)*"
)
_NUMBER = re.compile(r"(?<![\w.#/-])[-−+]?\d+(?:[ \u202f,]\d{3})*(?:\.\d+)?(?![\w])")


def prose(source):
    """
    The prose of a MyST page: no code, mathematics, roles, directive options or links.

    Examples
    --------
    >>> prose("We find {glue:text}`peak:.1f` µm, not 7 µm.")
    'We find   µm, not 7 µm.'
    """
    for pattern in _NOT_PROSE:
        source = pattern.sub(" ", source)
    return source


def typed_numbers(source):
    """
    Numbers typed in the prose of a page, references to sections and figures left out.

    Examples
    --------
    >>> typed_numbers("As Figure 10 shows, NMC622 has 59.54 % in 3D at 1 000 mbar.")
    ['59.54', '1000']
    """
    text = _REFERENCE.sub(" ", prose(source))
    return [re.sub(r"[ \u202f,]", "", found).lstrip("+") for found in _NUMBER.findall(text)]


def allowed_numbers(page):
    """
    Numbers that may be typed on a page: the paper's own values, definitions, sizes of profiles.

    Parameters
    ----------
    page : str
        Name of the page without ending.

    Returns
    -------
    values : set of str
    """
    from analysis import paper, profiles

    with open(_NUMBERS, encoding="utf-8", newline="") as opened:
        rows = [row for row in csv.DictReader(opened) if row["page"] in ("*", page)]
    values = {row["value"] for row in rows}
    for number in (1, 2, 3):
        for column in paper.table(number).select_dtypes("number"):
            values |= {f"{value:g}" for value in paper.table(number)[column]}
            values |= {f"{value:.2f}" for value in paper.table(number)[column]}
    for settings in profiles.PROFILES.values():
        values |= {str(settings.lateral), str(settings.cutouts)}
        values |= {f"{current:g}" for current in settings.currents_mA_cm2}
    return values


def foreign_numbers(source, page):
    """
    Numbers typed in the prose that are neither the paper's nor listed: they must be glued.

    Parameters
    ----------
    source : str
        Text of the MyST page.
    page : str
        Name of the page without ending.

    Returns
    -------
    problems : list of str
    """
    allowed = {value.replace("−", "-") for value in allowed_numbers(page)}
    return [
        f"{page}: {number!r} is typed in the prose; glue it, or list it with its source in "
        f"{_NUMBERS.name}"
        for number in dict.fromkeys(typed_numbers(source))
        if number.replace("−", "-") not in allowed
    ]


def figure_problems(html, page):
    """
    Images without a proper alternative text, computed pictures outside a numbered figure.

    Parameters
    ----------
    html : str
        A built page.
    page : str
        Its name, for the messages.

    Returns
    -------
    problems : list of str
    """
    problems = []
    article = _article(html)
    for image in article.find_all("img"):
        alt = (image.get("alt") or "").strip()
        name = Path(image.get("src", "")).name[:40]
        if re.search(r"\.(png|svg|jpe?g|gif|pdf)$", alt) or "/_images" in alt:
            problems.append(f"{page}: the alternative text of {name} is a path")
        elif len(alt) < MIN_ALT_LENGTH:
            problems.append(f"{page}: the alternative text of {name} is {len(alt)} characters long")
        if image.find_parent(class_="cell_output") and not image.find_parent("figure"):
            problems.append(f"{page}: the picture {name} has no figure around it")
    for figure in article.find_all("figure"):
        if figure.find_parent("figure") or "cbd-panel" in figure.get("class", []):
            continue
        caption = figure.find("figcaption", class_=lambda name: name != "cbd", recursive=False)
        label = figure.get("id", "without a name")
        if caption is None or len(caption.get_text(" ", strip=True)) < 15:
            problems.append(f"{page}: figure {label} has no caption")
        elif caption.find(class_="caption-number") is None:
            problems.append(f"{page}: figure {label} has no number")
    for picture in article.select(".cbd-sprite"):
        if not picture.get("aria-label"):
            problems.append(f"{page}: a slider's picture has no label")
    for table in article.select(".cell_output .cbd-table"):
        if table.find_parent("figure") is None:
            problems.append(f"{page}: {table.get('aria-label')} has no caption and no number")
    return problems


def outside_addresses(html, page):
    """Scripts, pictures, styles and frames that a page would fetch from the network."""
    soup = _soup(html)
    found = [tag.get("src") for tag in soup.select("script, img, iframe, audio, video, source")]
    loading = {"stylesheet", "icon", "preload", "modulepreload", "shortcut icon", "manifest"}
    for link in soup.select("link[href]"):
        if set(link.get("rel", [])) & loading:
            found.append(link["href"])
    for style in soup.select("style"):
        found += re.findall(r"(?:url\(|@import\s+)[\"']?((?:https?:)?//[^\"')]+)", style.text)
    return [
        f"{page} loads {address}"
        for address in found
        if address and re.match(r"(?:https?:)?//", address)
    ]


def broken_links(site):
    """
    Links inside the site whose file or anchor does not exist.

    Parameters
    ----------
    site : Path
        Folder of the built site.

    Returns
    -------
    problems : list of str
    """
    site = Path(site)
    files = [page for page in site.rglob("*.html") if "_static" not in page.parts]
    pages = {page: _soup(page.read_text(encoding="utf-8")) for page in files}
    anchors = {
        page.resolve(): {tag.get("id") for tag in soup.find_all(id=True)}
        | {tag.get("name") for tag in soup.find_all("a", attrs={"name": True})}
        for page, soup in pages.items()
    }
    problems = []
    for page, soup in pages.items():
        for address in sorted({tag["href"] for tag in soup.find_all(href=True)}):
            parts = urlsplit(address)
            if parts.scheme or address.startswith("//") or address in ("#", ""):
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page.resolve()
            name = page.relative_to(site)
            if not target.exists():
                problems.append(f"{name}: {address} does not exist")
            elif parts.fragment and target in anchors:
                if unquote(parts.fragment) not in anchors[target]:
                    problems.append(f"{name}: there is no anchor {address}")
    return problems


def missing_glue(html, page):
    """Places where a glued number is missing from a built page."""
    article = _article(html)
    for code in article.select("pre, code"):
        code.decompose()
    text = article.get_text(" ")
    found = re.findall(r"(?:glue:text|No key called|\{glue[^}]*\}|Unexecuted)[^\n]{0,40}", text)
    return [f"{page}: {problem!r}" for problem in found]


def leftovers(html, page):
    """
    What a run leaves on a page that no reader should see.

    Warnings of libraries, with paths of the machine that ran them, and in the prose numbers that
    do not exist ("nan") or marks of Markdown that a glued text cannot carry.
    """
    article = _article(html)
    problems = [
        f"{page} shows a warning: {output.get_text(' ', strip=True)[:80]!r}"
        for output in article.select(".stderr")
    ]
    for code in article.select("pre, code, mjx-container, .math, table, dl.py"):
        code.decompose()
    text = article.get_text(" ")
    found = re.findall(r"[^\n]{0,30}(?:\b[Nn]a[Nn]\b|(?<![\w*])\*[\w-]+\*)[^\n]{0,20}", text)
    return problems + [f"{page}: {left.strip()!r} in the prose" for left in found]


def unanswered(source, keys, page):
    """
    Answers that a page should show by the names under which a run glues them, and does not.

    Parameters
    ----------
    source : str
        Text of the MyST page.
    keys : dict of str to str
        Question and name of the text that answers it.
    page : str
        Name of the page, for the messages.
    """
    shown = set(re.findall(r"\{glue:text\}`([\w-]+)(?::[^`]*)?`", source))
    return [
        f"{page} does not answer {question!r}" for question, key in keys.items() if key not in shown
    ]


def chapter_shape(source, page):
    """
    What a method chapter must have: learning goals, something to notice, exercises solved.

    Parameters
    ----------
    source : str
        Text of the MyST page.
    page : str
        Name of the page without ending.

    Returns
    -------
    problems : list of str
    """
    problems = []
    if "In this chapter" not in source:
        problems.append(f"{page} has no box 'In this chapter'")
    if "## What to notice" not in source and "## What comes out" not in source:
        problems.append(f"{page} has nothing to notice")
    exercises = set(re.findall(r"\{exercise-start\}[^\n]*\n(?:---\n)?:?\s*label: (\S+)", source))
    exercises |= set(re.findall(r"\{exercise-start\}[^\n]*\n:label: (\S+)", source))
    solved = set(re.findall(r"\{solution-start\}\s*(\S+)", source))
    if len(exercises) < 2:
        problems.append(f"{page} has {len(exercises)} exercises; expected at least two")
    for label in sorted(exercises - solved):
        problems.append(f"{page}: exercise {label} has no solution")
    return problems


def _soup(html):
    from bs4 import BeautifulSoup

    return BeautifulSoup(html, "html.parser")


def _article(html):
    """The part of a page that its author wrote."""
    soup = _soup(html)
    return soup.find("article") or soup
