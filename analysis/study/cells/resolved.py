"""Lithiation of voxels themselves, beside the homogenized model of the same voxels."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import minimize_scalar

from analysis import storage
from analysis.electrochemistry import gamma_fit as calibration
from analysis.electrochemistry.porous_electrode import half_cell as halfcell
from analysis.electrochemistry.porous_electrode import homogenization as structure
from analysis.electrochemistry.transport import reactive_surface
from analysis.progress import through
from analysis.simulation import campaign, case_lists, cases
from analysis.simulation import run as simulations

SPECIMEN, CUTOUT = case_lists.HEADLINE
RADIUS_RANGE = 0.1, 2.0  # of the effective radius, in radii of the spheres with the AM's surface


@dataclass(frozen=True)
class ResolvedRun:
    """
    One resolved lithiation beside the homogenized model of the same voxels.

    Attributes
    ----------
    case : cases.Case
        Case.
    data : xarray.Dataset
        The resolved run.
    structure : structure.Structure
        The same voxels, homogenized.
    homogenized, fitted_radius : halfcell.Lithiation
        The homogenized model with spheres of the AM's surface, and of the radius that fits best.
    radius_um : float
        That effective radius [µm].
    face_factor : float
        Reactive surface over the area of the voxel faces, by which the resolved run weighs them.
    """

    case: cases.Case
    data: xr.Dataset
    structure: structure.Structure
    homogenized: halfcell.Lithiation
    fitted_radius: halfcell.Lithiation
    radius_um: float
    face_factor: float

    @property
    def method(self):
        """Trinarization."""
        return self.case.method

    @property
    def cell_um(self):
        """Edge of the cells for potentials and salt [µm]."""
        return float(self.data.attrs["cell_size_um"])

    @property
    def curve(self):
        """Capacity [mAh/cm²] and voltage [V]."""
        return _curve(self.data)


def run(profile, *, workers=None, progress=print):
    """
    Run the resolved cases of the study and set the homogenized model beside the first cutout's.

    Parameters
    ----------
    profile : analysis.profiles.Profile
        Profile.
    workers : int, optional
        Local processes.
    progress : callable
        Receives the progress, line by line.

    Returns
    -------
    outcomes : list of ResolvedRun
        Every trinarization at the true gamma and the current of the fit, the truth first, then
        the truth with other cells.
    failed : dict of str to str
        Why a case could not run, by its name.
    """
    _, summary = campaign.run_resolved(profile, workers=workers, progress=progress)
    runs, _ = case_lists.resolved_cases(profile)
    wanted = [
        case
        for case in dict.fromkeys(runs)
        if (case.specimen, case.cutout) == case_lists.HEADLINE
        and (case.gamma, case.current_mA_cm2) == (profile.gamma_true, profile.fit_current)
        and cases.is_finished(case, profile)
    ]
    outcomes = [_outcome(case, profile) for case in through(wanted, "runs beside the 1D model")]
    if not outcomes or outcomes[0].method != cases.TRUTH:
        raise RuntimeError(f"The truth itself was not lithiated: {summary}")
    storage.save_table("resolved", table(outcomes), profile=profile)
    return outcomes, {str(case): reason for case, reason in summary.failed.items()}


def table(outcomes):
    """
    Capacity of every case beside the homogenized model's, and the balances of the run.

    Returns
    -------
    table : pandas.DataFrame
        Columns method, edge of the cells [µm], their number, capacity and homogenized capacity
        [mAh/cm²], rms difference [mV], effective radius [µm], factor on the voxel faces [-], the
        difference that this radius leaves [mV], steps, rejected steps, Newton iterations, and
        largest relative errors of lithium, salt and current.
    """
    return pd.DataFrame(
        {
            "method": one.method,
            "cell": one.cell_um,
            "cells": one.data.attrs["cells"],
            "capacity": float(one.data.capacity_mAh_cm2[-1]),
            "homogenized": one.homogenized.capacity_mAh_cm2[-1],
            "difference": difference_mV(_curve(one.homogenized), one.curve),
            "radius": one.radius_um,
            "factor": one.face_factor,
            "fitted_radius": difference_mV(_curve(one.fitted_radius), one.curve),
            "steps": one.data.attrs["steps"],
            "rejected": one.data.attrs["rejected"],
            "iterations": one.data.attrs["iterations"],
            "lithium": float(abs(one.data.lithium_drift).max()),
            "salt": float(abs(one.data.salt_drift).max()),
            "current": float(one.data.kirchhoff.max()),
        }
        for one in outcomes
    )


def difference_mV(first, second):
    """Rms difference [mV] of two (capacity, voltage) curves over the capacity that both reach."""
    at = np.linspace(0.002, 0.98, 400) * min(first[0][-1], second[0][-1])
    a, b = (np.interp(at, *curve) for curve in (first, second))
    return float(1e3 * np.sqrt(np.mean((a - b) ** 2)))


def costs(outcomes):
    """
    What other cells and another trinarization change, against the first case.

    Returns
    -------
    costs : pandas.DataFrame
        Columns change, kind, rms difference of the voltage [mV] and of the capacity [%].
    """
    first, rows = outcomes[0], []
    for one in outcomes[1:]:
        same = one.method == first.method
        rows.append(
            {
                "change": f"cells of {one.cell_um:.2f} µm" if same else one.method,
                "kind": "cell" if same else "method",
                "difference": difference_mV(one.curve, first.curve),
                "capacity": 100 * (one.curve[0][-1] / first.curve[0][-1] - 1),
            }
        )
    return pd.DataFrame(rows, columns=["change", "kind", "difference", "capacity"])


def fields(outcome):
    """
    A section through the electrode at the moments kept.

    Returns
    -------
    fields : xarray.Dataset
        ``salt_mol_m3``, ``content``, ``electrolyte_V`` and ``solid_V`` with dimensions ``moment,
        z, x``, edges in ``z_um, x_um``; NaN outside their phases.
    """
    data, edge = outcome.data, outcome.cell_um
    kept = {name: data[name] for name in data if name.startswith("section_")}
    found = xr.Dataset({name.removeprefix("section_"): field for name, field in kept.items()})
    return found.assign_coords(
        z_um=("z", (np.arange(found.sizes["z"]) + 0.5) * edge),
        x_um=("x", (np.arange(found.sizes["x"]) + 0.5) * edge),
    )


def volumes(outcome):
    """Salt [mol/m³] and lithium content [-] of the whole volume at the last moment kept."""
    names = {"salt [mol/m³]": "salt_mol_m3", "lithium content [-]": "content"}
    return {title: outcome.data[f"volume_{name}"].values for title, name in names.items()}


def spread_in_slices(outcome):
    """
    How much the lithium content differs inside single slices at the last moment kept.

    Returns
    -------
    spread : float
        Mean over the slices of the difference between the 95th and the 5th percentile [-].
    """
    return float(outcome.data.content_spread[-1].mean())


def curves(method, profile):
    """
    Figure 11 by resolved runs for one fitted trinarization.

    Returns
    -------
    swept : dict of float to (capacity, voltage)
        At the current of the fit, by gamma.
    predicted, measured : dict of float to (capacity, voltage)
        With the fitted gamma, and of the truth, by current.
    gamma : float
        The fitted value [-].
    """
    fit = _fit(method, profile)
    data = cases.load(fit, profile)
    swept = {one.gamma: _curve(cases.load(one, profile)) for one in cases.scan(fit, profile)}
    predicted = _by_current(case_lists.predictions(fit, profile), profile)
    return swept, predicted, measured(profile), float(data.fitted_gamma)


def measured(profile):
    """Resolved curves of the truth, by current."""
    voxels_per_cell = profile.resolved_voxels_per_cell[0]
    return _by_current(cases.measurements(profile, SPECIMEN, CUTOUT, voxels_per_cell), profile)


def gammas(outcomes, profile):
    """
    What is fitted when the model is less than the experiment.

    Every row fits gamma to lithiations of the true voxels at the current of the fit. By resolved
    runs; by the homogenized model against its own truth; by the homogenized model against the
    resolved truth, which is what fitting a measurement amounts to; and the same with the
    effective radius of the truth.

    Returns
    -------
    table : pandas.DataFrame
        Columns method, resolved and its error [-], whether it is the least or the largest gamma
        that was tried, homogenized, cross_fit and fitted_radius [-].
    """
    truth = outcomes[0]
    by_method = {one.method: one for one in outcomes if one.cell_um == truth.cell_um}
    capacity, voltage = simulations.noisy(truth.data, truth.case, profile)
    own = simulations.noisy(_dataset(truth.homogenized), truth.case, profile)
    options = dict(
        current_mA_cm2=profile.fit_current,
        noise_V=profile.noise_V,
        materials=simulations.materials_of(truth.case, profile),
    )
    shrunk = truth.radius_um / (1e6 * truth.structure.radius_m)
    rows = []
    for method in dict.fromkeys((cases.TRUTH, *profile.resolved_fitted)):
        if method not in by_method or not cases.is_finished(_fit(method, profile), profile):
            continue
        data, made = cases.load(_fit(method, profile), profile), by_method[method].structure
        smaller = replace(made, radius_m=made.radius_m * shrunk)
        rows.append(
            {
                "method": method,
                "resolved": float(data.fitted_gamma),
                "error": float(data.gamma_error),
                "at_bound": bool(data.at_bound),
                "homogenized": calibration.fit_gamma(made, *own, **options).gamma,
                "cross_fit": calibration.fit_gamma(made, capacity, voltage, **options).gamma,
                "fitted_radius": calibration.fit_gamma(smaller, capacity, voltage, **options).gamma,
            }
        )
    found = pd.DataFrame(rows)
    storage.save_table("resolved_gamma", found, profile=profile)
    return found


def prediction_errors(profile):
    """
    Capacity at every current with the gamma fitted by resolved runs, against the truth's.

    Returns
    -------
    table : pandas.DataFrame
        Column method, then the relative error [%] per current [mA/cm²].
    """
    wanted = {current: curve[0][-1] for current, curve in measured(profile).items()}
    rows = []
    for method in profile.resolved_fitted:
        if cases.is_finished(_fit(method, profile), profile):
            _, predicted, _, _ = curves(method, profile)
            errors = {
                f"{current:g}": 100 * (curve[0][-1] / wanted[current] - 1)
                for current, curve in predicted.items()
                if current in wanted
            }
            rows += [{"method": method} | errors] if errors else []  # a gamma at a bound is none
    return pd.DataFrame(rows)


def _outcome(case, profile):
    data = cases.load(case, profile)
    labels, voxel_um = simulations.part_of(case, profile)
    made = structure.from_labels(labels, voxel_um)
    materials = simulations.materials_of(case, profile)

    def lithiate(radius_m):
        electrode = replace(made.at(case.gamma), radius_m=radius_m)
        return halfcell.lithiate(electrode, case.current_mA_cm2, materials=materials)

    bounds = np.log(np.array(RADIUS_RANGE) * made.radius_m)
    best = minimize_scalar(
        lambda log_radius: difference_mV(_curve(lithiate(np.exp(log_radius))), _curve(data)),
        bounds=bounds,
        method="bounded",
        options={"xatol": 0.01},
    )
    radius_m = float(np.exp(best.x))
    curves_1d = lithiate(made.radius_m), lithiate(radius_m)
    factor = reactive_surface.face_factor(labels, voxel_um)
    return ResolvedRun(case, data, made, *curves_1d, 1e6 * radius_m, factor)


def _fit(method, profile):
    of_profile = profile.gamma_true, profile.fit_current, "resolved"
    voxels_per_cell = profile.resolved_voxels_per_cell[0]
    return cases.Case("fit", SPECIMEN, CUTOUT, method, *of_profile, voxels_per_cell)


def _by_current(wanted, profile):
    return {
        one.current_mA_cm2: _curve(cases.load(one, profile))
        for one in wanted
        if cases.is_finished(one, profile)
    }


def _curve(done):
    """Capacity and voltage of a run or of its dataset."""
    return np.asarray(done.capacity_mAh_cm2), np.asarray(done.voltage_V)


def _dataset(run):
    return xr.Dataset({"voltage_V": ("time_s", run.voltage_V)}, coords={"time_s": run.time_s})
