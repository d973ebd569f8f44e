"""Posterior and draw of this book beside the methods of the paper, in what a page shows.

They are no methods of the paper: findings, ranks and verdicts are made from the paper's methods
before these two are added, so neither can change what is said about the paper.
"""

import pandas as pd
import xarray as xr

from analysis.study import catalogue
from analysis.study.catalogue import OURS, TRUTH
from analysis.study.morphology import descriptors


def beside(profile, described, describe):
    """
    What was described, with posterior and draw as further methods.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    described : xarray.Dataset
        Of the paper's methods and the truth.
    describe : callable
        The function that described them.

    Returns
    -------
    described : xarray.Dataset
        Unchanged if the labels of posterior and draw are not on disk.
    """
    names = catalogue.ours_on_disk(profile)
    if not names:
        return described
    more = descriptors.describe_all(profile, describe, names)
    both = [str(method) for part in (described, more) for method in part["method"].values]
    parts = [part.drop_vars("method") for part in (described, more)]  # its kind of text may differ
    return xr.concat(parts, dim="method", join="outer").assign_coords(method=both)


def shown(described, main):
    """The methods of `main` that were described, then ours."""
    there = [str(method) for method in described.method.values]
    return [name for name in (*main, *OURS) if name in there]


def rows(table):
    """Rows of a table that are ours, and those of the truth to hold them against."""
    return table[table["method"].isin([*OURS, TRUTH])].reset_index(drop=True)


def radii(described):
    """
    Radii of CBD and pores, and two surfaces, of posterior, draw and truth.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`analysis.study.morphology.sizes.run` with :func:`beside`.

    Returns
    -------
    table : pandas.DataFrame
        Means of the cutouts: r_max of CBD and pore and r_min of the pore [µm], the surface where
        lithium enters and the interface of CBD and pore [1/µm].
    """
    mean = described.mean("cutout")
    found = []
    for specimen in mean.specimen.values:
        for method in shown(described, (TRUTH,)):
            one = mean.sel({"specimen": specimen, "method": method})
            row = {"specimen": str(specimen), "method": method}
            row["r_max_CBD"] = float(one["r_max"].sel(phase="CBD"))
            row["r_max_P"] = float(one["r_max"].sel(phase="pore"))
            row["r_min_P"] = float(one["r_min"].sel(phase="pore"))
            row["S_Int"] = float(one["interface"].sel(pair="intercalation"))
            row["S_CBD,P"] = float(one["interface"].sel(pair="CBD-pore"))
            found.append(row)
    return pd.DataFrame(found)


def depth(layers):
    """
    How much of the step between the layers of TL our two maps show, in words.

    Parameters
    ----------
    layers : pandas.DataFrame
        From :func:`analysis.study.morphology.depth_profiles.layers` with :func:`beside`.
    """
    if not set(OURS) <= set(layers.index):
        return "Posterior and draw are not in this build"
    step = layers.collector - layers.separator
    probable, drawn = (100 * float(step[name] / step[TRUTH]) for name in OURS)
    text = (
        f"Of the step between the layers the most probable map shows {probable:.0f} % and the draw "
        f"{drawn:.0f} %"
    )
    if probable > drawn + 10:
        return (
            f"{text}. Where a layer leans to one phase ever so little, the most probable map takes "
            "that side throughout, which exaggerates what is known; a draw keeps the odds"
        ).replace("-", "−")
    return text.replace("-", "−")


def nearer(table):
    """
    Whether the draw or the most probable map is nearer to the truth, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns specimen, method (posterior, draw and truth) and numbers to compare.

    Returns
    -------
    text : str
        A number that the truth or one of the two lacks is not counted.
    """
    if not set(OURS) <= set(table["method"]):
        return "Posterior and draw are not in this build"
    wide = table.set_index(["specimen", "method"]).select_dtypes("number").stack()
    wide = wide.unstack("method").dropna()
    off = wide[list(OURS)].sub(wide[TRUTH], axis=0).abs()
    wins = int((off["draw"] < off["posterior"]).sum())
    count = len(off)
    share = {count: f"each of these {count}", 0: f"none of these {count}"}
    named = share.get(wins, f"{wins} of these {count}")
    return (
        f"The draw is nearer to the truth than the most probable map of the posterior in {named} "
        "numbers"
    )
