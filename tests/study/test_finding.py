"""One kind of finding: it measures what is there, and says so when a method is absent."""

import pytest

from analysis.study.finding import NOT_TESTED, check_all, finding, table


@finding("The first is larger.", test="difference", needs=("kmeans", "truth"), letter="a")
def larger(first, second):
    """Docstring of the measurement."""
    return f"{first} and {second}", first > second


@finding("Nothing is known.", test="none")
def unknown(first, second):
    return "no data", None


@pytest.mark.parametrize(
    ("values", "holds", "verdict"),
    [((2, 1), True, "holds here"), ((1, 2), False, "does not hold here")],
)
def test_a_check_gives_statement_numbers_and_verdict(values, holds, verdict):
    found = larger(["truth", "kmeans", "edx-closing"], *values)
    assert found.holds is holds and found.verdict == verdict
    assert found.measured == f"{values[0]} and {values[1]}"
    assert found.statement == "The first is larger."


def test_nothing_is_measured_without_the_methods_that_it_speaks_of():
    @finding("x", test="y", needs=("kmeans", "thresholding", "truth"))
    def never():
        raise AssertionError("measured")

    found = never(["truth"])
    assert found.holds is None and found.verdict == NOT_TESTED
    assert found.measured == "without k-means, Thresholding"


def test_a_check_keeps_the_name_and_docstring_of_what_it_measures():
    assert larger.__name__ == "larger" and "measurement" in larger.__doc__


def test_the_table_has_a_row_for_each_and_letters_where_the_paper_has_them():
    rows = table(check_all((larger, unknown), ["kmeans", "truth"], 3, 1))
    assert list(rows["the paper says"]) == ["(a) The first is larger.", "Nothing is known."]
    assert list(rows["verdict"]) == ["holds here", NOT_TESTED]
