"""Median radii that hang on a few voxels: the interval in which they may lie, in Table 2.

Where a curve is flat at one half, a small change of the volume moves its median far. Such an entry
is shown as an interval: the radii at which the curve passes one half plus and minus two percent.
"""

import numpy as np
import pandas as pd
import xarray as xr

from analysis.descriptors.distribution import SizeDistribution
from analysis.figures import tables
from analysis.study.morphology.descriptors import PHASES

CURVES = {"r_max": "size", "r_min": "intrusion"}
_PRINTED_PHASE = {"AM": "AM", "CBD": "CBD", "pore": "P"}
WIDE = 0.2  # width over median, from which on an interval is shown


def median_intervals(described):
    """
    Interval of each median radius, means of the cutouts.

    Parameters
    ----------
    described : xarray.Dataset
        From :func:`analysis.study.morphology.sizes.run`: ``size`` and ``intrusion`` against
        ``r_um`` [µm].

    Returns
    -------
    intervals : xarray.Dataset
        ``r_max`` and ``r_min`` [µm] by ``specimen, method, phase, end``, low and high.
    """
    radii = described["r_um"].values

    def interval(share):
        return np.array(SizeDistribution(None, radii, share, 1.0).median_interval_um())

    found = {
        name: xr.apply_ufunc(
            interval,
            described[curve],
            input_core_dims=[["r_um"]],
            output_core_dims=[["end"]],
            vectorize=True,
        ).mean("cutout")
        for name, curve in CURVES.items()
    }
    return xr.Dataset(found, coords={"end": ["low", "high"]})


def with_intervals(table, described, wide=WIDE):
    """
    Table 2 with intervals where a median radius is not sharp.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.morphology.sizes.table_2`.
    described : xarray.Dataset
        What it was made of.
    wide : float
        Width of the interval over the median [-], from which on it replaces the number. Smaller
        shows more intervals.

    Returns
    -------
    table : pandas.DataFrame
        Copy, with entries such as "2.0 to 3.3" in the rows from here.
    """
    intervals = median_intervals(described)
    methods = [name for name in table.columns if name in described.method.values]
    table = table.astype(dict.fromkeys(methods, object))
    names = {f"{r}_{_PRINTED_PHASE[phase]}": (r, phase) for r in CURVES for phase in PHASES}
    for k, row in table.iterrows():
        if row["source"] != "here" or row["quantity"] not in names:
            continue
        radius, phase = names[row["quantity"]]
        for method in methods:
            at = {"specimen": row["specimen"], "method": method, "phase": phase}
            low, high = (
                float(intervals[radius].sel({**at, "end": end})) for end in ("low", "high")
            )
            if high - low > wide * row[method]:
                digits = 1 if high >= 1 else 2
                table.loc[k, method] = f"{low:.{digits}f} to {high:.{digits}f}"
    return table


def printed_beside(table, specimen):
    """
    Table 2 of one electrode with the printed value in parentheses behind ours.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`with_intervals` or :func:`analysis.study.morphology.sizes.table_2`.
    specimen : str
        Electrode.

    Returns
    -------
    table : pandas.DataFrame
        A row for each quantity, a column for each method, entries such as "1.54 (1.60)"; ours
        alone where the paper prints nothing.
    """
    rows = table[table["specimen"] == specimen].drop(columns="specimen")
    ours = rows[rows["source"] == "here"].set_index("quantity").drop(columns="source")
    printed = rows[rows["source"] == "paper"].set_index("quantity").drop(columns="source")

    def entry(here, paper):
        text = here if isinstance(here, str) else tables.number(here)
        return text if pd.isna(paper) else f"{text} ({tables.number(paper)})"

    return ours.combine(printed, lambda a, b: a.combine(b, entry)).reset_index()


def count(table):
    """Number of entries that :func:`with_intervals` shows as intervals."""
    return sum(isinstance(one, str) and " to " in one for one in table.to_numpy().ravel())
