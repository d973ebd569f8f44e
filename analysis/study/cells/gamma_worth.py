"""Chapter on gamma: what the fitted value is worth when the other parameters are doubtful."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from analysis import storage
from analysis.electrochemistry.uncertainty import emulator as emulators
from analysis.electrochemistry.uncertainty import uncertain
from analysis.electrochemistry.uncertainty.experiments import (
    BlockingSpectrum,
    LithiationCurve,
    Relaxation,
    joint_covariance,
)
from analysis.electrochemistry.uncertainty.interval import (
    gamma_interval,
    gamma_of_fit,
    profile_likelihood,
)
from analysis.simulation import cases
from analysis.simulation import run as simulations

NAMES = {  # of the doubtful parameters, in a sentence
    "D_e": "the diffusivity of the salt",
    "κ_e": "the conductivity of the electrolyte",
    "t₊": "the transference number",
    "D_s": "the diffusivity of lithium in the particles",
    "L_sep": "the thickness of the separator",
    "i_ref": "the exchange current of the particles",
    "c_max": "the largest concentration of lithium",
    "i_Li": "the exchange current of the lithium",
}
SPECIMEN = "TL"
LEVEL = 0.9
EXTRA = (LithiationCurve(1.0), LithiationCurve(3.0), LithiationCurve(10.0))
EXTRA = (*EXTRA, Relaxation(), BlockingSpectrum())


@dataclass(frozen=True)
class Profiles:
    """
    Misfit of a fit with the default parameters, and profile likelihood, of one experiment.

    Attributes
    ----------
    gammas, distance : (G,) ndarray
        Gammas [-], and half the squared distance of the best parameters above its least.
    fitted_gammas, fitted : (K,) ndarray
        Gammas that the fit tried, and half its squared distance above its least if all points were
        independent.
    """

    gammas: np.ndarray
    distance: np.ndarray
    fitted_gammas: np.ndarray
    fitted: np.ndarray


def ranges():
    """Table of the doubtful parameters: symbol, unit, default, range and where it comes from."""
    return pd.DataFrame(
        {
            "symbol": one.symbol,
            "unit": one.unit,
            "default": one.default,
            "low": one.low,
            "high": one.high,
            "source": one.source,
        }
        for one in uncertain.UNCERTAIN
    )


def sensitivity(profile):
    """
    How much each doubtful parameter moves the capacity, and the gamma of a fit without it.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    table : pandas.DataFrame
        Per parameter: gamma that the fit with default parameters gives if this one alone is at the
        low and at the high end of its range [-]; its share [%] of the variance of the logarithms
        of the capacity and of the fitted gamma, company included (total index of Sobol).
    """
    experiment = LithiationCurve(profile.fit_current)
    made = _of_fit(profile, cases.TRUTH, SPECIMEN)
    gamma, usual, seed = profile.gamma_true, uncertain.usual(), profile.seed_for("worth")
    names = [one.symbol for one in uncertain.UNCERTAIN]

    def fitted(z):
        return np.log(gamma_of_fit(made, gamma, z, experiment.covariance, usual))

    def capacity(z):
        return made.predict(gamma, z)[:, 0]

    of_gamma = emulators.sensitivities(fitted, names, seed=seed)[1]
    of_capacity = emulators.sensitivities(capacity, names, seed=seed)[1]
    rows = []
    for k, name in enumerate(names):
        ends = np.tile(usual, (2, 1))
        ends[:, k] = -1, 1
        low, high = np.exp(fitted(ends))
        rows.append(
            {
                "symbol": name,
                "at_low": low,
                "at_high": high,
                "capacity": 100 * max(of_capacity[name], 0.0),
                "gamma": 100 * max(of_gamma[name], 0.0),
            }
        )
    table = pd.DataFrame(rows)
    storage.save_table("gamma_sensitivity", table, profile=profile)
    return table


def intervals(profile):
    """
    The interval of gamma for the truth and two maps, beside the fit with default parameters.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, method, fitted (with default parameters), printed (its standard error from
        independent noise), gamma (median), low, high, factor (high over low), at_bound, holds
        (whether the true gamma is inside).
    """
    rows = []
    experiment = LithiationCurve(profile.fit_current)
    for specimen in profile.fipy_specimens:
        for method in (cases.TRUTH, *profile.fipy_maps):
            fit = _fit(profile, specimen, method)
            if not cases.is_finished(fit, profile):
                continue
            found = cases.load(fit, profile)
            numbers = _observed(profile, specimen, experiment)
            one = gamma_interval(
                _of_fit(profile, method, specimen),
                numbers,
                experiment.covariance,
                seed=profile.seed_for("worth", specimen, method),
                level=LEVEL,
            )
            rows.append(
                {
                    "specimen": specimen,
                    "method": method,
                    "fitted": float(found.fitted_gamma),
                    "printed": float(found.gamma_error),
                    "gamma": one.gamma,
                    "low": one.low,
                    "high": one.high,
                    "factor": one.factor,
                    "at_bound": one.at_bound,
                    "holds": one.low <= profile.gamma_true <= one.high,
                }
            )
    table = pd.DataFrame(rows)
    storage.save_table("gamma_interval", table, profile=profile)
    return table


def profiles_of(profile):
    """The two profiles over gamma of the truth of TL; returns :class:`Profiles`."""
    experiment = LithiationCurve(profile.fit_current)
    made = _of_fit(profile, cases.TRUTH, SPECIMEN)
    numbers, covariance = _observed(profile, SPECIMEN, experiment), experiment.covariance
    found = gamma_interval(made, numbers, covariance, seed=profile.seed_for("worth"))
    gammas, distance = profile_likelihood(made, numbers, covariance, found)
    fit = cases.load(_fit(profile, SPECIMEN, cases.TRUTH), profile)
    misfit = fit.misfit_profile_V.values
    noise = max(profile.noise_V, misfit.min())
    fitted = 0.5 * 300 * (misfit**2 - misfit.min() ** 2) / noise**2
    return Profiles(gammas, distance - distance.min(), fit.tried.values, fitted)


def designs(profile):
    """
    How much narrower the interval gets with one more experiment on the same cell.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    table : pandas.DataFrame
        Columns experiment, low, high, factor (high over low); the lithiation of the fit alone
        first, then with each other experiment, narrowest first.
    """
    battery = _battery(profile)
    made = _emulator(profile, cases.TRUTH, SPECIMEN, battery)
    structure = _structure(profile, SPECIMEN, cases.TRUTH)
    numbers = [one.simulate(structure, profile.gamma_true) for one in battery]
    ends = np.cumsum([0, *(part.size for part in numbers)])
    places = [np.arange(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True)]
    rows = []
    for k, extra in enumerate(battery):
        chosen = [0] if k == 0 else [0, k]
        at = np.concatenate([places[one] for one in chosen])
        one = gamma_interval(
            made.of(at),
            np.concatenate([numbers[one] for one in chosen]),
            joint_covariance([battery[one] for one in chosen]),
            seed=profile.seed_for("worth"),
            level=LEVEL,
        )
        name = f"{battery[0]} alone" if k == 0 else f"and {extra}"
        rows.append({"experiment": name, "low": one.low, "high": one.high, "factor": one.factor})
    first, *others = rows
    table = pd.DataFrame([first, *sorted(others, key=lambda row: row["factor"])])
    storage.save_table("gamma_designs", table, profile=profile)
    return table


def worth_text(table):
    """
    How far the interval is from the printed error, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`intervals`.
    """
    half = np.log(table.factor) / 2 / 1.645  # standard error of ln gamma
    ratio = float(np.median(half / (table.printed / table.fitted)))
    if ratio < 1.5:
        return "The error that a fit prints is about what gamma is known to"
    return (
        f"The error that a fit prints, from independent noise, is {ratio:.0f} times too small "
        "(median of the rows)"
    )


def design_text(table):
    """
    Which further experiment narrows the interval most, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`designs`.
    """
    alone, best = table.iloc[0], table.iloc[1:].loc[table.iloc[1:].factor.idxmin()]
    if best.factor > 0.95 * alone.factor:
        return "None of the further experiments narrows the interval noticeably"
    return (
        f"Of the further experiments the {best.experiment.removeprefix('and ')} narrows it most: "
        f"from a factor of {alone.factor:.1f} between its ends to {best.factor:.1f}"
    )


def _fit(profile, specimen, method):
    return cases.Case("fit", specimen, 1, method, profile.gamma_true, profile.fit_current)


def _structure(profile, specimen, method):
    return simulations.structure_of(cases.Case("structure", specimen, 1, method), profile)


def _observed(profile, specimen, experiment):
    """Numbers of the virtual experiment that all maps are fitted to, with its noise."""
    (truth,) = [
        one
        for one in cases.measurements(profile, specimen, 1)
        if one.current_mA_cm2 == experiment.current_mA_cm2
    ]
    fit = _fit(profile, specimen, cases.TRUTH)
    return experiment.reduce(*simulations.noisy(cases.load(truth, profile), fit, profile))


def _battery(profile):
    """The lithiation of the fit, then the other experiments on the same cell."""
    base = LithiationCurve(profile.fit_current)
    return (base, *(one for one in EXTRA if one != base))


def _of_fit(profile, method, specimen):
    """Emulator of the lithiation of the fit; its runs are among those of the battery."""
    battery = _battery(profile)
    if (method, specimen) != (cases.TRUTH, SPECIMEN):
        return _emulator(profile, method, specimen, battery[:1])
    whole = _emulator(profile, method, specimen, battery)
    return whole.of(np.arange(len(battery[0].covariance)))


@lru_cache(maxsize=32)
def _emulator(profile, method, specimen, experiments):
    return emulators.of_model(
        _structure(profile, specimen, method),
        experiments,
        number=profile.worth_points,
        seed=profile.seed_for("emulator"),
    )
