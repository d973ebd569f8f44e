"""Capacity against current, model beside truth: Figure 11 in a form that can be read."""

import numpy as np
import pandas as pd

from analysis import profiles
from analysis.simulation import campaign, cases


def capacities(profile):
    """
    Capacity of every map at every current with its gamma fitted at one, and that of the truth.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    table : pandas.DataFrame
        Columns ``electrode``, ``method``, ``cutout``, ``current`` [mA/cm²], ``capacity`` and
        ``true_capacity`` [mAh/cm²]; NaN where a current cannot be carried.
    """
    done, _ = campaign.run_fits(profile, progress=lambda line: None)
    rows = []
    for case in done:
        if not cases.is_finished(case, profile):
            continue
        data = cases.load(case, profile)
        for current in data.current.values:
            rows.append(
                {
                    "electrode": case.specimen,
                    "method": case.method,
                    "cutout": case.cutout,
                    "current": float(current),
                    "capacity": float(data.capacity_mAh_cm2.sel(current=current)),
                    "true_capacity": float(data.true_capacity_mAh_cm2.sel(current=current)),
                }
            )
    return pd.DataFrame(rows)


def bands(table, column="capacity"):
    """
    Lowest, mean and highest of the cutouts.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`capacities`.
    column : str
        ``capacity`` or ``true_capacity``.

    Returns
    -------
    bands : pandas.DataFrame
        Columns ``electrode``, ``method``, ``current``, ``low``, ``mean``, ``high``.
    """
    grouped = table.groupby(["electrode", "method", "current"], sort=False)[column]
    found = grouped.agg(low="min", mean="mean", high="max").reset_index()
    return found.sort_values(["electrode", "method", "current"], kind="stable")


def draw(table, axes, methods):
    """
    One panel per electrode: bands and lines of the maps, bars of the truth.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`capacities`.
    axes : sequence of matplotlib.axes.Axes
        One per electrode.
    methods : sequence of str
        Maps to draw.
    """
    from analysis.figures import style

    for electrode, ax in zip(profiles.ELECTRODES, axes, strict=True):
        here = table[table.electrode == electrode]
        for method in methods:
            one = bands(here[here.method == method])
            ax.fill_between(one.current, one.low, one.high, color=style.color(method), alpha=0.2)
            ax.plot(
                one.current, one["mean"], color=style.color(method), marker=style.marker(method),
                label=style.label(method),
            )  # fmt: skip
        truth = bands(here, "true_capacity").groupby("current")[["low", "mean", "high"]].first()
        spread = np.array([truth["mean"] - truth.low, truth.high - truth["mean"]])
        ax.errorbar(
            truth.index, truth["mean"], yerr=spread, color="black", ls="none", marker="o",
            mfc="white", capsize=3, label="Truth",
        )  # fmt: skip
        ax.set(
            xlabel="current [mA/cm²]",
            ylabel="capacity [mAh/cm²]",
            title=style.SPECIMEN_LABELS[electrode],
        )
        style.legend_below(ax)
    return axes


def worst(table):
    """
    Where each map misses the truth most.

    Returns
    -------
    table : pandas.DataFrame
        Columns ``electrode``, ``method``, ``current`` and ``error`` [%] of the mean capacity; a
        current that a map cannot carry is not counted.
    """
    means = table.groupby(["electrode", "method", "current"], sort=False)[
        ["capacity", "true_capacity"]
    ].mean()
    error = (100 * (means.capacity / means.true_capacity - 1)).dropna()
    at = error.abs().groupby(["electrode", "method"], sort=False).idxmax()
    return pd.DataFrame(
        [dict(zip(("electrode", "method", "current"), place, strict=True)) | {"error": error[place]}
         for place in at]
    )  # fmt: skip
