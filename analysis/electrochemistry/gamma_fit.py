"""Fit of gamma, the one free parameter: bounded scalar search against a voltage curve."""

import warnings
from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode.half_cell import Control, lithiate
from analysis.electrochemistry.porous_electrode.time_integration import StepFailed
from analysis.electrochemistry.target_curve import check_curve, check_range
from analysis.electrochemistry.transport.effective import check_gamma
from analysis.paper import CURRENTS_MA_CM2

__all__ = [
    "FIDELITIES",
    "FIT_CURRENT_MA_CM2",
    "Fidelity",
    "GammaFit",
    "check_curve",
    "check_range",
    "fit_gamma",
    "fit_scan",
    "predict",
    "simulate",
]

FIT_CURRENT_MA_CM2 = 6.0  # the paper's
REACH = 1.5  # a target that ends so much later than all runs has other units or another area
MISFIT_RANGE, MISFIT_POINTS = 1.05, 200  # of the target's last capacity; see fit_gamma


@dataclass(frozen=True)
class Fidelity:
    """Discretization of a simulation, and what solves it."""

    n_electrode: int
    n_separator: int
    control: Control
    backend: str = "banded"


FIDELITIES = {
    "fine": Fidelity(160, 50, Control(voltage_error_V=3e-5, salt_error_mol_m3=0.3)),
    "coarse": Fidelity(50, 18, Control(voltage_error_V=3e-4, salt_error_mol_m3=3.0)),
    # the cells and steps of "coarse", so that a difference is the backend's
    "fipy": Fidelity(50, 18, Control(voltage_error_V=3e-4, salt_error_mol_m3=3.0), "fipy"),
}


@dataclass(frozen=True)
class GammaFit:
    """
    Outcome of :func:`fit_gamma`.

    Parameters
    ----------
    gamma : float
        Best value [-].
    gamma_error : float
        Standard error [-] from the curvature of the misfit and the larger of noise and misfit, all
        points taken as independent and all parameters as known. What gamma is worth when they are
        not: :mod:`analysis.electrochemistry.uncertainty`.
    misfit_V : float
        Rms difference of the voltages at the best value.
    gammas, misfits_V : (K,) ndarray
        Every value tried, increasing, and its misfit: the profile of the misfit.
    at_bound : bool
        Whether the best value lies at an end of the search interval.
    failed : dict of float to str
        Values of gamma at which the model could not run, with the reason.
    """

    gamma: float
    gamma_error: float
    misfit_V: float
    gammas: np.ndarray
    misfits_V: np.ndarray
    at_bound: bool
    failed: dict

    @property
    def tau(self):
        """Tortuosity of the CBD at 50 % inner porosity, 1 / (2 gamma)."""
        return 1 / (2 * self.gamma)


def fit_gamma(
    structure,
    capacity_mAh_cm2,
    voltage_V,
    *,
    current_mA_cm2=FIT_CURRENT_MA_CM2,
    bounds=None,
    noise_V=2e-3,
    n_scan=9,
    materials=DEFAULT,
    fidelity="coarse",
):
    """
    Find the gamma whose lithiation comes closest to a given curve.

    Parameters
    ----------
    structure : Structure
        The electrode; has ``at(gamma)`` and ``gammas``.
    capacity_mAh_cm2, voltage_V : (N,) array
        Target curve.
    current_mA_cm2 : float
        Current of the target.
    bounds : (float, float), optional
        Interval of the search; by default from 0.01 (or the structure's first gamma) to 0.5.
    noise_V : float
        Standard deviation of one measured voltage.
    n_scan : int
        Values tried before the refinement, evenly in log gamma.
    materials : HalfCell
        Material parameters.
    fidelity : {"coarse", "fine", "fipy"}
        Discretization.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If the target is no curve, the bounds are no interval inside (0, 0.5], or the model runs
        at no gamma.

    Notes
    -----
    The misfit is the rms difference on 200 capacities between zero and 1.05 times the target's
    last; a curve that has ended stays at its last voltage. So a curve that ends early is
    penalized by the voltage that it misses, and the misfit is continuous in gamma.
    """
    capacity, target = check_curve(capacity_mAh_cm2, voltage_V)
    check_range(structure, capacity, target, materials)
    low, high = _bounds(structure, bounds)
    at = np.linspace(0, MISFIT_RANGE * capacity[-1], MISFIT_POINTS)
    wanted = np.interp(at, capacity, target)
    cutoff = min(materials.cutoff_V, float(target[-1]))
    tried, curves, failed = {}, {}, {}

    def misfit(log_gamma):
        gamma = float(np.clip(np.exp(log_gamma), low, high))
        if gamma not in tried:
            try:
                run = simulate(
                    structure.at(gamma),
                    current_mA_cm2,
                    materials=materials,
                    fidelity=fidelity,
                    cutoff_V=cutoff,
                )
            except (ValueError, StepFailed) as reason:
                failed[gamma] = str(reason)
                curves[gamma] = np.full(at.size, cutoff)
            else:
                curves[gamma] = np.interp(at, run.capacity_mAh_cm2, run.voltage_V)
            tried[gamma] = float(np.sqrt(np.mean((curves[gamma] - wanted) ** 2)))
        return tried[gamma]

    grid = np.linspace(np.log(low), np.log(high), n_scan)
    scanned = [misfit(log_gamma) for log_gamma in grid]
    if len(failed) == n_scan:
        raise ValueError(
            f"The model runs at no gamma between {low:g} and {high:g}: "
            f"{next(reversed(failed.values()))}"
        )
    _refine(misfit, grid, scanned)
    gamma = min(tried, key=tried.get)
    return _fit(tried, curves, gamma, noise_V, capacity, (low, high), failed)


def fit_scan(runs, capacity_mAh_cm2, voltage_V, *, noise_V=2e-3, reach=REACH):
    """
    Find the gamma that comes closest to a curve, between lithiations run at a few values.

    For models too costly to be run inside a search. Between the values the capacity at the end,
    and the voltage at each share of it, are interpolated in the logarithm of gamma.

    Parameters
    ----------
    runs : dict of float to (capacity_mAh_cm2, voltage_V)
        Curve of the model at two or more values of gamma.
    capacity_mAh_cm2, voltage_V : (N,) array
        Target curve.
    noise_V : float
        Standard deviation of one measured voltage.
    reach : float
        Factor by which the target may end beyond all runs; inf if its units are known to be right.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If the target is no curve or ends far beyond all runs, or there are fewer than two runs, or
        one is no lithiation at a gamma.
    """
    from scipy.interpolate import CubicSpline, PchipInterpolator

    capacity, target = check_curve(capacity_mAh_cm2, voltage_V)
    if len(runs) < 2:
        raise ValueError(f"Runs at {len(runs)} values of gamma; expected at least two.")
    _check_runs(runs, capacity, target, reach)
    nodes = np.array(sorted(runs))
    at = np.linspace(0, MISFIT_RANGE * capacity[-1], MISFIT_POINTS)
    wanted = np.interp(at, capacity, target)
    share = np.linspace(0, 1, 2 * MISFIT_POINTS)
    shapes = [
        np.concatenate([[runs[one][0][-1]], np.interp(share * runs[one][0][-1], *runs[one])])
        for one in nodes
    ]
    make = CubicSpline if nodes.size > 2 else PchipInterpolator
    between = make(np.log(nodes), np.array(shapes))
    tried, curves = {}, {}

    def misfit(log_gamma):
        end, *volts = between(log_gamma)
        gamma = float(np.exp(log_gamma))
        curves[gamma] = np.interp(at, share * end, volts)
        tried[gamma] = float(np.sqrt(np.mean((curves[gamma] - wanted) ** 2)))
        return tried[gamma]

    grid = np.linspace(*np.log(nodes[[0, -1]]), 41)
    _refine(misfit, grid, [misfit(log_gamma) for log_gamma in grid])
    return _fit(tried, curves, min(tried, key=tried.get), noise_V, capacity, nodes[[0, -1]], {})


def _check_runs(runs, capacity, target, reach):
    """The curves of a scan are curves, and the target lies in their range."""
    for gamma, (amount, volts) in runs.items():
        check_gamma(gamma)
        try:
            # the first step that a run keeps lies a little after its start
            check_curve(np.asarray(amount) - amount[0], volts)
        except ValueError as error:
            raise ValueError(f"The run at gamma = {gamma:g}: {error}") from error
    most = max(float(amount[-1]) for amount, _ in runs.values())
    if capacity[-1] > reach * most:
        raise ValueError(
            f"The curve ends at {capacity[-1]:.3g} mAh/cm²; the runs end at {most:.3g} or earlier. "
            "Check units, area and current, or add a run at a larger gamma."
        )
    last = max(float(volts[-1]) for _, volts in runs.values())
    if target[-1] > last + 0.1:
        warnings.warn(
            f"The curve ends at {target[-1]:.2f} V, above the {last:.2f} V at which the runs do: "
            "gamma rests on part of the lithiation.",
            stacklevel=3,
        )


def _refine(misfit, grid, scanned):
    """Search the least misfit between the neighbors of the best value scanned."""
    from scipy.optimize import minimize_scalar

    best = int(np.argmin(scanned))
    bracket = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    minimize_scalar(misfit, bounds=bracket, method="bounded", options={"xatol": 1e-4})


def _fit(tried, curves, gamma, noise_V, capacity, bounds, failed):
    gammas = np.array(sorted(tried))
    low, high = bounds
    return GammaFit(
        gamma=gamma,
        gamma_error=gamma * _log_error(curves, gammas, gamma, tried[gamma], noise_V, capacity),
        misfit_V=tried[gamma],
        gammas=gammas,
        misfits_V=np.array([tried[one] for one in gammas]),
        at_bound=bool(min(gamma / low, high / gamma) < 1.01),
        failed=failed,
    )


def simulate(electrode, current_mA_cm2, *, materials=DEFAULT, fidelity="coarse", cutoff_V=None):
    """One lithiation at a named fidelity; the arguments are those of `half_cell.lithiate`."""
    level = FIDELITIES[fidelity]
    return lithiate(
        electrode,
        current_mA_cm2,
        materials=materials,
        cutoff_V=cutoff_V,
        n_electrode=level.n_electrode,
        n_separator=level.n_separator,
        control=level.control,
        backend=level.backend,
    )


def predict(structure, gamma, currents_mA_cm2=CURRENTS_MA_CM2, **options):
    """
    Lithiations at other currents with a gamma fitted at one of them.

    Parameters
    ----------
    structure : Structure
        The electrode.
    gamma : float
        Effective transport parameter of the CBD [-].
    currents_mA_cm2 : sequence of float
        Currents.
    **options
        Passed to :func:`simulate`.

    Returns
    -------
    runs : dict of float to Lithiation
    failed : dict of float to str
        Reason for every current that gave no curve.
    """
    electrode = structure.at(gamma)
    runs, failed = {}, {}
    for current in currents_mA_cm2:
        try:
            runs[float(current)] = simulate(electrode, current, **options)
        except (ValueError, StepFailed) as reason:
            failed[float(current)] = str(reason)
    return runs, failed


def _bounds(structure, bounds):
    if bounds is None:
        gammas = np.asarray(structure.gammas)
        low, high = (max(0.01, gammas[0]), gammas[-1]) if gammas.size > 1 else (0.01, 0.5)
    else:
        low, high = (check_gamma(value) for value in bounds)
    if not low < high:
        raise ValueError(f"The bounds of gamma are {low:g} and {high:g}; expected low < high.")
    return low, high


def _log_error(curves, gammas, gamma, misfit_V, noise_V, capacity):
    """Standard error of log gamma from the response of the curve to it."""
    k = int(np.searchsorted(gammas, gamma))
    far = 0.02  # relative change over which the slope is taken
    below = [g for g in gammas[:k] if g < gamma * (1 - far)] or list(gammas[:k])
    above = [g for g in gammas[k + 1 :] if g > gamma * (1 + far)] or list(gammas[k + 1 :])
    left, right = (below[-1] if below else gamma), (above[0] if above else gamma)
    if left == right:
        return float("nan")
    slope = (curves[right] - curves[left]) / np.log(right / left)
    information = capacity.size * np.mean(slope**2)
    return float(max(noise_V, misfit_V) / np.sqrt(information)) if information > 0 else np.inf
