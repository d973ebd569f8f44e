"""Gamma from two or three resolved runs, with the homogenized model as control variate.

A resolved run costs minutes, one of the homogenized model a twentieth of a second, and both feel
gamma in nearly the same way. So the homogenized model is first brought close to the resolved runs
that there are, by one radius of its particles and one factor on its transport for all of them.
Then it is run at many gammas, and only the *difference* of the two models, which hardly depends on
gamma any more, is interpolated between the few at which the voxels were lithiated. What is fitted
is homogenized model plus difference: at the resolved runs themselves exactly the resolved curve.

It stands here and not beside ``gamma_fit``, for the two models meet here only.
"""

from dataclasses import replace

import numpy as np

from analysis.electrochemistry import gamma_fit
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode.time_integration import StepFailed

VALUES = 17  # of gamma at which the corrected curve is made, beside those of the resolved runs
SHARES = 200  # of the capacity at the end, at which voltages are compared
FACTORS = 0.25, 2.5  # between which radius and transport of the homogenized model are changed
END_V = 1.0  # a last capacity that is off by a factor e weighs like so many volts all along


def corrected_curves(runs, structure, current_mA_cm2, *, materials=DEFAULT, values=VALUES):
    """
    Curves at many values of gamma, from resolved ones at a few and the homogenized model.

    Parameters
    ----------
    runs : dict of float to (capacity_mAh_cm2, voltage_V)
        Resolved curves, keyed by gamma; two or more.
    structure : Structure
        The same voxels, homogenized.
    current_mA_cm2 : float
        Current of the runs.
    materials : HalfCell
        Material parameters of the runs, with their cut-off.
    values : int
        Values of gamma, evenly in its logarithm between the least and the largest of `runs`. More
        of them cost next to nothing and change next to nothing.

    Returns
    -------
    curves : dict of float to (capacity_mAh_cm2, voltage_V)
        Those of `runs` as they are, and corrected ones in between.

    Raises
    ------
    ValueError
        If there are fewer than two runs, or the homogenized model cannot carry the current at the
        gamma of one of them.

    Notes
    -----
    At each share of its last capacity a curve has a voltage. The difference of these voltages, and
    the logarithm of the ratio of the last capacities, are interpolated in log gamma: by a line
    between two runs, by a parabola through three, by a cubic spline through more.
    """
    from scipy.interpolate import CubicSpline, PchipInterpolator

    if len(runs) < 2:
        raise ValueError(f"Runs at {len(runs)} values of gamma; expected at least two.")
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
    make = CubicSpline if nodes.size > 2 else PchipInterpolator
    difference = make(np.log(nodes), wanted - found)
    share = np.linspace(0, 1, SHARES)
    curves = {float(gamma): runs[gamma] for gamma in nodes}
    for gamma in np.geomspace(nodes[0], nodes[-1], values)[1:-1]:
        if np.min(np.abs(np.log(nodes / gamma))) < 0.02:
            continue  # a resolved run lies there
        try:
            log_end, *volts = cheap.shape(gamma, model) + difference(np.log(gamma))
        except (ValueError, StepFailed):
            continue  # the others are enough; fit_scan interpolates between them
        curves[float(gamma)] = share * np.exp(log_end), np.array(volts)
    return curves


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
        return ((np.array(found) - wanted) * weights).ravel()

    low, high = np.log(FACTORS)
    fit = least_squares(miss, (0.0, 0.0), bounds=(low, high), diff_step=0.02, xtol=1e-3, ftol=1e-4)
    return tuple(fit.x)


def fit(runs, structure, capacity_mAh_cm2, voltage_V, *, current_mA_cm2, noise_V, materials):
    """
    Find the gamma that comes closest to a curve, from resolved runs at two or three values of it.

    Parameters
    ----------
    runs, structure, current_mA_cm2, materials
        As for :func:`corrected_curves`.
    capacity_mAh_cm2, voltage_V : (N,) array
        Target curve.
    noise_V : float
        Standard deviation of one measured voltage.

    Returns
    -------
    GammaFit
        As of :func:`analysis.electrochemistry.gamma_fit.fit_scan`, which this calls.

    Raises
    ------
    ValueError
        As for :func:`corrected_curves`, or if the target is no curve that the runs can reach.
    """
    curves = corrected_curves(runs, structure, current_mA_cm2, materials=materials)
    return gamma_fit.fit_scan(curves, capacity_mAh_cm2, voltage_V, noise_V=noise_V)


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
