"""What a wrong map costs the cell: every map simulated with the gamma that is true."""

import pandas as pd

from analysis import storage
from analysis.study.cells import calibration

TABLE = "capacity-at-true-gamma"


def run(profile, fitted):
    """
    Capacity of every map at the current of the fit, with the true gamma, beside that of the truth.

    A fit hides an error of the map in gamma; with the true gamma it shows. Writes the table
    ``capacity-at-true-gamma``.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    fitted : pandas.DataFrame
        From :func:`analysis.study.cells.calibration.run`: which maps there are.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, cutout, method, capacity [mAh/cm²] and error, relative to the truth of
        the same cutout [%].
    """
    rows = []
    for (specimen, cutout), maps in fitted.groupby(["specimen", "cutout"], sort=False):
        capacities = {
            method: _capacity(profile, specimen, int(cutout), method)
            for method in dict.fromkeys(["truth", *maps.method])
        }
        rows += [
            {
                "specimen": specimen,
                "cutout": int(cutout),
                "method": method,
                "capacity": capacity,
                "error": 100 * (capacity / capacities["truth"] - 1),
            }
            for method, capacity in capacities.items()
        ]
    table = pd.DataFrame(rows)
    storage.save_table(TABLE, table, profile=profile)
    return table


def text(table):
    """
    How far the maps are off with the true gamma, electrode by electrode, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`run`.

    Returns
    -------
    text : str

    Examples
    --------
    >>> methods, errors = ["truth", "a", "b"], [0, -5, 2.0]
    >>> text(pd.DataFrame({"specimen": "SL", "method": methods, "error": errors}))
    'on SL by −5 to +2 %'
    """
    maps = table[table.method != "truth"].groupby(["specimen", "method"], sort=False).error.mean()
    parts = []
    for specimen, errors in maps.groupby(level="specimen", sort=False):
        low, high = (f"{value:+.0f}".replace("-", "−") for value in (errors.min(), errors.max()))
        parts.append(
            f"on {specimen} by {low} %" if low == high else f"on {specimen} by {low} to {high} %"
        )
    return " and ".join(parts)


def _capacity(profile, specimen, cutout, method):
    curves = calibration.gamma_sweep(
        profile, specimen, method, cutout, gammas=[profile.gamma_true],
        current_mA_cm2=profile.fit_current,
    )  # fmt: skip
    return float(curves[profile.gamma_true][0][-1])
