"""The known-answer experiment: gamma fitted for every trinarization (Table 3, Figure 11)."""

import numpy as np
import pandas as pd

from analysis import paper, profiles, storage
from analysis.electrochemistry import gamma_fit as calibration
from analysis.figures import style
from analysis.simulation import campaign, cases
from analysis.simulation import run as simulations
from analysis.study.finding import STAND_INS, Bound, check

OTHER = "mean error at the other currents [%]"


def run(profile, *, workers=None, progress=print):
    """
    Run the campaign and gather its fits.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    workers : int, optional
        Local processes.
    progress : callable
        Receives the progress, line by line.

    Returns
    -------
    table : pandas.DataFrame
        One row per specimen, cutout and method: gamma, its error and tau; transport; misfit
        [mV]; relative error [%] of the capacity at every current. Failed cases carry a note.
    """
    fits, summary = campaign.run_fits(profile, workers=workers, progress=progress)
    reasons = {str(case): reason for case, reason in summary.failed.items()}
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
                for current in profile.currents_mA_cm2
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


def findings(summary):
    """
    The paper's findings on its Table 3, checked on our fits.

    Parameters
    ----------
    summary : pandas.DataFrame
        From :func:`beside_the_paper`.

    Returns
    -------
    findings : list of Finding
    """
    tau = summary.set_index(["specimen", "method"]).tau
    found = []
    for specimen in profiles.ELECTRODES:
        mine = tau[specimen].drop("truth", errors="ignore") if specimen in tau else tau.iloc[:0]
        found += [_smallest_tau(specimen, mine), _largest_tau(specimen, mine)]
    return [*found, _larger_for_sl(tau)]


def vouches(summary, capacity=5.0, gamma=20.0):
    """
    Does a fit vouch for the map? Electrode by electrode, in words.

    Parameters
    ----------
    summary : pandas.DataFrame
        From :func:`beside_the_paper`.
    capacity : float
        Largest error of the capacity at the fitted current that counts as a fit [%].
    gamma : float
        Largest bias of gamma that counts as right [%].

    Returns
    -------
    text : str
        How many maps on each electrode are fitted with a wrong gamma, and between which values
        the biases lie.
    """
    maps = summary[summary.method != "truth"]
    sentences, hidden_total = [], 0
    for specimen, rows in maps.groupby("specimen", sort=False):
        fits = rows[rows.error_fit < capacity]
        hidden = int((fits.bias.abs() > gamma).sum())
        hidden_total += hidden
        sentences.append(
            f"on {specimen} {hidden} of the {len(fits)} maps that meet the capacity at the fitted "
            f"current within {capacity:g} % have a gamma that is off by more than {gamma:g} % "
            f"(biases {rows.bias.min():+.0f} to {rows.bias.max():+.0f} %)"
        )
    if not len(maps):
        return "No map was fitted in this run, so nothing can be said"
    answer = "Not always: " if hidden_total else "In this run it does: "
    return answer + "; ".join(sentences)


def given_away(summary, gamma=20.0):
    """
    Whether the capacity at currents that were not fitted gives a wrong map away, in words.

    Parameters
    ----------
    summary : pandas.DataFrame
        From :func:`beside_the_paper`.
    gamma : float
        Largest bias of gamma that counts as right [%].

    Returns
    -------
    text : str
    """
    maps = summary[summary.method != "truth"].reset_index(drop=True)
    wrong = maps.bias.abs() > gamma
    if not wrong.any() or wrong.all():
        which = "every" if wrong.all() else "no"
        return f"In this run {which} map has a wrong gamma: the other currents have nothing to tell"
    missed = maps[wrong].loc[maps[wrong].error_other.idxmin()]
    fine = maps[~wrong].loc[maps[~wrong].error_other.idxmax()]
    bad = f"{style.label(missed.method)} on {missed.specimen}, whose gamma is off by "
    bad += f"{missed.bias:+.0f} %, predicts the other currents within {missed.error_other:.1f} %"
    good = f"{style.label(fine.method)} on {fine.specimen} with a bias of {fine.bias:+.0f} % "
    good += f"misses them by {fine.error_other:.1f} %"
    if missed.error_other > fine.error_other:
        return (
            "Errors at the other currents give every wrong map of this run away: the least that "
            f"one with a wrong gamma shows is {missed.error_other:.1f} % ({bad}), the most that "
            f"one with a right gamma shows {fine.error_other:.1f} %"
        )
    return f"Errors at the other currents do not tell right from wrong maps: {bad}, while {good}"


def _smallest_tau(specimen, tau):
    def measure():
        others = tau.drop("edx-closing")
        text = f"{tau['edx-closing']:.3f}, least of the others {_named(others, others.idxmin())}"
        return text, Bound(float(tau["edx-closing"]), float(others.min()))

    needed = ("edx-closing",) if len(tau) > 1 else ("edx-closing", "another method")
    statement = f"EDX-Closing has the smallest tau ({specimen})."
    return check(list(tau.index), needed, statement, "tau of the fitted gamma", measure, STAND_INS)


def _largest_tau(specimen, tau):
    gray = ["kmeans", "thresholding"]

    def measure():
        two, others = tau[gray], tau.drop(gray)
        text = f"the smaller of the two {_named(two, two.idxmin())}, "
        text += f"largest of the others {_named(others, others.idxmax())}"
        return text, Bound(float(two.min()), float(others.max()), above=True)

    needed = gray if len(tau) > len(gray) else [*gray, "another method"]
    statement = f"k-means and Thresholding have the largest tau ({specimen})."
    return check(list(tau.index), needed, statement, "tau of the fitted gamma", measure, STAND_INS)


def _larger_for_sl(tau):
    both = [method for method in tau.get("SL", {}).keys() if ("TL", method) in tau.index]
    both = [method for method in both if method != "truth"]

    def measure():
        ratio = pd.Series({method: tau["SL", method] / tau["TL", method] for method in both})
        text = f"{int((ratio > 1).sum())} of {len(both)} methods; "
        text += f"least ratio {_named(ratio, ratio.idxmin())}"
        return text, Bound(float(ratio.min()), 1.0, above=True)

    needed = () if both else ("a method fitted on both",)
    statement = "tau is larger for SL than for TL."
    test = "tau of SL over tau of TL above 1 for every method"
    return check(both, needed, statement, test, measure, STAND_INS)


def _named(values, method):
    return f"{values[method]:.3f} ({style.label(method)})"


def curves(profile, specimen, method, cutout=1):
    """
    Fitted and measured voltage curves of one case, Figure 11 b and c.

    Returns
    -------
    fitted, measured : dict of float to (capacity, voltage)
        Keyed by current [mA/cm²].
    gamma : float
    """
    case = cases.Case("fit", specimen, cutout, method, profile.gamma_true, profile.fit_current)
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
    case = cases.Case("fit", specimen, cutout, method, profile.gamma_true, profile.fit_current)
    data = cases.load(case, profile)
    return data.tried.values, 1e3 * data.misfit_profile_V.values


def fitted_methods(table, specimen):
    """Methods with a fit for this specimen's first cutout, in the order of the table."""
    rows = table[(table.specimen == specimen) & (table.cutout == 1) & (table.note == "")]
    return list(rows.method)
