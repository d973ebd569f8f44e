"""The known-answer experiment: gamma fitted for every trinarization (Table 3, Figure 11)."""

import numpy as np
import pandas as pd

from analysis import paper, profiles, storage
from analysis.electrochemistry import gamma_fit as calibration
from analysis.figures import style
from analysis.simulation import campaign, cases
from analysis.simulation import run as simulations

OTHER = "mean error at the other currents [%]"


def run(profile, *, workers=None, say=print):
    """
    Run the campaign and gather its fits.

    Parameters
    ----------
    profile : str
        Name of the profile.
    workers : int, optional
        Local processes.
    say : callable
        Receives the progress, line by line.

    Returns
    -------
    table : pandas.DataFrame
        One row per specimen, cutout and method: gamma, its error and tau; transport; misfit
        [mV]; relative error [%] of the capacity at every current. Failed cases carry a note.
    """
    fits, summary = campaign.run_fits(profile, workers=workers, say=say)
    reasons = {str(case): reason for case, reason in summary.failed.items()}
    settings = profiles.get(profile)
    rows = []
    for case in fits:
        row = {"specimen": case.specimen, "cutout": case.cutout, "method": case.method}
        if cases.is_finished(case, profile):
            data = cases.load(case, profile)
            error = 100 * (data.capacity_mAh_cm2 / data.true_capacity_mAh_cm2 - 1)
            row |= {
                "gamma": float(data.fitted_gamma),
                "gamma_error": float(data.gamma_error),
                "tau": 1 / (2 * float(data.fitted_gamma)),
                "transport": float(data.transport),
                "misfit_mV": 1e3 * float(data.misfit_V),
                "at_bound": bool(data.at_bound),
            }
            row |= {
                f"error_{current:g}": float(error.sel(current=current))
                for current in settings.currents_mA_cm2
            }
            row["note"] = ""
        else:
            row["note"] = reasons.get(str(case), "not run")
        rows.append(row)
    table = pd.DataFrame(rows)
    storage.save_table("gamma", table, profile=profile)
    return table


def beside_the_paper(table, gamma_true):
    """
    Table 3: gamma and tau of ours (mean of the cutouts) and of the paper.

    Returns
    -------
    summary : pandas.DataFrame
        Columns specimen, method, gamma, spread, tau, bias [%], paper_gamma, paper_tau, the mean
        absolute error of the capacity at the fitted current and at the others [%].
    """
    printed = paper.table(3).set_index(["specimen", "method"])
    rows = []
    fitted = table.dropna(subset=["gamma"]) if "gamma" in table else table.iloc[:0]
    for (specimen, method), group in fitted.groupby(["specimen", "method"], sort=False):
        errors = group.filter(regex="^error_").abs()
        gamma = float(group.gamma.mean())
        known = (specimen, method) in printed.index
        rows.append(
            {
                "specimen": specimen,
                "method": method,
                "gamma": gamma,
                "spread": float(group.gamma.max() - group.gamma.min()),
                "tau": 1 / (2 * gamma),
                "bias": 100 * (gamma / gamma_true - 1),
                "paper_gamma": printed.gamma[specimen, method] if known else np.nan,
                "paper_tau": printed.tau[specimen, method] if known else np.nan,
                "error_fit": float(errors.get("error_6", pd.Series(dtype=float)).mean()),
                "error_other": float(errors.drop(columns="error_6", errors="ignore").mean().mean()),
                "at_bound": bool(group.at_bound.any()),
            }
        )
    return pd.DataFrame(rows)


def orders(summary):
    """
    The paper's findings on Table 3, checked on our fits.

    Returns
    -------
    table : pandas.DataFrame
        Columns finding, specimen, ours, verdict.
    """
    tau = summary.set_index(["specimen", "method"]).tau
    rows = []

    def add(finding, specimen, ours, statement):
        verdict = paper.holds(statement) if statement is not None else "no value"
        rows.append({"finding": finding, "specimen": specimen, "ours": ours, "verdict": verdict})

    for specimen in profiles.ELECTRODES:
        mine = tau[specimen].drop("truth", errors="ignore") if specimen in tau else tau.iloc[:0]
        smallest = mine.idxmin() if len(mine) else "none"
        add(
            "EDX-Closing has the smallest tau",
            specimen,
            f"smallest: {style.label(smallest)}",
            smallest == "edx-closing" if "edx-closing" in mine and len(mine) > 1 else None,
        )
        gray = [method for method in ("kmeans", "thresholding") if method in mine]
        others = mine.drop(gray)
        add(
            "k-means and Thresholding have the largest tau",
            specimen,
            f"largest: {style.label(mine.idxmax())}" if len(mine) else "none",
            bool(mine[gray].min() >= others.max()) if gray and len(others) else None,
        )
    both = [method for method in tau.get("SL", {}).keys() if ("TL", method) in tau.index]
    both = [method for method in both if method != "truth"]
    above = [method for method in both if tau["SL", method] > tau["TL", method]]
    add(
        "tau is larger for SL than for TL",
        "both",
        f"{len(above)} of {len(both)} methods",
        len(above) == len(both) if both else None,
    )
    return pd.DataFrame(rows)


def curves(profile, specimen, method, cutout=1):
    """
    Fitted and measured voltage curves of one case, Figure 11 b and c.

    Returns
    -------
    fitted, measured : dict of float to (capacity, voltage)
        Keyed by current [mA/cm²].
    gamma : float
    """
    settings = profiles.get(profile)
    case = cases.Case("fit", specimen, cutout, method, settings.gamma_true, settings.fit_current)
    data = cases.load(case, profile)
    fitted = {}
    for current in data.current.values:
        pair = data.predicted.sel(current=current)
        fitted[float(current)] = (
            pair.sel(axis="capacity").values,
            pair.sel(axis="voltage").values,
        )
    measured = {}
    for one in cases.measurements(profile, specimen, cutout):
        truth = cases.load(one, profile)
        even = np.linspace(0, float(truth.capacity_mAh_cm2[-1]), 100)
        voltage = np.interp(even, truth.capacity_mAh_cm2.values, truth.voltage_V.values)
        measured[one.current_mA_cm2] = (even, voltage)
    return fitted, measured, float(data.fitted_gamma)


def gamma_sweep(profile, specimen, method, cutout=1, gammas=None, current_mA_cm2=6.0):
    """Voltage curves of one volume for several gammas, Figure 11 a."""
    case = cases.Case("structure", specimen, cutout, method)
    structure = simulations.structure_of(case, profile)
    gammas = gammas or sorted(set(paper.table(3).gamma))
    found = {}
    for gamma in gammas:
        runs, _ = calibration.predict(structure, gamma, (current_mA_cm2,))
        for one in runs.values():
            found[float(gamma)] = (one.capacity_mAh_cm2, one.voltage_V)
    return found


def misfit_profile(profile, specimen, method, cutout=1):
    """Gammas tried by one fit and the misfit [mV] at each."""
    settings = profiles.get(profile)
    case = cases.Case("fit", specimen, cutout, method, settings.gamma_true, settings.fit_current)
    data = cases.load(case, profile)
    return data.tried.values, 1e3 * data.misfit_profile_V.values


def fitted_methods(table, specimen):
    """Methods with a fit for this specimen's first cutout, in the order of the table."""
    rows = table[(table.specimen == specimen) & (table.cutout == 1) & (table.note == "")]
    return list(rows.method)
