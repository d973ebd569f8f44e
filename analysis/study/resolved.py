"""Lithiation of voxels themselves, beside the homogenized model of the same voxels."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from analysis import profiles, storage
from analysis.electrochemistry import grid, halfcell, structure
from analysis.electrochemistry import resolved as cell
from analysis.electrochemistry.materials import DEFAULT

SPECIMEN = "TL"
MOMENTS = (0.1, 0.5)  # of the homogenized run, at which fields are kept


@dataclass(frozen=True)
class Case:
    """One resolved lithiation and its homogenized twin."""

    method: str
    voxel_um: float
    resolved: cell.Lithiation
    homogenized: halfcell.Lithiation


def run(profile, say=lambda line: None):
    """
    Lithiate part of the first cutout at the current of the fit and the true gamma.

    Every method runs on the first voxel size of the profile, the truth also on the others.

    Parameters
    ----------
    profile : str
        Profile.
    say : callable
        Receives the name of each case before it starts.

    Returns
    -------
    cases : list of Case
        The truth on the first voxel size first.
    refused : dict of str to str
        Why a case could not run, by its name: joined voxels may close a thin phase.
    """
    settings = profiles.get(profile)
    wanted = [(method, settings.resolved_joined[0]) for method in settings.resolved_methods]
    wanted += [(settings.resolved_methods[0], joined) for joined in settings.resolved_joined[1:]]
    cases, refused = [], {}
    for method, joined in wanted:
        if not storage.exists("volumes", f"labels/{SPECIMEN}-1-{method}", profile=profile):
            continue
        name = f"{method}, {joined} voxels joined"
        say(name)
        try:
            cases.append(_lithiate(method, joined, settings, profile))
        except ValueError as reason:
            if not cases:
                raise
            refused[name] = str(reason)
    storage.save_table("resolved", table(cases), profile=profile)
    storage.save_curves("resolved", fields(cases[0]), profile=profile)
    return cases, refused


def table(cases):
    """
    Capacity of every case beside the homogenized model's, and the balances of the run.

    Returns
    -------
    table : pandas.DataFrame
        Columns method, voxel [µm], cells, capacity and homogenized capacity [mAh/cm²], rms
        difference of their voltages [mV], steps, rejected steps, Newton iterations, and largest
        relative errors of lithium, salt and current.
    """
    return pd.DataFrame(
        {
            "method": case.method,
            "voxel": case.voxel_um,
            "cells": case.resolved.cells,
            "capacity": case.resolved.capacity_mAh_cm2[-1],
            "homogenized": case.homogenized.capacity_mAh_cm2[-1],
            "difference": difference_mV(case.resolved, case.homogenized),
            "steps": case.resolved.steps,
            "rejected": case.resolved.rejected,
            "iterations": case.resolved.iterations,
            "lithium": np.abs(case.resolved.lithium_drift).max(),
            "salt": np.abs(case.resolved.salt_drift).max(),
            "current": case.resolved.kirchhoff.max(),
        }
        for case in cases
    )


def difference_mV(first, second):
    """Rms difference [mV] of two curves over the capacity that both reach."""
    end = min(first.capacity_mAh_cm2[-1], second.capacity_mAh_cm2[-1])
    at = np.linspace(0.002, 0.98, 400) * end
    a, b = (np.interp(at, run.capacity_mAh_cm2, run.voltage_V) for run in (first, second))
    return float(1e3 * np.sqrt(np.mean((a - b) ** 2)))


def costs(cases):
    """
    What other voxels and another trinarization change, against the first case.

    Returns
    -------
    costs : pandas.DataFrame
        Columns change, rms difference of the voltage [mV] and of the capacity [%].
    """
    first, rows = cases[0], []
    for case in cases[1:]:
        same = case.method == first.method
        rows.append(
            {
                "change": f"voxels of {case.voxel_um:.2f} µm" if same else case.method,
                "kind": "voxel" if same else "method",
                "difference": difference_mV(case.resolved, first.resolved),
                "capacity": 100
                * (case.resolved.capacity_mAh_cm2[-1] / first.resolved.capacity_mAh_cm2[-1] - 1),
            }
        )
    return pd.DataFrame(rows, columns=["change", "kind", "difference", "capacity"])


def fields(case):
    """
    Salt and lithium in a section through the electrode at the moments kept.

    Returns
    -------
    fields : xarray.Dataset
        ``salt_mol_m3`` and ``content`` with dimensions ``time_s, z_um, x_um``; NaN outside their
        phases.
    """
    shots = case.resolved.snapshots
    depth, height, width = shots[0].content.shape
    middle = height // 2
    coordinates = {
        "time_s": [shot.time_s for shot in shots],
        "z_um": (np.arange(depth) + 0.5) * case.voxel_um,
        "x_um": (np.arange(width) + 0.5) * case.voxel_um,
    }
    return xr.Dataset(
        {
            name: (tuple(coordinates), np.stack([getattr(s, name)[:, middle] for s in shots]))
            for name in ("salt_mol_m3", "content")
        },
        coordinates,
    )


def spread_in_slices(case):
    """
    How much the lithium content differs inside single slices at the last moment kept.

    Returns
    -------
    spread : float
        Mean over the slices of the difference between the 95th and the 5th percentile [-].
    """
    content = case.resolved.snapshots[-1].content
    return float(np.mean([np.diff(np.nanpercentile(part, [5, 95]))[0] for part in content]))


def _lithiate(method, joined, settings, profile):
    volume = storage.load_volume(f"labels/{SPECIMEN}-1-{method}", profile=profile)
    part = volume.values[:, -settings.resolved_lateral :, -settings.resolved_lateral :]
    labels = grid.coarsen(np.ascontiguousarray(part), joined)
    edge = joined * float(volume.attrs["voxel_size_um"])
    gamma, current = settings.gamma_true, settings.fit_current
    electrode = structure.from_labels(labels, edge, gammas=(gamma,)).at(gamma)
    materials = replace(DEFAULT, cutoff_V=settings.resolved_cutoff_V)
    homogenized = halfcell.lithiate(electrode, current, materials=materials)
    moments = [share * float(homogenized.time_s[-1]) for share in MOMENTS]
    found = cell.lithiate(
        labels,
        gamma,
        current,
        voxel_size_um=edge,
        materials=materials,
        snapshots_s=moments,
        largest_inert=0.3,
        control=cell.Control().times(settings.resolved_tolerance),
        threads=1,
    )
    return Case(method, edge, found, homogenized)
