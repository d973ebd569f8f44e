"""What is kept of a run, as datasets without what differs from machine to machine."""

import numpy as np


def of_resolved(run, cell_size_um):
    """
    A resolved run, without its fields but for sections at the moments kept.

    Parameters
    ----------
    run : ResolvedLithiation
    cell_size_um : float
        Edge of its cells [µm].

    Returns
    -------
    data : xarray.Dataset
    """
    import xarray as xr

    data = xr.Dataset(
        {
            "voltage_V": ("point", run.voltage_V),
            "capacity_mAh_cm2": ("point", run.capacity_mAh_cm2),
            "salt_mol_m3": (("point", "depth_um"), run.salt_mol_m3),
            "content": (("point", "depth_um"), run.content),
            "salt_drift": ("point", run.salt_drift),
            "lithium_drift": ("point", run.lithium_drift),
            "kirchhoff": ("point", run.kirchhoff),
        },
        coords={"time_s": ("point", run.time_s), "depth_um": run.depth_um},
        attrs={
            "cell_size_um": cell_size_um,
            "cells": run.cells,
            "steps": run.steps,
            "rejected": run.rejected,
            "iterations": run.iterations,
        }
        | {f"inert_{name}": share for name, share in run.inert.items()},
    )
    for name in ("salt_mol_m3", "content", "electrolyte_V", "solid_V"):
        fields = [getattr(shot, name) for shot in run.snapshots]
        if fields:
            stacked = np.stack([field[:, field.shape[1] // 2] for field in fields])
            data[f"section_{name}"] = (("moment", "z", "x"), stacked)
    if run.snapshots:
        data["content_spread"] = (
            ("moment", "z"),
            [_spread(shot.content) for shot in run.snapshots],
        )
        data.coords["moment"] = [shot.time_s for shot in run.snapshots]
    return data


def _spread(content):
    """Difference between the 95th and the 5th percentile of the content in each slice."""
    flat = content.reshape(content.shape[0], -1)
    return np.array([np.diff(np.nanpercentile(part, (5, 95)))[0] for part in flat])


def of_curve(done):
    """A lithiation of the homogenized model: voltage and capacity against time, as a Dataset."""
    import xarray as xr

    return xr.Dataset(
        {
            "voltage_V": ("point", done.voltage_V),
            "capacity_mAh_cm2": ("point", done.capacity_mAh_cm2),
        },
        coords={"time_s": ("point", done.time_s)},
        attrs={"salt_drift": done.salt_drift, "lithium_drift": done.lithium_drift},
    )


def of_censored_fit(fit, lithiated, minima):
    """
    A fit whose gamma has a value only if it lies within the bounds of the search.

    Parameters
    ----------
    fit : GammaFit
    lithiated, minima : sequence of float
        Values of gamma at which voxels were lithiated, in turn, and of the minima that rival the
        best one, it first.

    Returns
    -------
    data : xarray.Dataset
        ``fitted_gamma`` and ``gamma_error`` are NaN if ``at_bound``; then ``bound`` is the end of
        the search at which the misfit is least, and gamma lies there or beyond.
    """
    import xarray as xr

    found = (fit.gamma, fit.gamma_error) if not fit.at_bound else (np.nan, np.nan)
    return xr.Dataset(
        {
            "fitted_gamma": found[0],
            "gamma_error": found[1],
            "misfit_V": fit.misfit_V,
            "at_bound": int(fit.at_bound),
            "bound": fit.gamma if fit.at_bound else np.nan,
            "misfit_profile_V": ("tried", fit.misfits_V),
            "lithiated": ("run", np.array(lithiated, dtype=float)),
            "minima": ("minimum", np.array(minima, dtype=float)),
        },
        coords={"tried": fit.gammas},
    )
