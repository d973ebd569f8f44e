"""Relaxation chapter: what a rest and a titration tell of solid and of liquid diffusion."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.electrochemistry.current_profile import (
    CurrentProfile,
    charge,
    hold,
    lithiation,
    pulses,
    rest,
)
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode.current_profiles.following import follow
from analysis.electrochemistry.porous_electrode.current_profiles.profile_run import ProfileRun
from analysis.electrochemistry.porous_electrode.current_profiles.voltage_parts import (
    VoltageParts,
    parts_at_rest,
)
from analysis.electrochemistry.porous_electrode.half_cell import Control
from analysis.electrochemistry.pybamm_reference import cubes
from analysis.electrochemistry.resolved.current_profiles import following as on_voxels
from analysis.study.cells.halfcell import EXAMPLE

CURRENT_MA_CM2, CHARGED_S, REST_S = 1.0, 7200.0, 10000.0
CONTROL = Control(voltage_error_V=1e-4, salt_error_mol_m3=1.0)
FEW = Control(voltage_error_V=5e-3, salt_error_mol_m3=50.0, first_step_s=0.05)
CYCLE = CurrentProfile(
    (lithiation(6, duration_s=1200), rest(600), charge(2, until_V=4.2))
    + (hold(4.2, until_mA_cm2=0.5), rest(300))
)
PARTS = ("salt", "particles")
VARIED = {
    "as it is": (1.0, 1.0),
    "diffusivity in the solid doubled": (2.0, 1.0),
    "transport in the liquid doubled": (1.0, 2.0),
}


@dataclass(frozen=True)
class Rest:
    """A lithiation and the rest after it, with the voltage of the rest in parts."""

    run: ProfileRun
    parts: VoltageParts


def after_lithiation(electrode=EXAMPLE, materials=DEFAULT, current_mA_cm2=CURRENT_MA_CM2):
    """
    Lithiate for `CHARGED_S`, or as much at another current, and rest.

    Parameters
    ----------
    electrode : ElectrodeProfile
        The electrode.
    materials : HalfCell
        Parameters.
    current_mA_cm2 : float
        Current of the lithiation.

    Returns
    -------
    Rest
    """
    duration_s = CHARGED_S * CURRENT_MA_CM2 / current_mA_cm2
    segments = lithiation(current_mA_cm2, duration_s=duration_s), rest(REST_S)
    run = follow(electrode, segments, materials=materials, control=CONTROL)
    return Rest(run, parts_at_rest(run, 1, materials))


def curves(parts):
    """What the voltage lacks [mV] against the time of the rest, in parts and all; from 10 ms on."""
    late = parts.time_s > 0.01
    lacking = {"all": parts.voltage_V - parts.equilibrium_V, **parts.remaining}
    return {name: (parts.time_s[late], -1e3 * values[late]) for name, values in lacking.items()}


@dataclass(frozen=True)
class Cycle:
    """One profile followed by all three: compiled, FiPy, and the resolved cell on cubes."""

    compiled: ProfileRun
    fipy: ProfileRun
    resolved: on_voxels.ResolvedProfileRun
    of_cubes: ProfileRun  # the homogenized model of the labels
    table: pd.DataFrame


def cycle():
    """
    Follow `CYCLE` in FiPy beside the compiled backend, and on voxels beside the 1D model.

    The voxels are the small cubes of :mod:`analysis.electrochemistry.pybamm_reference.cubes`, for
    which the homogenized model holds.

    Returns
    -------
    Cycle
        Its table has a row per segment: segment, ended by, fipy_mV, resolved_mV (rms).
    """
    size = dict(n_electrode=12, n_separator=5, control=FEW)
    compiled = follow(EXAMPLE, CYCLE, **size)
    fipy = follow(EXAMPLE, CYCLE, backend="fipy", **size)
    voxels = on_voxels.follow(
        cubes.labels(), cubes.GAMMA, CYCLE, voxel_size_um=cubes.EDGE_UM, materials=cubes.MATERIALS,
        threads=1,
    )  # fmt: skip
    of_cubes = follow(cubes.electrode(), CYCLE, materials=cubes.MATERIALS, control=CONTROL)
    rows, begins = [], np.zeros(4)
    runs = compiled, fipy, voxels, of_cubes
    for n, segment in enumerate(CYCLE.segments):
        parts = [_segment(run, n, begin) for run, begin in zip(runs, begins, strict=True)]
        rows.append(
            {
                "segment": str(segment),
                "ended_by": compiled.ends[n].reason,
                "fipy_mV": _rms_mV(parts[1], parts[0]),
                "resolved_mV": _rms_mV(parts[2], parts[3]),
            }
        )
        begins = [run.ends[n].time_s for run in runs]
    return Cycle(*runs, pd.DataFrame(rows))


def _segment(run, n, begin):
    """Time since the begin of a segment, and the voltage."""
    here = run.segment == n
    return run.time_s[here] - begin, run.voltage_V[here]


def _rms_mV(one, other):
    at = one[0][one[0] <= other[0][-1]]
    miss = np.interp(at, *one) - np.interp(at, *other)
    weight = np.gradient(at)
    return 1e3 * float(np.sqrt(np.sum(weight * miss**2) / np.sum(weight)))


def separation(current_mA_cm2=CURRENT_MA_CM2):
    """
    Half-lives of the two main parts as each diffusion is made faster.

    Parameters
    ----------
    current_mA_cm2 : float
        Current of the lithiation before the rest.

    Returns
    -------
    table : pandas.DataFrame
        Columns what, salt_s, particles_s; and the same over the first row, _ratio.
    """
    rows = []
    for what, (solid, liquid) in VARIED.items():
        active = replace(DEFAULT.active, diffusivity_m2_s=solid * DEFAULT.active.diffusivity_m2_s)
        electrode = replace(EXAMPLE, transport=liquid * EXAMPLE.transport)
        materials = replace(DEFAULT, active=active)
        parts = after_lithiation(electrode, materials, current_mA_cm2).parts
        row = {"what": what}
        for name in PARTS:
            row[f"{name}_s"] = half_life(parts.time_s, parts.remaining[name])
        rows.append(row)
    table = pd.DataFrame(rows)
    for name in PARTS:
        table[f"{name}_ratio"] = table[f"{name}_s"] / table[f"{name}_s"].iloc[0]
    return table


def half_life(time_s, values):
    """Time after which the magnitude is half of what it was at the start."""
    share = np.abs(values) / abs(values[0])
    after = int(np.flatnonzero(share < 0.5)[0])
    between = slice(after - 1, after + 1)
    return float(np.interp(-0.5, -share[between], time_s[between]))


def separation_text(table):
    """Whether each part follows its own diffusion only, in words; from :func:`separation`."""
    solid, liquid = table.iloc[1], table.iloc[2]
    own = max(solid.particles_ratio, liquid.salt_ratio)
    other = max(abs(solid.salt_ratio - 1), abs(liquid.particles_ratio - 1))
    if own < 0.75 and other < 0.25:
        return "Each part follows its own diffusion and hardly the other"
    if own < 1 - other:
        return "Each part follows its own diffusion more than the other, but not it alone"
    return "At this current the parts cannot be told apart by what is changed"


def titration(current_mA_cm2=1.0, number=6, pulse_s=120.0, rest_s=7200.0, between_s=3600.0):
    """
    Diffusivity of the particles as a titration tells it, from the voltage and from its solid part.

    Parameters
    ----------
    current_mA_cm2 : float
        Current of the pulses.
    number : int
        Pulses that are evaluated.
    pulse_s, rest_s : float
        Length of a pulse and of the rest after it [s].
    between_s : float
        Lithiation at the same current between two of them [s].

    Returns
    -------
    table : pandas.DataFrame
        Columns content [-]; diffusivity over the true one: from_voltage, from_surface.

    Notes
    -----
    For short pulses on spheres D = 4 R² / (9 π t) (ΔE_s / ΔE_t)² [1]_, with the step of the
    voltage from rest to rest, and the change in the pulse that goes with the root of the time.

    References
    ----------
    .. [1] Weppner & Huggins, J. Electrochem. Soc. 1977, 124, 1569.
    """
    pulse = pulses(current_mA_cm2, 1, pulse_s=pulse_s, rest_s=rest_s)
    between = lithiation(current_mA_cm2, duration_s=between_s), rest(rest_s)
    run = follow(EXAMPLE, (rest(1.0), *(pulse + between) * number), control=CONTROL)
    radius, true = EXAMPLE.radius_m, DEFAULT.active.diffusivity_m2_s
    surface_V = run.surface_V @ run.active
    rows = []
    for n in range(1, 4 * number, 4):
        part, before = run.part(n), run.ends[n - 1]
        root = np.sqrt(run.time_s[part] - before.time_s)
        early = (root > np.sqrt(0.1 * pulse_s)) & (root <= np.sqrt(pulse_s))
        step = run.ends[n + 1].voltage_V - before.voltage_V
        row = {"content": float(run.content[part][-1] @ run.active)}
        for name, values in (("voltage", run.voltage_V), ("surface", surface_V)):
            slope = np.polyfit(root[early], values[part][early], 1)[0]
            found = 4 * radius**2 / (9 * np.pi * pulse_s) * (step / (slope * np.sqrt(pulse_s))) ** 2
            row[f"from_{name}"] = found / true
        rows.append(row)
    return pd.DataFrame(rows)


def titration_text(table):
    """What the liquid does to a titration, in words; from :func:`titration`."""
    low, high = table.from_voltage.min(), table.from_voltage.max()
    off = np.abs(np.log(table.from_surface)).max()
    known = "within a third" if off < np.log(4 / 3) else f"within a factor of {np.exp(off):.1f}"
    text = f"The potential of the surface gives the diffusivity {known}"
    if high < 1 / 1.5:
        return f"{text}; the voltage of the cell gives {low:.2f} to {high:.2f} of it"
    return f"{text}; the voltage of the cell gives {low:.1f} to {high:.1f} times it"
