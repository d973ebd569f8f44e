"""Every finding of the paper that was checked by code, gathered from the results on disk.

Each chapter checks its own; this module only reads what they left and lists it, for the
conclusion.
"""

import pandas as pd

from analysis import paper, storage
from analysis.study.cells import calibration, impedance
from analysis.study.consistency import verdicts
from analysis.study.finding import ABSENT, BUILT_IN, EDGE, PAPER
from analysis.study.morphology import coverage, depth_profiles, size_findings, tortuosity
from analysis.study.trinarization import agreement

HOLDS, FAILS, OPEN = paper.holds(True), paper.holds(False), ABSENT

SECTIONS = (
    "3.5, Figure 4",
    "5.1, Table 2, Figures 6-7",
    "5.1, Figure 8",
    "5.1, Figure 9",
    "5.1, Figure 10",
    "5.2, Table 3",
    "5.2, Table 3, ratios",
    "5.2, Figure S6",
)
CURVES = ("agreement", "descriptors-size", "descriptors-paths", "covariance", "profile")
TABLES = ("gamma", "impedance", "consistency", "consistency-pieces", "consistency-parameters")
WITHOUT_CUTOUTS = ("5.2, Table 3, ratios", "5.2, Figure S6")  # from all cutouts, or from one


def collect(profile):
    """
    All findings, those that fail first.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    table : pandas.DataFrame
        Columns `section`, `finding`, `about` (one of "the paper", "our stand-ins", "built in"),
        `measured`, `decided by` (value and limit), `margin`, `verdict` ("holds here", "does not
        hold here" or "not in this build"), and for computing `value`, `limit`, `share` (the
        margin over the limit [-]) and `spread` (range over the cutouts of the value that decides;
        NaN with one cutout).

    Raises
    ------
    FileNotFoundError
        If a chapter whose findings belong here has not run; it names all results that are
        missing. A list that is shorter than it should be would count wrongly.
    """
    storage.require("curves", *CURVES, profile=profile)
    storage.require("tables", *TABLES, profile=profile)
    curves = {name: storage.load_curves(name, profile=profile) for name in CURVES}
    tables = {name: storage.load_table(name, profile=profile) for name in TABLES}
    tables["gamma"] = tables["gamma"].astype({"note": object}).fillna({"note": ""})
    cutouts = [_of_cutout(curves, tables, number) for number in profile.cutout_numbers]
    parts = [_findings(*part, profile) for part in cutouts] if len(cutouts) > 1 else []
    rows = []
    for place, found in enumerate(_findings(curves, tables, profile)):
        for number, one in enumerate(found):
            alike = [part[place][number] for part in parts]
            by_cutout = SECTIONS[place] not in WITHOUT_CUTOUTS
            rows.append(_row(SECTIONS[place], one, alike if by_cutout else []))
    table = pd.DataFrame(rows)
    order = table.verdict.map({FAILS: 0, OPEN: 1, HOLDS: 2})
    return table.loc[order.sort_values(kind="stable").index].reset_index(drop=True)


def _findings(curves, tables, profile):
    """Findings of every section, in the order of :data:`SECTIONS`."""
    sizes = curves["descriptors-size"]
    summary = calibration.beside_the_paper(tables["gamma"], 1.0)
    return (
        agreement.findings(curves["agreement"]["agreement"]),
        size_findings.findings(sizes),
        tortuosity.findings(curves["descriptors-paths"]),
        coverage.findings(curves["covariance"], sizes),
        depth_profiles.findings(curves["profile"]),
        calibration.findings(summary),
        verdicts.collected(profile),
        [impedance.finding(tables["impedance"])],
    )


def _of_cutout(curves, tables, number):
    """The results of one cutout; a table without cutouts stays whole."""
    curves = {name: one.sel(cutout=[number]) for name, one in curves.items()}
    gamma = tables["gamma"]
    return curves, tables | {"gamma": gamma[gamma.cutout == number]}


def counts(table):
    """
    How many findings hold, do not hold, and could not be tested.

    Returns
    -------
    counts : dict of str to int

    Examples
    --------
    >>> counts(pd.DataFrame({"verdict": ["holds here", "not in this build"]}))
    {'holds here': 1, 'does not hold here': 0, 'not in this build': 1}
    """
    return {word: int((table["verdict"] == word).sum()) for word in (HOLDS, FAILS, OPEN)}


def summary(table):
    """
    The findings grouped by section and by what they speak about, failures first.

    Each group is one line, with the finding that decides over it: the one with the least margin.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`collect`.

    Returns
    -------
    summary : pandas.DataFrame
        Columns section, about, hold ("3 of 4"), closest call (the finding that decides), value and
        limit, margin, spread (range of the value over the cutouts).
    """
    rows = []
    tested = table[table.verdict != OPEN]
    for (section, about), group in tested.groupby(["section", "about"], sort=False):
        closest = group.loc[group["share"].idxmin()]
        rows.append(
            {
                "section": section,
                "about": about,
                "hold": f"{int((group.verdict == HOLDS).sum())} of {len(group)}",
                "closest call": closest.finding,
                "value and limit": closest["decided by"],
                "margin": closest.margin,
                "spread": "one cutout" if pd.isna(closest.spread) else f"{closest.spread:.2g}",
                "least": closest["share"],
            }
        )
    summary = pd.DataFrame(rows).sort_values("least", kind="stable")
    return summary.drop(columns="least").reset_index(drop=True)


def text(table):
    """
    What the list comes to, in words; nothing that was built in counts as evidence.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`collect`.

    Returns
    -------
    text : str
    """
    number = counts(table)
    built = table[table.about == BUILT_IN]
    ours = table[(table.about == PAPER) & (table.verdict != OPEN)]
    edge = int((table["share"].abs() < EDGE).sum())
    said = [
        f"Of {len(table)} findings that the chapters checked, {number[HOLDS]} hold here and "
        f"{number[FAILS]} do not"
    ]
    if number[OPEN]:
        said.append(
            f"{number[OPEN]} could not be tested in this run, because a method they speak of was "
            "not part of it"
        )
    said.append(
        f"What holds because it was built in proves nothing ({len(built)} of them); of the "
        f"{len(ours)} that speak about the methods rather than about our electrodes, "
        f"{int((ours.verdict == HOLDS).sum())} hold"
    )
    if edge:
        verb = "stands" if edge == 1 else "stand"
        said.append(
            f"{edge} {verb} within {100 * EDGE:.0f} % of their limit, where another seed could "
            "turn them"
        )
    return ". ".join(sentence[0].upper() + sentence[1:] for sentence in said)


def _row(section, one, alike=()):
    """A line of the list; `alike` is the same finding on each cutout."""
    deciding = one.tightest
    place = next((k for k, bound in enumerate(one.bounds) if bound is deciding), 0)
    values = [other.bounds[place].value for other in alike if len(other.bounds) > place]
    return {
        "section": section,
        "finding": one.statement,
        "about": one.about,
        "measured": one.measured,
        "decided by": "–" if deciding is None else str(deciding),
        "margin": one.margin,
        "verdict": one.verdict,
        "value": float("nan") if deciding is None else deciding.value,
        "limit": float("nan") if deciding is None else deciding.limit,
        "share": float("nan") if deciding is None else deciding.margin,
        "spread": max(values) - min(values) if len(values) > 1 else float("nan"),
    }
