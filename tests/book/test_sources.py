"""The sources of the pages: numbers come from the run, chapters have their rhythm."""

import re
from pathlib import Path

import pytest

from publishing.chapters import table_of_contents
from publishing.slides import parts

from . import checks

BOOK = Path(__file__).resolve().parents[2] / "book"


def pages():
    return sorted(Path(document).stem for document in table_of_contents())


@pytest.mark.parametrize("page", pages())
def test_numbers_in_prose_come_from_the_run(page):
    problems = checks.foreign_numbers((BOOK / f"{page}.md").read_text(encoding="utf-8"), page)
    assert not problems, "\n" + "\n".join(problems)


# What a reader wants to know after ten minutes, and the glued text that says it.
TEN_MINUTES = {
    "How much of the CBD is found, beside chance?": "answer_found",
    "How near is that to the limit?": "answer_found",
    "What is missed in depth?": "answer_depth",
    "What does it cost the cell?": "answer_cost",
    "Which gamma can be believed?": "answer_gamma",
    "Which method should I use?": "answer_use",
    "How large are the volumes?": "sizes",
}


@pytest.mark.parametrize("page", ["index", "16_conclusion"])
def test_landing_page_and_conclusion_answer_what_a_reader_asks_first(page):
    source = (BOOK / f"{page}.md").read_text(encoding="utf-8")
    problems = checks.unanswered(source, TEN_MINUTES, page)
    assert not problems, "\n".join(problems)
    assert "answer.sentences(profile)" in source and "answer.sizes(profile)" in source


@pytest.mark.parametrize(
    ("source", "number"),
    [("{glue:text}`answer_found` on {glue:text}`sizes`", 0), ("{glue:text}`answer_found`", 1),
     ("The methods find 60 % on two cutouts.", 2), ("{glue:text}`sizes:.2f`", 1)],
)  # fmt: skip
def test_an_answer_that_is_not_glued_is_none(source, number):
    asked = {"found?": "answer_found", "sizes?": "sizes"}
    assert len(checks.unanswered(source, asked, "x")) == number


METHOD_CHAPTERS = [
    page for page in pages() if page[:2].isdigit() and not page.startswith(("00", "16", "17"))
]


@pytest.mark.parametrize("page", METHOD_CHAPTERS)
def test_chapters_have_goals_and_two_solved_exercises(page):
    problems = checks.chapter_shape((BOOK / f"{page}.md").read_text(encoding="utf-8"), page)
    assert not problems, "\n" + "\n".join(problems)


@pytest.mark.parametrize(("caption", "documents"), parts(BOOK.parent), ids=lambda part: part[:9])
def test_each_part_closes_with_a_take_away_and_three_questions_with_answers(caption, documents):
    """`caption` names the part in the report of a failure."""
    last = next(name for name in reversed(documents) if "review_" in name)
    source = (BOOK.parent / last).with_suffix(".md").read_text(encoding="utf-8")
    asked = re.findall(r"\{exercise\}[^\n]*\n:label: (\S+)", source)
    answered = re.findall(r"\{solution\} (\S+)", source)
    assert len(asked) >= 3 and asked == answered
    points = re.search(r"\{admonition\} What to take away.*?:::\n", source, re.DOTALL)
    assert points[0].count("\n- ") == 3
    assert documents.index(last) >= len(documents) - 2


@pytest.mark.parametrize(
    ("source", "numbers"),
    [
        ("We find 3.14 µm.", ["3.14"]),
        ("We find {glue:text}`x:.2f` µm and {numref}`fig-3`.", []),
        ("Figure 10 and Section 5.2 of NMC622 in 3D.", []),
        ("Figs. 6 and 7, Table 2, eq. (1), Tables 2-4.", []),
        ("$x = 7$ and $$y = 8$$ and `9`.", []),
        ("It fell by −12 % to 1 000.", ["−12", "1000"]),
        ("```{code-cell} ipython3\nx = 77\n```\nbut 78", ["78"]),
        ("```{figure} a.png\n:width: 300\nText\n```", []),
        ("1. first\n2. second, 44", ["44"]),
        (":::{admonition} Box\n- 17 things\n:::", ["17"]),
        ("[link 5](https://a.b/66)", ["5"]),
    ],
)
def test_digits_in_prose_are_found(source, numbers):
    assert checks.typed_numbers(source) == numbers


def test_a_typed_result_is_reported():
    problems = checks.foreign_numbers("The Jaccard index is 0.4711.", "x")
    assert len(problems) == 1 and "0.4711" in problems[0]


GOOD = "Two curves that cross near the middle of the panel and then part for good."


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        (f'<figure id="a"><img alt="{GOOD}" src="x"><figcaption><span class="caption-number">'
         "Fig. 1</span> A long caption.</figcaption></figure>", None),
        ('<img alt="../_images/ab12.png" src="x">', "is a path"),
        ('<img alt="a plot" src="x">', "characters long"),
        (f'<div class="cell_output"><img alt="{GOOD}" src="x"></div>', "no figure around"),
        (f'<figure id="a"><img alt="{GOOD}" src="x"></figure>', "no caption"),
        (f'<figure id="a"><img alt="{GOOD}" src="x"><figcaption>A caption without one'
         "</figcaption></figure>", "no number"),
        ('<div class="cell_output"><div class="cbd-table" aria-label="t"></div></div>',
         "no caption and no number"),
    ],
)  # fmt: skip
def test_figures_are_checked(html, problem):
    found = checks.figure_problems(f"<article>{html}</article>", "page")
    assert found == [] if problem is None else any(problem in line for line in found)


@pytest.mark.parametrize(
    ("html", "number"),
    [("<p>The mean is 1.2 and nan in the pores.</p>", 1), ("<p>bananas, 2 * 3 * 4</p>", 0),
     ("<p>in the setting *edge-enhanced*: 0.1</p>", 1), ("<table><tr><td>nan</td></tr></table>", 0),
     ('<div class="output stderr highlight">UserWarning: /home/x</div>', 1),
     ("<pre>*args, nan</pre>", 0)],
)  # fmt: skip
def test_what_a_run_leaves_over_is_found(html, number):
    assert len(checks.leftovers(f"<article>{html}</article>", "page")) == number


def test_addresses_outside_are_found():
    html = (
        '<script src="https://a.b/c.js"></script><link rel="stylesheet" href="//d.e/f.css">'
        '<a href="https://fine.example">x</a><link rel="canonical" href="https://fine">'
        '<img src="data:image/png;base64,aa"><style>a{background:url(http://g.h/i.png)}</style>'
    )
    assert len(checks.outside_addresses(html, "page")) == 3


def test_broken_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#there"></a><a href="#gone"></a>')
    (tmp_path / "b.html").write_text('<p id="there"></p><a href="c.html"></a><a href="a.html"></a>')
    problems = checks.broken_links(tmp_path)
    assert len(problems) == 2
    assert any("#gone" in line for line in problems) and any("c.html" in line for line in problems)
