"""Every finding of the paper that was checked by code, gathered from the results on disk.

Each chapter checks its own; this module only reads what they left and lists it, for the
conclusion. A chapter that has not run contributes nothing.
"""

import pandas as pd

from analysis import paper, storage
from analysis.study.cells import calibration
from analysis.study.finding import NOT_TESTED
from analysis.study.morphology import coverage, depth_profiles, size_findings, tortuosity
from analysis.study.trinarization import agreement

HOLDS, FAILS, OPEN = paper.holds(True), paper.holds(False), NOT_TESTED


def collect(profile):
    """
    All findings with their section and what was measured.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    table : pandas.DataFrame
        Columns `section`, `finding`, `measured`, `verdict`; the verdict is one of
        "holds here", "does not hold here" and "not tested" (a method is not in the build).
    """
    rows = [*_agreement(profile), *_morphology(profile), *_transport(profile)]
    return pd.DataFrame(rows, columns=["section", "finding", "measured", "verdict"])


def counts(table):
    """
    How many findings hold, do not hold, and were not tested.

    Returns
    -------
    counts : dict of str to int

    Examples
    --------
    >>> counts(pd.DataFrame({"verdict": ["holds here", "not tested"]}))
    {'holds here': 1, 'does not hold here': 0, 'not tested': 1}
    """
    return {word: int((table["verdict"] == word).sum()) for word in (HOLDS, FAILS, OPEN)}


def _agreement(profile):
    curves = _curves("agreement", profile)
    if curves is None:
        return
    yield from _rows("3.5, Figure 4", agreement.findings(curves["agreement"]))


def _morphology(profile):
    by_size = _curves("descriptors-size", profile)
    if by_size is not None:
        yield from _rows("5.1, Table 2 and Figures 6-7", size_findings.findings(by_size))
    by_path = _curves("descriptors-paths", profile)
    if by_path is not None:
        yield from _rows("5.1, Figure 8", tortuosity.findings(by_path))
    by_lag = _curves("covariance", profile)
    if by_lag is not None and by_size is not None:
        yield from _rows("5.1, Figure 9", coverage.findings(by_lag, by_size))
    by_depth = _curves("profile", profile)
    if by_depth is not None:
        yield from _rows("5.1, Figure 10", depth_profiles.findings(by_depth))


def _transport(profile):
    if not storage.exists("tables", "gamma", profile=profile):
        return
    summary = calibration.beside_the_paper(storage.load_table("gamma", profile=profile), 1.0)
    if summary.empty:
        return
    for row in calibration.orders(summary).itertuples():
        verdict = OPEN if row.verdict == "no value" else row.verdict
        statement = f"{row.finding} ({row.specimen})"
        yield _row("5.2, Table 3", statement, row.ours, verdict)


def _rows(section, findings):
    for found in findings:
        yield _row(section, found.statement, found.measured, found.verdict)


def _row(section, finding, measured, verdict):
    return {"section": section, "finding": finding, "measured": measured, "verdict": verdict}


def _curves(name, profile):
    if not storage.exists("curves", name, profile=profile):
        return None
    return storage.load_curves(name, profile=profile)
