"""How real the virtual electrodes are: sizes after imaging and trinarization beside Table 2.

The imaging was tuned on one column, Thresholding; that column is calibration. So are the pores of
the network's columns: by them, activation and binning of its training were chosen out of four
combinations. The rest was left alone, so it is validation.
"""

import pandas as pd

from analysis import storage
from analysis.study.morphology import sizes
from analysis.study.morphology.descriptors import PRINTED

WANTED_COLUMNS = 4  # of the six, for the largest bodies of AM and of the pores
QUANTITIES = ("r_max_AM", "r_max_P", "r_max_CBD", "r_min_AM", "r_min_P", "r_min_CBD")

_REASONS = {
    ("r_max_CBD", "gray"): "the measured noise must be finer than ours; not tuned for",
    ("r_min_CBD", "gray"): "the printed value is a third of a voxel: less than half was reached",
    ("r_min_P", "gray"): "a percolation threshold; it scatters between cutouts of this width",
    ("r_min_P", "network"): "a percolation threshold; it scatters between cutouts of this width",
    ("r_min_AM", "gray"): "a percolation threshold; narrow cutouts have fewer ways around a neck",
    (
        "r_min_AM",
        "closing",
    ): "a percolation threshold; narrow cutouts have fewer ways around a neck",
}


def judge(profile):
    """
    Our radii beside the printed ones.

    Parameters
    ----------
    profile : analysis.profiles.Profile
        Name of the profile; the chapter on surfaces and sizes must have run.

    Returns
    -------
    table : pandas.DataFrame
        Columns quantity, method, role, ours and paper (means of SL and TL [µm]), lowest and
        highest over cutouts, tolerance [-], agrees, verdict.
    """
    described = storage.load_curves("descriptors-size", profile=profile)
    compared = sizes.comparison(described)
    rows = []
    for quantity in QUANTITIES:
        for method in PRINTED:
            here = compared[(compared.quantity == quantity) & (compared.method == method)]
            if here.empty:
                continue
            ours, printed = here.ours.mean(), here.paper.mean()
            tolerance = sizes.TOLERANCES[quantity]
            verdict = sizes.verdict(quantity, ours, printed)
            rows.append(
                {
                    "quantity": quantity,
                    "method": method,
                    "role": sizes.role(quantity, method),
                    "ours": ours,
                    "lowest": here.lowest.min(),
                    "highest": here.highest.max(),
                    "paper": printed,
                    "tolerance": tolerance,
                    "agrees": verdict.startswith("agrees"),
                    "verdict": verdict,
                }
            )
    table = pd.DataFrame(rows)
    storage.save_table("realism", table, profile=profile)
    return table


def score(table):
    """
    Columns of Table 2 that each quantity matches.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`judge`.

    Returns
    -------
    scores : pandas.DataFrame
        Columns quantity, tolerance, columns, matched, matched of the validation.
    """
    rows = []
    for quantity, group in table.groupby("quantity", sort=False):
        rows.append(
            {
                "quantity": quantity,
                "tolerance": group.tolerance.iloc[0],
                "columns": len(group),
                "matched": int(group.agrees.sum()),
                "matched, validation": int(group.agrees[group.role == "validation"].sum()),
            }
        )
    return pd.DataFrame(rows)


def untuned_text(table, methods=("kmeans", "edx-closing"), quantities=("r_max_AM", "r_max_P")):
    """
    How well columns are met that played no part in the calibration, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`judge`.
    methods, quantities : tuple of str
        Which entries of Table 2.
    """
    rows = table[table.method.isin(methods) & table.quantity.isin(quantities)]
    rows = rows[rows.role == "validation"]
    met, n = int(rows.agrees.sum()), len(rows)
    if not n:
        return "this run has none of them"
    what = f"{met} of {n} of their largest radii of AM and pores agree with the printed ones"
    if met == n:
        return f"{what}, the best evidence there is that the images are alike"
    if 2 * met >= n:
        return f"{what}, some evidence that the images are alike"
    return f"{what}, so the images are less alike than the calibrated column suggests"


def unmatched(table):
    """
    What is not matched, with a reason or the word "unexplained".

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`judge`.

    Returns
    -------
    rest : pandas.DataFrame
        Columns quantity, method, ours, paper, verdict, reason.
    """
    rest = table[~table.agrees]
    rest = rest[["quantity", "method", "ours", "paper", "verdict"]].reset_index(drop=True)
    return rest.assign(
        reason=[
            _REASONS.get((q, _family(m)), "unexplained")
            for q, m in zip(rest.quantity, rest.method, strict=True)
        ]
    )


def _family(method):
    """Methods that share a reason: networks, closing, and those that look at gray values."""
    if method.startswith("nn-"):
        return "network"
    return "closing" if method == "edx-closing" else "gray"
