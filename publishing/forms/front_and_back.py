"""What paper needs: a title page in front, and the solutions after the last chapter.

On a page of the site a solution is folded below its exercise. Paper does not fold: there the answer
would be read with the question.
"""

import datetime
import html
from pathlib import Path

import yaml

from publishing.chapters import ROOT


def title_page(profile, *, root=ROOT, today=None):
    """
    The first page: title, whose, version, date, size of the run, license.

    Parameters
    ----------
    profile : str
        Whose numbers the pages hold.
    root : Path
        Folder with ``CITATION.cff`` and ``_config.yml``.
    today : datetime.date, optional
        Date of the pages; today by default.

    Returns
    -------
    page : str
        HTML.
    """
    cited = yaml.safe_load((Path(root) / "CITATION.cff").read_text(encoding="utf-8"))
    config = yaml.safe_load((Path(root) / "_config.yml").read_text(encoding="utf-8"))
    authors = ", ".join(author["name"] for author in cited["authors"])
    paper = cited["references"][0]
    day = today or datetime.date.today()
    lines = [
        f"Version {cited['version']}, {day:%d %B %Y}. Numbers and figures are those of a run of "
        f"the profile {profile}.",
        f"Re-examines {paper['authors'][0]['family-names']} et al., {paper['journal']} "
        f"{paper['year']}, doi:{paper['doi']}.",
        config["html"]["extra_footer"],
        cited["repository-code"],
    ]
    text = "".join(f"<p>{html.escape(str(line))}</p>" for line in lines)
    return (
        f'<div class="cbd-title-page"><h1>{html.escape(config["title"])}</h1>'
        f"<p>{html.escape(cited['title'])}</p><p>{html.escape(authors)}</p><div>{text}</div></div>"
    )


def rearranged(page, front):
    """
    A single page with a title page in front and its solutions at the end.

    Parameters
    ----------
    page : str
        HTML of the whole book on one page.
    front : str
        From :func:`title_page`.

    Returns
    -------
    page : str
        Each exercise has a link to its solution, each solution names its exercise.
    """
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(page, "html.parser")
    article = soup.find("article")
    solutions = article.select("div.solution")
    if solutions:
        last = soup.new_tag("section", id="cbd-solutions")
        heading = soup.new_tag("h1")
        heading.string = "Solutions"
        last.append(heading)
        for number, solution in enumerate(solutions, 1):
            solution["id"] = solution.get("id") or f"cbd-solution-{number}"
            solution["class"] = [name for name in solution["class"] if name != "dropdown"]
            exercise = _exercise_of(solution, article)
            last.append(solution.extract())
            if exercise is not None:
                link = soup.new_tag("a", href=f"#{solution['id']}")
                link.string = "Solution at the end of the book"
                line = soup.new_tag("p", attrs={"class": "cbd-to-solution"})
                line.append(link)
                exercise.append(line)
        article.append(last)
    (soup.body or soup).insert(0, BeautifulSoup(front, "html.parser"))
    return str(soup)


def _exercise_of(solution, article):
    """The exercise that the title of a solution leads to."""
    link = solution.select_one("p.admonition-title a[href*='#']")
    return None if link is None else article.find(id=link["href"].split("#", 1)[1])
