"""The paper's orders of Table 3, and its jump from SL to TL, as functions of the true gamma."""

import numpy as np
import pandas as pd

from analysis import paper
from analysis.figures import style
from analysis.study.cells import calibration
from analysis.study.consistency import specimens, sweep
from analysis.study.consistency.specimens import TRUTH

NEAR = 1.5  # factor within which two ratios are called alike
PAPER_LIKE = 0.03  # true gamma at which the audit of ratios beside the paper's is made


def of_table_3(table, profile):
    """
    Whether the paper's findings on its Table 3 hold, by true gamma, on the maps of the study.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.consistency.sweep.run`.
    profile : analysis.profiles.Profile

    Returns
    -------
    grid : pandas.DataFrame
        One row per statement, a column per true gamma with the verdict.
    orders : dict of str to dict of float to bool or None
        The same, for sentences.
    """
    kind = specimens.kinds(profile)[0]
    orders, words = {}, {}
    for gamma in sorted(table.gamma_true.unique()):
        for one in calibration.findings(sweep.summary_at(table, gamma, kind)):
            orders.setdefault(one.statement, {})[gamma] = one.holds
            words.setdefault(one.statement, {})[f"γ = {gamma:g}"] = one.verdict
    grid = pd.DataFrame(words).T.rename_axis("the paper says").reset_index()
    return grid, orders


def ratios(table, profile, gamma_true=PAPER_LIKE):
    """
    Gamma of TL over that of SL beside the paper's, at one true gamma.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.consistency.sweep.run`.
    profile : analysis.profiles.Profile
    gamma_true : float
        One of `consistency_gammas`.

    Returns
    -------
    ratios : pandas.DataFrame
        Columns ``method``, ``gamma_SL``, ``gamma_TL``, ``ratio``, ``at_bound`` (whether one of the
        two stopped at the end of its range, so that the ratio is only a limit) and
        ``paper_ratio``; the truth last.

    Raises
    ------
    ValueError
        If there is no fit at this gamma.
    """
    kind = specimens.kinds(profile)[0]
    here = table[
        (table.scenario == kind.scenario)
        & (table.layer_contrast == kind.layer_contrast)
        & (table.gamma_true == gamma_true)
    ]
    if here.empty:
        known = ", ".join(f"{gamma:g}" for gamma in sorted(table.gamma_true.unique()))
        raise ValueError(
            f"There is no fit at gamma_true = {gamma_true:g}; expected one of {known}."
        )
    printed = paper.table(3).pivot(index="method", columns="specimen", values="gamma")
    rows = []
    names = list(here.method.unique())
    for method in sorted(names, key=lambda name: name == TRUTH):
        mine = here[here.method == method].set_index("electrode")
        known = method in printed.index
        rows.append(
            {
                "method": method,
                "gamma_SL": mine.gamma["SL"],
                "gamma_TL": mine.gamma["TL"],
                "ratio": mine.gamma["TL"] / mine.gamma["SL"],
                "at_bound": bool(mine.bound[["SL", "TL"]].any()),
                "paper_ratio": (printed.TL[method] / printed.SL[method] if known else float("nan")),
            }
        )
    return pd.DataFrame(rows)


def jump(ours, theirs):
    """
    Our ratios of gamma beside those of the paper's Table 3, in words.

    Parameters
    ----------
    ours, theirs : pandas.Series
        TL over SL [-], indexed by method.

    Returns
    -------
    text : str
    """
    both = pd.DataFrame({"ours": ours, "theirs": theirs}).dropna()
    if len(both) < 2:
        return "Too few methods of the paper were fitted to compare ratios"
    apart = np.exp(np.abs(np.log(both.ours / both.theirs)))
    near = int((apart <= NEAR).sum())
    order = both.ours.corr(both.theirs, method="spearman")
    worst = apart.idxmax()
    up = int(((both.ours > 1) == (both.theirs > 1)).sum())
    return (
        f"{near} of {len(both)} ratios lie within a factor of {NEAR:g} of the paper's and {up} on "
        f"the same side of one; the rank correlation is {order:+.2f}. Farthest apart is "
        f"{style.label(worst)} with {both.ours[worst]:.1f} against {both.theirs[worst]:.1f}"
    )
