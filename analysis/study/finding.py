"""A statement of the paper, held against numbers of this run.

A verdict is never written down beside its number: it *is* the comparison of a value with a limit
(:class:`Bound`), so that table, prose and verdict cannot part when a run turns one round.
"""

import math
from dataclasses import dataclass

import pandas as pd

from analysis import paper
from analysis.figures import style

# What a verdict speaks about.
PAPER = "the paper"  # what the methods do with any image of this kind
STAND_INS = "our stand-ins"  # depends on how SL and TL were drawn
BUILT_IN = "built in"  # the specimen or the calibration put it there
ABOUT = (PAPER, STAND_INS, BUILT_IN)

EDGE = 0.1  # share of the limit within which a verdict may turn with the seed
FAR = 2.0  # from here on a margin is written as a multiple of the limit
ABSENT = "not in this build"


@dataclass(frozen=True)
class Bound:
    """
    A number that decides, and the limit it is held against.

    Attributes
    ----------
    value, limit : float
        In the same unit. The limit may be a measured number itself.
    above : bool
        Whether the value must lie above the limit; below it by default.
    """

    value: float
    limit: float
    above: bool = False

    @property
    def holds(self):
        """Whether the value lies on the right side; never at equality, never for NaN."""
        return bool(self.value > self.limit if self.above else self.value < self.limit)

    @property
    def margin(self):
        """Distance from the limit as a share of it [-], positive if it holds; of the value at 0."""
        room = self.value - self.limit if self.above else self.limit - self.value
        return float(room / (abs(self.limit) or abs(self.value) or 1.0))

    def __str__(self):
        """
        Value and limit, with digits enough to tell them apart.

        Examples
        --------
        >>> str(Bound(0.1003, 0.1)), str(Bound(3.691, 3.684, above=True)), str(Bound(12, 5.0))
        ('0.1003, limit < 0.1', '3.69, limit > 3.68', '12, limit < 5')
        """
        for digits in range(3, 8):
            value, limit = (f"{x:.{digits}g}" for x in (self.value, self.limit))
            if value != limit or self.value == self.limit:
                break
        return f"{value}, limit {'>' if self.above else '<'} {limit}"


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
    bounds : tuple of Bound
        What decides; all must hold. Empty if it could not be tested.
    about : str
        One of :data:`ABOUT`.
    """

    statement: str
    test: str
    measured: str
    bounds: tuple[Bound, ...]
    about: str = PAPER

    @property
    def holds(self):
        """True or False; None if the methods it speaks of are not in this build."""
        return all(bound.holds for bound in self.bounds) if self.bounds else None

    @property
    def tightest(self):
        """The bound with the least margin: the one that decides."""
        return min(
            self.bounds,
            key=lambda bound: -math.inf if math.isnan(bound.margin) else bound.margin,
            default=None,
        )

    @property
    def verdict(self):
        """The verdict in words."""
        return ABSENT if self.holds is None else paper.holds(self.holds)

    @property
    def margin(self):
        """Margin of the deciding bound in words; it says so where the verdict stands on an edge."""
        if self.tightest is None:
            return "–"
        share = self.tightest.margin
        if abs(share) > FAR:
            return f"{share:+.0f} × the limit"
        return f"{100 * share:+.0f} %" + (", at the edge" if abs(share) < EDGE else "")


def check(methods, needed, statement, test, measure, about=PAPER):
    """
    Check a finding if all methods that it needs are there.

    Parameters
    ----------
    methods : sequence of str
        Methods on disk.
    needed : sequence of str
        Methods that the finding speaks of.
    statement, test, about : str
        See :class:`Finding`.
    measure : callable
        Returns what was measured, in words, and the bounds that decide.

    Returns
    -------
    finding : Finding
    """
    absent = [style.label(name) for name in needed if name not in methods]
    if absent:
        return Finding(statement, test, f"without {', '.join(absent)}", (), about)
    measured, *bounds = measure()
    return Finding(statement, test, measured, tuple(bounds), about)


def table(findings):
    """
    Findings as a table for the page of their chapter.

    Returns
    -------
    table : pandas.DataFrame
        Columns the paper says, tested here, measured, decided by, margin, verdict.
    """
    return pd.DataFrame(
        [
            {
                "the paper says": one.statement,
                "tested here": one.test,
                "measured": one.measured,
                "decided by": "–" if one.tightest is None else str(one.tightest),
                "margin": one.margin,
                "verdict": one.verdict,
            }
            for one in findings
        ]
    )
