"""Model and verification chapters: parameters, sweeps, convergence, comparison with PyBaMM."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis import storage
from analysis.descriptors import surface
from analysis.electrochemistry import pybamm_reference as reference
from analysis.electrochemistry.materials import (
    DEFAULT,
    LOW_RATE_MAH_G,
    MOLAR_MASS_G_MOL,
    parameter_rows,
)
from analysis.electrochemistry.porous_electrode import manufactured
from analysis.electrochemistry.porous_electrode.current_profiles.following import follow
from analysis.electrochemistry.porous_electrode.half_cell import Control, ElectrodeProfile, lithiate
from analysis.electrochemistry.pybamm_reference import profiles as pybamm_profiles
from analysis.electrochemistry.transport import reactive_surface
from analysis.phases import Phase
from analysis.profiles import ELECTRODES

# A two-layer electrode at the paper's fractions and the measured surface of virtual electrodes.
EXAMPLE = ElectrodeProfile(171e-6, 0.5954, 0.2892, 2.3e5, 0.06, 5.0, 6e-6)

ROUGH = Control(voltage_error_V=3e-4, salt_error_mol_m3=3.0)


def parameters():
    """Table of all parameters: material, symbol, meaning, value, unit, source, confidence."""
    table = pd.DataFrame(parameter_rows())
    table["value"] = [_text(value) for value in table["value"]]
    return table.drop(columns="sweep")


def sweeps(current_mA_cm2=6.0):
    """
    Capacity of the example electrode over the range of every uncertain parameter.

    Returns
    -------
    table : pandas.DataFrame
        Columns symbol, meaning, value, unit, capacity [mAh/cm²] and change against the default
        [%].
    """
    rows = []
    usual = _capacity(DEFAULT, current_mA_cm2)
    for row in parameter_rows():
        group = getattr(DEFAULT, row["material"], None)
        if not row["sweep"] or group is None or row["material"] == "binder":
            continue
        name = _field(group, row["symbol"])
        for value in row["sweep"]:
            cell = replace(DEFAULT, **{row["material"]: replace(group, **{name: value})})
            capacity = _capacity(cell, current_mA_cm2)
            rows.append(
                {
                    "symbol": row["symbol"],
                    "meaning": row["meaning"],
                    "value": value,
                    "unit": row["unit"],
                    "capacity": capacity,
                    "change": 100 * (capacity / usual - 1),
                }
            )
    return pd.DataFrame(rows)


def limit_text(table, kinetic=("i_ref", "i_Li")):
    """
    Whether transport or reaction sets the limit, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`sweeps`.
    kinetic : tuple of str
        Symbols of the reaction's parameters.
    """
    change = table.change.abs()
    reaction = change[table.symbol.isin(kinetic)].max()
    transport = change[~table.symbol.isin(kinetic)].max()
    if reaction < transport:
        return "So at this current transport sets the limit rather than the reaction"
    return "So at this current the reaction matters more than transport does"


@dataclass(frozen=True)
class LowRate:
    """
    Capacity at a low current beside the one that the electrodes should have.

    Attributes
    ----------
    capacity : float
        Of the example electrode [mAh/cm²].
    per_gram, target : float
        The same per gram of active material, and the published value [mAh/g].
    equilibrium : float
        What lithium up to the end of the equilibrium potential would give [mAh/g].
    """

    capacity: float
    per_gram: float
    target: float
    equilibrium: float


def low_rate(current_mA_cm2=1.0):
    """The example electrode at a low current; returns a :class:`LowRate`."""
    capacity = _capacity(DEFAULT, current_mA_cm2)
    active = DEFAULT.active
    whole = replace(active, ocp=replace(active.ocp, accessible=None))
    free = _capacity(replace(DEFAULT, active=whole), current_mA_cm2)
    moles_m2 = EXAMPLE.active[0] * EXAMPLE.thickness_m * active.max_concentration_mol_m3
    grams_cm2 = 1e-4 * moles_m2 * MOLAR_MASS_G_MOL
    grams_cm2 = float(grams_cm2)
    return LowRate(capacity, capacity / grams_cm2, LOW_RATE_MAH_G, free / grams_cm2)


def surfaces(profile, radii=(4, 8, 16)):
    """
    Area of voxel faces and Crofton's estimate, of balls and of the true electrodes.

    Parameters
    ----------
    profile : analysis.profiles.Profile
        Profile.
    radii : sequence of int
        Radii of the balls [voxels].

    Returns
    -------
    table : pandas.DataFrame
        Columns body, faces and estimate (of balls: over the true area; of electrodes: reactive
        surface per volume [1/µm]) and factor, their ratio.
    """
    rows = []
    for radius in radii:
        labels = _ball(radius)
        true = 4 * np.pi * radius**2
        faces = reactive_surface.of_faces(labels, 1.0) * labels.size
        # all pairs of an isolated body are in the window: no correction for its border
        steps = np.linalg.norm(surface.DIRECTIONS, axis=1)
        weights = 4 * surface.crofton_weights((1.0, 1.0, 1.0))
        estimate = (surface.discordant_pairs(labels) @ (weights / steps))[Phase.AM]
        rows.append((f"ball of radius {radius} voxels", faces / true, estimate / true))
    for specimen in ELECTRODES:
        volume = storage.load_volume(f"labels/{specimen}-1-truth", profile=profile)
        voxel_size_um = float(volume.attrs["voxel_size_um"])
        faces = reactive_surface.of_faces(volume.values, voxel_size_um)
        factor = reactive_surface.face_factor(volume.values, voxel_size_um)
        rows.append((f"truth of {specimen}-1 [1/µm]", faces, faces * factor))
    table = pd.DataFrame(rows, columns=["body", "faces", "estimate"])
    return table.assign(factor=table.estimate / table.faces)


def _ball(radius):
    z, y, x = np.indices((2 * radius + 4,) * 3) - radius - 1.5
    labels = np.full(z.shape, Phase.PORE, np.uint8)
    labels[z**2 + y**2 + x**2 < radius**2] = Phase.AM
    return labels


def against_pybamm():
    """
    Our curves beside the stored ones of PyBaMM's DFN.

    Returns
    -------
    table : pandas.DataFrame
        Current [mA/cm²], rms difference [mV], end times [s] and their difference [%].
    curves : dict of str to (capacity, voltage)
    """
    rows, curves = [], {}
    for current in reference.CURRENTS_MA_CM2:
        time_s, voltage_V = reference.curve(current)
        run, row = _beside(reference.ELECTRODE, current, reference.MATERIALS, time_s, voltage_V)
        rows.append({"current": current} | row)
        curves[current] = (
            (run.capacity_mAh_cm2, run.voltage_V),
            (current * time_s / 3600, voltage_V),
        )
    return pd.DataFrame(rows), curves


def settings_against_pybamm():
    """The same table for a warm, a dilute and a thin cell, with a column `cell` of their names."""
    rows = []
    for name, one in reference.SETTINGS.items():
        stored = reference.read(name)
        row = _beside(one.electrode, one.current_mA_cm2, one.materials, *stored)[1]
        rows.append({"cell": name, "current": one.current_mA_cm2} | row)
    return pd.DataFrame(rows)


def _beside(electrode, current, materials, time_s, voltage_V):
    control = Control(voltage_error_V=1e-5, salt_error_mol_m3=0.1)
    size = dict(n_electrode=200, n_separator=60, control=control)
    run = lithiate(electrode, current, materials=materials, **size)
    at = np.linspace(0, 0.999 * min(run.time_s[-1], time_s[-1]), 400)
    miss = np.interp(at, run.time_s, run.voltage_V) - np.interp(at, time_s, voltage_V)
    return run, {
        "rms_mV": 1e3 * float(np.sqrt(np.mean(miss**2))),
        "end_s": run.time_s[-1],
        "pybamm_end_s": time_s[-1],
        "end_difference_percent": 100 * (run.time_s[-1] / time_s[-1] - 1),
    }


def profiles_against_pybamm():
    """
    Current profiles of ours beside the stored experiments of PyBaMM.

    Returns
    -------
    table : pandas.DataFrame
        A row per profile and kind of segment: the largest rms difference of the voltage [mV], of
        the current [mA/cm²] where the voltage is held, and of the times at which segments end [%].
    """
    rows = []
    control = Control(voltage_error_V=1e-5, salt_error_mol_m3=0.1)
    size = dict(n_electrode=200, n_separator=60, control=control, materials=reference.MATERIALS)
    for name, profile in pybamm_profiles.EXPERIMENTS.items():
        run = follow(reference.ELECTRODE, profile, **size)
        compared = pd.DataFrame(pybamm_profiles.compare(run, pybamm_profiles.curve(name)))
        compared["kind"] = [str(one).split()[0] for one in profile.segments]
        for kind, group in compared.groupby("kind", sort=False):
            rows.append(
                {
                    "profile": name,
                    "kind": kind,
                    "segments": len(group),
                    "rms_mV": group.rms_mV.max(),
                    "current": group.current_rms.max() if kind == "hold" else np.nan,
                    "end_percent": group.difference_percent.abs().max(),
                }
            )
    return pd.DataFrame(rows)


def conservation(currents=(1.0, 6.0, 12.0)):
    """Loss of salt and of lithium over whole lithiations with the concentration-dependent t₊."""
    rows = []
    for current in currents:
        run = lithiate(EXAMPLE, current, control=ROUGH)
        rows.append(
            {
                "current": current,
                "salt": abs(run.salt_drift),
                "lithium": abs(run.lithium_drift),
                "lowest_salt": run.salt_mol_m3.min(),
                "steps": run.steps,
            }
        )
    return pd.DataFrame(rows)


def salt_text(table):
    """
    Whether salt is lost, and whether it stays positive, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`conservation`.
    """
    lost, lowest = float(table.salt.max()), float(table.lowest_salt.min())
    kept = "The salt is conserved" if lost < 1e-6 else f"Up to {lost:.0e} of the salt is lost"
    if lowest < 0:
        return f"{kept}, but its concentration falls below zero, to {lowest:.1g} mol/m³"
    used = "although it is used up in places" if lowest < 1 else "and nowhere used up"
    return f"{kept}, {used}; its lowest concentration is {lowest:.1g} mol/m³, never below zero"


def backends(end_s=30.0):
    """
    The first seconds of a lithiation in FiPy and in the compiled backend, on the same steps.

    Returns
    -------
    rms_mV : float
        Rms difference of the voltages.
    ratio : float
        CPU seconds of FiPy over those of the compiled backend.
    """
    import time

    size = dict(n_electrode=20, n_separator=8)
    rough = Control(voltage_error_V=2e-3, salt_error_mol_m3=20.0)
    steps = lithiate(EXAMPLE, 6, end_s=end_s, control=rough, **size).time_s
    steps = steps[:: max(1, steps.size // 6)]
    seconds, runs = [], []
    for backend in ("banded", "fipy"):
        begin = time.process_time()
        repeats = 20 if backend == "banded" else 1
        for _ in range(repeats):
            run = lithiate(EXAMPLE, 6, times_s=steps, backend=backend, control=rough, **size)
        seconds.append((time.process_time() - begin) / repeats)
        runs.append(run)
    difference = runs[0].voltage_V - runs[1].voltage_V
    return 1e3 * float(np.sqrt(np.mean(difference**2))), seconds[1] / seconds[0]


def orders():
    """Convergence in space and time: two dicts of errors and a table of slopes."""
    space = manufactured.space_convergence()
    times = manufactured.time_convergence()
    names = ("salt", "psi", "solid")
    table = pd.DataFrame(
        {
            "field": names,
            "order_h": [manufactured.order(space["h_um"], space[name]) for name in names],
            "order_dt": [manufactured.order(times["dt_s"], times[name]) for name in names],
        }
    )
    return space, times, table


def _capacity(materials, current_mA_cm2):
    run = lithiate(EXAMPLE, current_mA_cm2, materials=materials, control=ROUGH)
    return float(run.capacity_mAh_cm2[-1])


def _field(group, symbol):
    from dataclasses import fields

    return next(item.name for item in fields(group) if item.metadata.get("symbol") == symbol)


def _text(value):
    values = value if isinstance(value, tuple) else (value,)
    return ", ".join(f"{one:.6g}" for one in values)
