"""A statement of the paper, checked by code: one kind of finding, one way to check, one table."""

from dataclasses import dataclass
from functools import wraps

import pandas as pd

from analysis import paper
from analysis.figures import style

NOT_TESTED = "not tested"


@dataclass(frozen=True)
class Finding:
    """
    A statement of the paper, what was measured for it, and whether it holds.

    Attributes
    ----------
    statement : str
        As the paper has it.
    test : str
        What is measured here.
    measured : str
        The numbers.
    holds : bool or None
        None if the methods it speaks of are not in this build.
    letter : str
        Where the paper lists its findings by letter.
    """

    statement: str
    test: str
    measured: str
    holds: bool | None
    letter: str = ""

    @property
    def verdict(self):
        """The verdict in words."""
        return NOT_TESTED if self.holds is None else paper.holds(self.holds)


def finding(statement, *, test, needs=(), letter=""):
    """
    Decorator that makes a check of a function that measures.

    The function takes what has been computed and returns what it measured, in words, and whether
    the statement holds, or None if it could not be tested. The check takes the names of the methods
    that are there, then the same, and returns a :class:`Finding`; it measures nothing when a method
    that the statement speaks of is absent.

    Parameters
    ----------
    statement, test, letter : str
        See :class:`Finding`.
    needs : sequence of str
        Methods that the statement speaks of.

    Examples
    --------
    >>> @finding("Two is larger.", test="comparison", needs=("kmeans",))
    ... def larger(value):
    ...     return f"{value} against 2", value < 2
    >>> larger(["kmeans"], 1).verdict, larger(["truth"], 1).measured
    ('holds here', 'without k-means')
    """

    def decorate(measure):
        @wraps(measure)
        def check(methods, *computed):
            absent = [style.label(name) for name in needs if name not in methods]
            if absent:
                return Finding(statement, test, f"without {', '.join(absent)}", None, letter)
            measured, holds = measure(*computed)
            return Finding(
                statement, test, measured, None if holds is None else bool(holds), letter
            )

        return check

    return decorate


def check_all(checks, methods, *computed):
    """
    Findings of several checks on the same data, in their order.

    Parameters
    ----------
    checks : sequence of callable
        Made by :func:`finding`.
    methods : sequence of str
        Methods in this build.
    *computed
        What the checks take.

    Returns
    -------
    findings : list of Finding
    """
    return [check(methods, *computed) for check in checks]


def table(findings):
    """
    Findings as a table for the page.

    Returns
    -------
    table : pandas.DataFrame
        Columns "the paper says", "tested here", "measured" and "verdict".
    """
    return pd.DataFrame(
        [
            {
                "the paper says": f"({one.letter}) " * bool(one.letter) + one.statement,
                "tested here": one.test,
                "measured": one.measured,
                "verdict": one.verdict,
            }
            for one in findings
        ]
    )
