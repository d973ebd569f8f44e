"""Tables on the page: everything in the CSV, readable digits, a verdict in words."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis import paper
from analysis.figures import tables


@pytest.fixture
def table():
    return pd.DataFrame(
        {"method": ["a<b>", "c"], "share": [0.1234567, np.nan], "n": [12, 3], "tau": [50.0, 5.55]}
    )


def cells(page):
    soup = BeautifulSoup(page.html, "html.parser")
    return [[cell.get_text() for cell in row.find_all(["td", "th"])] for row in soup.select("tr")]


def read_back(page):
    """The table behind the CSV link of a page."""
    encoded = page.html.split("data:text/csv;base64,")[1].split('"')[0]
    return pd.read_csv(io.BytesIO(base64.b64decode(encoded)))


def test_csv_holds_all_digits(table):
    back = read_back(tables.show(table, name="t"))
    pd.testing.assert_frame_equal(back, table)


def test_page_shows_few_digits_and_marks_what_is_missing(table):
    head, first, second = cells(tables.show(table, name="t"))
    assert head == ["method", "share", "n", "tau"]
    assert first == ["a<b>", "0.123", "12", "50.0"]
    assert second == ["c", "–", "3", "5.6"] or second == ["c", "–", "3", "5.5"]


def test_rows_and_columns_have_headers(table):
    soup = BeautifulSoup(tables.show(table, name="t").html, "html.parser")
    assert [th["scope"] for th in soup.find_all("th")] == ["col"] * 4 + ["row"] * 2
    assert soup.find(role="region")["tabindex"] == "0"


def test_verdict_is_said_in_words_not_in_color_alone():
    page = tables.compare(
        {"radius": paper.verdict(3.5, 3.63), "beta": paper.verdict(1, 2)}, name="v"
    )
    rows = cells(page)
    assert "agrees" in rows[1][-1] and "✓" in rows[1][-1]
    assert "differs" in rows[2][-1] and "✗" in rows[2][-1]


def test_named_index_becomes_a_column(table):
    assert cells(tables.show(table.set_index("method"), name="t"))[0][0] == "method"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (-0.14567, "-0.146"),
        (123456.7, "1.23e+05"),
        (2.0, "2"),
        (99.96, "100.0"),
        (-1e-9, "-1e-09"),
    ],
)
def test_numbers(value, shown):
    assert tables.number(value) == shown


def test_what_rounds_to_zero_has_no_sign():
    assert tables.number(-0.0004, fmt=".2f") == "0.00"
    assert tables.number(-0.006, fmt=".2f") == "-0.01"


def test_page_writes_methods_symbols_and_minus_signs_the_csv_what_was_passed():
    table = pd.DataFrame({"method": ["kmeans"], "r_max_AM": [-1.25], "setting": ["he_normal"]})
    page = tables.show(table, name="t")
    assert cells(page) == [
        ["method", "rmax, AM", "setting"],
        ["k-means", "−1.25", "he_normal"],
    ]
    pd.testing.assert_frame_equal(read_back(page), table)


def test_strings_can_be_shortened_on_the_page():
    page = tables.show(pd.DataFrame({"sha": ["abcdefgh"]}), name="t", formats={"sha": ".3"})
    assert cells(page)[1] == ["abc"] and read_back(page)["sha"][0] == "abcdefgh"


@pytest.mark.parametrize("rows", [tables.ROWS, tables.ROWS + 1, 108])
def test_a_page_carries_few_rows_and_the_csv_all(rows):
    page = tables.show(pd.DataFrame({"n": range(rows)}), name="t")
    assert len(cells(page)) == 1 + min(rows, tables.ROWS)
    assert (f"of {rows} rows" in page.html) == (rows > tables.ROWS)
    assert len(read_back(page)) == rows


@pytest.mark.parametrize("extra", [0, 1, 5])
def test_a_page_carries_few_columns_and_never_loses_the_verdict(extra):
    names = [f"c{k}" for k in range(tables.COLUMNS - 1 + extra)] + ["verdict"]
    page = tables.show(pd.DataFrame([range(len(names))], columns=names), name="t")
    head = cells(page)[0]
    assert len(head) == tables.COLUMNS and head[-1] == "verdict"
    lost = [name for name in names if name not in head]
    assert len(lost) == extra and all(name in page.html for name in lost)
    assert list(read_back(page)) == names


def test_more_than_a_page_carries_is_refused_with_a_way_out(table):
    wide = pd.DataFrame([range(9)], columns=list("abcdefghi"))
    with pytest.raises(ValueError, match="'t' asks for 8 columns .* at most 7"):
        tables.show(wide, name="t", columns=list("abcdefgh"))
    with pytest.raises(ValueError, match="all rows .* at most 15"):
        tables.show(table, name="t", rows=None)
    with pytest.raises(ValueError, match="16 rows"):
        tables.show(table, name="t", rows=16)


def test_a_page_may_show_less_than_the_csv_and_says_so(table):
    page = tables.show(table, name="t", columns=["method", "tau"], rows=1)
    assert [row[0] for row in cells(page)] == ["method", "a<b>"]
    assert cells(page)[0] == ["method", "tau"]
    assert "first 1 of 2 rows" in page.html
    pd.testing.assert_frame_equal(read_back(page), table)
    assert "rows;" not in tables.show(table, name="t", rows=2).html
    with pytest.raises(KeyError, match="gamma"):
        tables.show(table, name="t", columns=["gamma"])


@pytest.mark.parametrize(
    ("columns", "words"),
    [(["seed"], "The column seed is in the "), (["seed", "tau"], "The columns seed, tau are in the "),
     ([], "")],
)  # fmt: skip
def test_one_column_that_is_left_out_is_no_plural(columns, words):
    assert tables._left_out(3, 3, columns) == words


@pytest.mark.parametrize(
    ("headings", "named"),
    [({"h": "at a bound"}, "The column at a bound is in the"), ({}, "The column h is in the"),
     ({"a": "x", "h": "holds γ"}, "The column holds γ is in the")],
)  # fmt: skip
def test_a_column_left_out_goes_by_its_heading(headings, named):
    wide = pd.DataFrame([range(8)], columns=list("abcdefgh"))
    assert named in tables.show(wide, name="wide", headings=headings).html


@pytest.mark.parametrize(
    ("text", "kind"),
    [("yes", "cbd-short"), ("U-Net with profile", "cbd-short cbd-phrase"),
     ("at the end", "cbd-short cbd-phrase"), ("NN-AM-CBD-P", "cbd-short"),
     ("long " * 20, "cbd-long"),
     ("−21.2 % (−35.0 to −8.8)", "cbd-span"), ("0.388 (0.355 to 0.415)", "cbd-span"),
     ("0.44 (0.418–0.462)", "cbd-span")],
)  # fmt: skip
def test_words_say_how_much_room_they_need(text, kind):
    page = tables.show(pd.DataFrame({"a": ["x"], "b": [text]}), name="words").html
    assert f'<td class="{kind}">' in page
