"""Gamma from two or three resolved runs, with the homogenized model as control variate.

A resolved run costs minutes, one of the homogenized model a twentieth of a second, and both feel
gamma in nearly the same way. So the homogenized model is run at many gammas, and only the
*difference* of the two models, which hardly depends on gamma, is interpolated between the few at
which the voxels were lithiated. What is fitted is homogenized model plus difference: at the
resolved runs themselves exactly the resolved curve. Before, one radius of its particles and one
factor on its transport bring the homogenized model closer to the runs that there are.

The runs are chosen one after the other. The first is the one of the comparison at the true gamma;
with it the fit says where gamma will be, there the next run is made, and so on until the fit moves
by so little that the difference of the models cannot matter: two or three runs a map, and a gamma
within 2 % of a fit to a dozen (``benchmarks/results/control-variate.txt``; a test holds these words
to it). What makes such a fit wrong is to lithiate far from its gamma: with runs at two ends of the
search it was 3 to 6 % off.

It stands here and not beside ``gamma_fit``, for the two models meet here only.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from analysis.electrochemistry import gamma_fit
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode.time_integration import StepFailed
from analysis.simulation.cases import MOST_RUNS

MEASURED = Path(__file__).resolve().parents[2] / "benchmarks/results/control-variate.json"
BOUNDS = 0.02, 0.5  # of the search, if a profile names no others
VALUES = 25  # of gamma at which the corrected curve is made, beside those of the resolved runs
SHARES = 200  # of the capacity at the end, at which voltages are compared
FACTORS = 0.25, 2.5  # between which radius and transport of the homogenized model are changed
END_V = 1.0  # a last capacity that is off by a factor e weighs like so many volts all along
PRIOR_V = 0.3  # so does a factor e on radius or transport: few runs do not tell them well
BEYOND = 0.3  # in log gamma; farther from the resolved runs the difference stays as it is there
# How far, in log gamma, a fit may lie from the nearest run: the models' slopes in log gamma differ
# by a fifth, and by a twentieth after a line through two runs, so either is about 1 % of gamma.
NEAR_FIRST, NEAR = 0.05, 0.2
STEP = 1.05  # runs lie on powers of it from the first one, so that a resumed fit finds its runs
RIVAL = 1.2  # another least misfit that is larger by no more than this factor is looked into


def corrected_curves(
    runs, structure, current_mA_cm2, *, materials=DEFAULT, bounds=None, values=VALUES
):
    """
    Curves at many values of gamma, from resolved ones at a few and the homogenized model.

    Parameters
    ----------
    runs : dict of float to (capacity_mAh_cm2, voltage_V)
        Resolved curves, keyed by gamma; one or more.
    structure : Structure
        The same voxels, homogenized.
    current_mA_cm2 : float
        Current of the runs.
    materials : HalfCell
        Material parameters of the runs, with their cut-off.
    bounds : (float, float), optional
        Least and largest gamma; widened to hold those of `runs`. By default :data:`BOUNDS`.
    values : int
        Values of gamma, evenly in its logarithm between the bounds. More of them cost little and
        change next to nothing.

    Returns
    -------
    curves : dict of float to (capacity_mAh_cm2, voltage_V)
        Those of `runs` as they are, and corrected ones elsewhere. Values at which the homogenized
        model does not run are left out.

    Raises
    ------
    ValueError
        If there is no run, or the homogenized model cannot carry the current at the gamma of one.

    Notes
    -----
    At each share of its last capacity a curve has a voltage. The difference of these voltages, and
    the logarithm of the ratio of the last capacities, are interpolated in log gamma: one run gives
    a constant, two a line, three a parabola, more a cubic spline.
    """
    if not runs:
        raise ValueError("Runs at no value of gamma; expected at least one.")
    nodes = np.array(sorted(runs))
    wanted = np.array([_shape(runs[gamma]) for gamma in nodes])
    cheap = _Homogenized(structure, current_mA_cm2, materials)
    try:
        model = brought_close(cheap, nodes, wanted)
        found = np.array([cheap.shape(gamma, model) for gamma in nodes])
    except (ValueError, StepFailed) as error:
        raise ValueError(
            "The homogenized model does not run at every gamma at which the voxels were lithiated "
            f"({', '.join(f'{gamma:g}' for gamma in nodes)}), so it is no control variate there: "
            f"{error} Take other values of gamma (resolved_gammas of the profile), or fit without "
            "it (resolved_control_variate)."
        ) from error
    difference = _difference(np.log(nodes), wanted - found)
    share = np.linspace(0, 1, SHARES)
    curves = {float(gamma): runs[gamma] for gamma in nodes}
    low, high = bounds or BOUNDS
    for gamma in np.geomspace(min(low, nodes[0]), max(high, nodes[-1]), values):
        if np.min(np.abs(np.log(nodes / gamma))) < 0.02:
            continue  # a resolved run lies there
        try:
            log_end, *volts = cheap.shape(gamma, model) + difference(np.log(gamma))
        except (ValueError, StepFailed):
            continue  # the others are enough; fit_scan interpolates between them
        curves[float(gamma)] = share * np.exp(log_end), np.array(volts)
    return curves


def _difference(at, differences):
    """The difference of the models as a function of log gamma."""
    from scipy.interpolate import CubicSpline

    if at.size == 1:
        return lambda x: differences[0]
    make = CubicSpline(at, differences)  # a line through two, a parabola through three
    return lambda x: make(np.clip(x, at[0] - BEYOND, at[-1] + BEYOND))


def brought_close(cheap, nodes, wanted):
    """
    Logarithms of the factors on radius and transport with which the cheap model comes closest.

    If it does not run with some factors, such as on the way to a transport that is too small, they
    count as far away; if it does not run as it is, that is an error.
    """
    from scipy.optimize import least_squares

    weights = np.full(wanted.shape[1], 1 / np.sqrt(wanted.shape[1] - 1))
    weights[0] = END_V
    as_it_is = [cheap.shape(gamma, (0.0, 0.0)) for gamma in nodes]

    def miss(logs):
        try:
            found = [cheap.shape(gamma, logs) for gamma in nodes]
        except (ValueError, StepFailed):
            found = [shape + 1.0 for shape in as_it_is]
        off = ((np.array(found) - wanted) * weights).ravel()
        return np.concatenate([off, PRIOR_V * np.asarray(logs)])

    low, high = np.log(FACTORS)
    fit = least_squares(miss, (0.0, 0.0), bounds=(low, high), diff_step=0.02, xtol=1e-3, ftol=1e-4)
    return tuple(fit.x)


def fit(
    runs,
    structure,
    capacity_mAh_cm2,
    voltage_V,
    *,
    current_mA_cm2,
    noise_V,
    materials,
    bounds=None,
):
    """
    Find the gamma that comes closest to a curve, from resolved runs at a few values of it.

    Parameters
    ----------
    runs, structure, current_mA_cm2, materials, bounds
        As for :func:`corrected_curves`.
    capacity_mAh_cm2, voltage_V : (N,) array
        Target curve.
    noise_V : float
        Standard deviation of one measured voltage.

    Returns
    -------
    GammaFit
        As of :func:`analysis.electrochemistry.gamma_fit.fit_scan`, which this calls. Whether a run
        lies near enough for it to count says :func:`next_gamma`.

    Raises
    ------
    ValueError
        As for :func:`corrected_curves`, or if the target is no curve.
    """
    curves = corrected_curves(runs, structure, current_mA_cm2, materials=materials, bounds=bounds)
    # a target out of reach is no wrong unit here, but a gamma beyond the bounds
    return gamma_fit.fit_scan(
        curves, capacity_mAh_cm2, voltage_V, noise_V=noise_V, reach=float("inf")
    )


def next_gamma(found, runs):
    """
    Gamma of the resolved run that a fit still needs.

    Parameters
    ----------
    found : GammaFit
        Of :func:`fit`.
    runs : sequence of float
        Values of gamma at which the voxels were lithiated, the first one first.

    Returns
    -------
    gamma : float or None
        None if a run lies near the least misfit, and near each other minimum that rivals it, or if
        there are ``cases.MOST_RUNS`` of them.
    """
    runs = list(runs)
    near = NEAR if len(runs) > 1 else NEAR_FIRST
    if len(runs) >= MOST_RUNS:
        return None
    for gamma in minima(found):
        if np.min(np.abs(np.log(np.array(runs) / gamma))) <= near:
            continue
        steps = round(np.log(gamma / runs[0]) / np.log(STEP))
        wanted = np.clip(runs[0] * STEP**steps, found.gammas[0], found.gammas[-1])
        return float(f"{wanted:.4g}")
    return None


def minima(found):
    """
    Values of gamma with a least misfit that rivals the best, the best first.

    Parameters
    ----------
    found : GammaFit

    Returns
    -------
    gammas : list of float
        One, unless the misfit has several minima within a factor of :data:`RIVAL`.
    """
    misfits = found.misfits_V
    padded = np.concatenate([[np.inf], misfits, [np.inf]])
    least = (misfits < padded[:-2]) & (misfits <= padded[2:])
    rivals = least & (misfits <= RIVAL * found.misfit_V)
    order = np.argsort(misfits[rivals], kind="stable")
    others = [float(gamma) for gamma in found.gammas[rivals][order]]
    return [found.gamma, *(gamma for gamma in others if abs(np.log(gamma / found.gamma)) > 0.02)]


def measured():
    """
    What such a gamma takes and how far it is off, measured on corners of cutouts.

    Returns
    -------
    found : dict
        ``runs_per_map``, resolved runs of a map on average, the first of them at the true gamma;
        ``fit_cpu_s`` and ``peak_MB`` of the fits themselves; ``largest_difference_percent`` from a
        fit to a dozen resolved runs; ``maps`` and ``places`` on which this rests. Numbers are NaN,
        and there are no maps, if nothing was measured.
    """
    if MEASURED.exists():
        return json.loads(MEASURED.read_text(encoding="utf-8"))
    names = "runs_per_map", "fit_cpu_s", "peak_MB", "largest_difference_percent"
    return dict.fromkeys(names, float("nan")) | {"maps": 0, "places": []}


class _Homogenized:
    """The homogenized model of one volume, with another radius and another transport."""

    def __init__(self, structure, current_mA_cm2, materials):
        self.structure, self.current, self.materials = structure, current_mA_cm2, materials

    def shape(self, gamma, logs):
        """Logarithm of the last capacity and the voltages, at the logarithms of two factors."""
        radius, transport = np.exp(logs)
        depth = self.structure.at(float(gamma))
        depth = replace(
            depth, radius_m=radius * depth.radius_m, transport=transport * depth.transport
        )
        run = gamma_fit.simulate(depth, self.current, materials=self.materials)
        return _shape((run.capacity_mAh_cm2, run.voltage_V))


def _shape(curve):
    """Logarithm of the last capacity, then the voltage at every share of it."""
    capacity, voltage = curve
    share = np.linspace(0, 1, SHARES)
    volts = np.interp(share * capacity[-1], capacity, voltage)
    return np.concatenate([[np.log(capacity[-1])], volts])
